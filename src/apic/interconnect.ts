import {
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST,
  DELIVERY_NMI,
  DELIVERY_REMOTE_ACTION,
  DELIVERY_SMI,
  DELIVERY_STARTUP,
} from '../arch/apicRegisters.ts';
import { COUNTER_IPIS_DELIVERED, COUNTER_IPIS_SENT } from '../trace/counters.ts';
import { EVENT_IPI_DELIVER, EVENT_IPI_SEND } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import type { InterruptBus, InterruptMessage } from './interruptBus.ts';
import type { LocalApic } from './localApic.ts';
import { MESSAGE_DELIVERY, MESSAGE_FLOW, MESSAGE_SOURCE, MESSAGE_VECTOR, MessageInbox } from './messageInbox.ts';
import { isMessageTarget, lowestPriorityTarget } from './messageTarget.ts';

/** The part of a core that acts on messages which are not vectors. */
export interface InterruptReceiver {
  /** INIT: the core resets and waits for STARTUP. Its APIC has been reset. */
  init(): void;
  /** STARTUP: a core that waits for it starts in real mode at vector << 12; any other ignores it. */
  startup(vector: number): void;
  /** An NMI is pending. */
  nonMaskable(): void;
  /** A remote action request. Absent: the core has none, and nobody sends one. */
  remoteAction?(): void;
}

/** One core on the interconnect. */
export interface InterconnectPort {
  readonly apic: LocalApic;
  readonly receiver: InterruptReceiver;
  /** `clock[0]`: local time of the core in cycles. */
  readonly clock: Float64Array;
  /** The core's counters (trace/counters). */
  readonly counters: Float64Array;
}

export interface InterconnectCosts {
  /** Cycles from a write of the ICR to the arrival at another core. */
  readonly ipiLatencyCycles: number;
  /** The same for the sender itself. */
  readonly selfIpiLatencyCycles: number;
}

/**
 * Carries messages between the APICs of the machine: finds out who receives, and when.
 *
 * A message sent at local time t arrives at t + latency. Each core's messages wait in an inbox in the order of (arrival, flow number), so the order
 * of delivery is a function of what was sent, not of how the cores were interleaved between. Ports are numbered in the order of `attach`; the
 * machine makes that the number of the core.
 *
 * Deviation: SMIs are sent and counted but nobody acts on them; the machine has no system-management mode.
 */
export class Interconnect implements InterruptBus {
  /** Told of every message on its way to a core: the machine wakes a halted core and ends the run of another in time. */
  onSend: (target: number, due: number) => void = () => {};
  /** Told of the end of a level-triggered interrupt, for I/O APICs. */
  onEndOfInterrupt: (vector: number) => void = () => {};
  private readonly ports: InterconnectPort[] = [];
  /** The APIC of each port. */
  private readonly apics: LocalApic[] = [];
  private readonly inboxes: MessageInbox[] = [];
  private readonly costs: InterconnectCosts;
  private readonly probe: Probe;
  private lastFlow = 0;

  constructor(costs: InterconnectCosts, probe: Probe) {
    this.costs = costs;
    this.probe = probe;
  }

  /** Connects a core; returns its number. Raises: Error when its APIC id is taken. */
  attach(port: InterconnectPort): number {
    if (this.ports.some((other) => other.apic.id === port.apic.id)) throw new Error(`two local APICs with id ${port.apic.id}`);
    this.inboxes.push(new MessageInbox());
    this.apics.push(port.apic);
    return this.ports.push(port) - 1;
  }

  /** The message is in the inbox of each of its targets. */
  send(message: InterruptMessage): void {
    const source = this.ports.findIndex((port) => port.apic.id === message.source);
    const sender = this.ports[source];
    if (sender === undefined) throw new Error(`an interprocessor message from APIC ${message.source}, which is not on the interconnect`);
    const now = sender.clock[0]!;
    if (message.delivery === DELIVERY_LOWEST) {
      const target = lowestPriorityTarget(message, this.apics);
      if (target >= 0) this.post(message, source, target, now);
      return;
    }
    for (let target = 0; target < this.ports.length; target++) {
      if (isMessageTarget(message, this.apics[target]!)) this.post(message, source, target, now);
    }
  }

  broadcastEndOfInterrupt(vector: number): void {
    this.onEndOfInterrupt(vector);
  }

  /** When the next message for this core arrives; Infinity when none is on its way. */
  nextDue(core: number): number {
    return this.inboxes[core]!.nextDue;
  }

  /** Every message for this core that has arrived by `now` (the core's local time) has been handed over, in order of arrival. */
  deliver(core: number, now: number): void {
    const inbox = this.inboxes[core]!;
    while (inbox.nextDue <= now) {
      const flow = inbox.first(MESSAGE_FLOW);
      const source = inbox.first(MESSAGE_SOURCE);
      const delivery = inbox.first(MESSAGE_DELIVERY);
      const vector = inbox.first(MESSAGE_VECTOR);
      inbox.shift();
      const port = this.ports[core]!;
      port.counters[COUNTER_IPIS_DELIVERED]!++;
      if (this.probe.mask & (1 << EVENT_IPI_DELIVER)) this.probe.event(EVENT_IPI_DELIVER, core, now, flow, source, vector, delivery);
      this.hand(port, delivery, vector);
    }
  }

  /** What is on its way, as plain data. */
  snapshot(): InterconnectSnapshot {
    return { lastFlow: this.lastFlow, inboxes: this.inboxes.map((inbox) => inbox.snapshot()) };
  }

  /** What was on its way is on its way again. Precondition: as many cores are attached. */
  restore(snapshot: InterconnectSnapshot): void {
    if (snapshot.inboxes.length !== this.inboxes.length) {
      throw new Error(`a snapshot of ${snapshot.inboxes.length} cores for a machine of ${this.inboxes.length}`);
    }
    this.lastFlow = snapshot.lastFlow;
    for (const [core, rows] of snapshot.inboxes.entries()) this.inboxes[core]!.restore(rows);
  }

  private post(message: InterruptMessage, source: number, target: number, now: number): void {
    const latency = target === source ? this.costs.selfIpiLatencyCycles : this.costs.ipiLatencyCycles;
    const due = now + latency;
    const flow = ++this.lastFlow;
    // A lowest-priority message has found its target and arrives there as a fixed one.
    const delivery = message.delivery === DELIVERY_LOWEST ? DELIVERY_FIXED : message.delivery;
    this.inboxes[target]!.insert(due, flow, source, delivery, message.vector);
    this.ports[source]!.counters[COUNTER_IPIS_SENT]!++;
    if (this.probe.mask & (1 << EVENT_IPI_SEND)) this.probe.event(EVENT_IPI_SEND, source, now, flow, target, message.vector, delivery);
    this.onSend(target, due);
  }

  private hand(port: InterconnectPort, delivery: number, vector: number): void {
    switch (delivery) {
      case DELIVERY_FIXED:
        port.apic.accept(vector);
        return;
      case DELIVERY_NMI:
        port.receiver.nonMaskable();
        return;
      case DELIVERY_INIT:
        port.apic.init();
        port.receiver.init();
        return;
      case DELIVERY_STARTUP:
        port.receiver.startup(vector);
        return;
      case DELIVERY_SMI:
        return;
      case DELIVERY_REMOTE_ACTION:
        port.receiver.remoteAction?.();
        return;
      default:
        throw new Error(`an interprocessor message of delivery mode ${delivery} arrived`);
    }
  }
}

export interface InterconnectSnapshot {
  readonly lastFlow: number;
  /** Per core: the rows of its inbox. */
  readonly inboxes: readonly Float64Array[];
}
