import { DELIVERY_REMOTE_ACTION, ICR_ASSERT, ICR_DELIVERY_SHIFT } from '../arch/apicRegisters.ts';
import {
  IA32_RAR_ACT_VEC,
  IA32_RAR_CTRL,
  IA32_RAR_PAYLOAD_BASE,
  RAR_CTRL_ENABLE,
  RAR_CTRL_IGNORE_IF,
  RAR_PAGES_SHIFT,
  RAR_PAYLOAD_ADDRESS,
  RAR_PAYLOAD_SIZE,
  RAR_PAYLOAD_SPACE,
  RAR_PAYLOADS,
  RAR_PENDING,
  RAR_SUBTYPE_SHIFT,
  RAR_SUCCESS,
  RAR_TYPE_INVVPID,
  RAR_TYPE_SHIFT,
} from '../arch/remoteActions.ts';
import { INVVPID_ADDRESS, INVVPID_CONTEXT } from '../cpu/vmx/invalidation.ts';
import type { HostPages } from './hostPages.ts';
import type { Pcpu } from './pcpu.ts';
import type { TranslationFlush } from './translationFlush.ts';

/** Host pages for payload tables and action vectors of all cores there can be. */
export const REMOTE_FLUSH_PAGES = 65;

/**
 * Flushes by remote action request: the target's microcode does them, whether a guest runs there or not, and no software of the target knows. Every core
 * has a payload table of its own; entry n of it, and of its action vector, belongs to initiator n, so that nobody has to wait for room.
 */
export class RemoteFlushes {
  private readonly vectors: number;
  private readonly tables: readonly number[];

  /** Sets up the cores, which are in root operation. */
  constructor(pages: HostPages, pcpus: readonly Pcpu[]) {
    this.vectors = pages.allocate();
    this.tables = pcpus.map(() => pages.allocate());
    for (const { core, id } of pcpus) {
      core.remoteActions!.writeMsr(IA32_RAR_PAYLOAD_BASE, BigInt(this.tables[id]!));
      core.remoteActions!.writeMsr(IA32_RAR_ACT_VEC, BigInt(this.vectors + id * RAR_PAYLOADS));
      core.remoteActions!.writeMsr(IA32_RAR_CTRL, BigInt(RAR_CTRL_ENABLE + RAR_CTRL_IGNORE_IF));
    }
  }

  /** The flush is on its way to `target`. Precondition: the last one of this pair is done. */
  send(from: Pcpu, target: Pcpu, { vpid, la, pages }: TranslationFlush): void {
    const { core, vmm } = from;
    const payload = this.tables[target.id]! + from.id * RAR_PAYLOAD_SIZE;
    const subtype = pages === 0 ? INVVPID_CONTEXT : INVVPID_ADDRESS;
    const first =
      (BigInt(RAR_TYPE_INVVPID) << BigInt(RAR_TYPE_SHIFT)) |
      (BigInt(subtype) << BigInt(RAR_SUBTYPE_SHIFT)) |
      (BigInt(pages) << BigInt(RAR_PAGES_SHIFT));
    core.charge(vmm.costs.remoteCall + vmm.costs.apicAccess);
    core.storePhysical(8, payload, first);
    core.storePhysical(8, payload + RAR_PAYLOAD_SPACE, BigInt(vpid));
    core.storePhysical(8, payload + RAR_PAYLOAD_ADDRESS, BigInt.asUintN(64, BigInt(la)));
    core.storePhysical(1, this.actionOf(from, target), BigInt(RAR_PENDING));
    core.apic.writeIcr((DELIVERY_REMOTE_ACTION << ICR_DELIVERY_SHIFT) | ICR_ASSERT, target.core.apic.id);
  }

  /** True iff the microcode of `target` has said that it is done. Throws when it has refused. */
  isDone(from: Pcpu, target: Pcpu): boolean {
    const action = Number(from.core.loadPhysical(1, this.actionOf(from, target)));
    if (action !== RAR_PENDING && action !== RAR_SUCCESS)
      throw new Error(`core ${target.id} answered a remote action with 0x${action.toString(16)}`);
    return action === RAR_SUCCESS;
  }

  private actionOf(from: Pcpu, target: Pcpu): number {
    return this.vectors + target.id * RAR_PAYLOADS + from.id;
  }
}
