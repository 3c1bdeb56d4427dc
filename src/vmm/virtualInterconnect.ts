import type { InterruptBus, InterruptMessage } from '../apic/interruptBus.ts';
import {
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST,
  DELIVERY_NMI,
  DELIVERY_STARTUP,
  SHORTHAND_ALL,
  SHORTHAND_OTHERS,
  SHORTHAND_SELF,
} from '../arch/apicRegisters.ts';
import type { Vcpu } from './vcpu.ts';

/** What the VMM does when a virtual interrupt message reaches a vCPU. */
export interface VirtualReceiver {
  /** The virtual APIC has accepted `vector`; the vCPU must see it. */
  posted(target: Vcpu, vector: number, source: number): void;
  nonMaskable(target: Vcpu): void;
  init(target: Vcpu): void;
  startup(target: Vcpu, vector: number): void;
}

/**
 * The interrupt bus of one VM: finds the vCPUs a message is for and posts it to their virtual APICs at once. Whether and when a vCPU sees it is the
 * scheduler's business.
 */
export class VirtualInterconnect implements InterruptBus {
  /** vCPUs of the VM, by APIC id. */
  vcpus: readonly Vcpu[] = [];
  /** Targets of the last message: emulating the ICR costs by them. */
  targets = 0;
  private readonly receiver: VirtualReceiver;

  constructor(receiver: VirtualReceiver) {
    this.receiver = receiver;
  }

  send(message: InterruptMessage): void {
    this.targets = 0;
    for (const vcpu of this.vcpus) {
      if (!isTarget(message, vcpu)) continue;
      this.targets++;
      this.hand(message, vcpu);
      if (message.delivery === DELIVERY_LOWEST) return;
    }
  }

  /** No I/O APIC listens. */
  broadcastEndOfInterrupt(): void {}

  private hand(message: InterruptMessage, vcpu: Vcpu): void {
    switch (message.delivery) {
      case DELIVERY_FIXED:
      case DELIVERY_LOWEST:
        if (vcpu.apic.accept(message.vector)) this.receiver.posted(vcpu, message.vector, message.source);
        break;
      case DELIVERY_INIT:
        this.receiver.init(vcpu);
        break;
      case DELIVERY_STARTUP:
        this.receiver.startup(vcpu, message.vector);
        break;
      case DELIVERY_NMI:
        this.receiver.nonMaskable(vcpu);
        break;
    }
  }
}

function isTarget(message: InterruptMessage, vcpu: Vcpu): boolean {
  switch (message.shorthand) {
    case SHORTHAND_SELF:
      return vcpu.id === message.source;
    case SHORTHAND_ALL:
      return true;
    case SHORTHAND_OTHERS:
      return vcpu.id !== message.source;
    default:
      return vcpu.apic.matches(message.logical, message.destination);
  }
}
