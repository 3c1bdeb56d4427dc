import type { Invalidator } from './invalidator.ts';

/** What one broadcast invalidates, on every core that it reaches. */
export interface BroadcastInvalidation {
  /** First linear address, signed; how many pages, and bytes from one to the next. `pages` 0: every address. */
  readonly la: number;
  readonly pages: number;
  readonly stride: number;
  /** -1: any. */
  readonly pcid: number;
  readonly global: boolean;
  /** Entries of paging-structure caches, too. */
  readonly tables: boolean;
  /** Host page number of the EPT root whose translations are meant, 0 for those without EPT, -1 for all. */
  readonly eptRoot: number;
}

interface Pending {
  readonly due: number;
  readonly source: number;
  readonly what: BroadcastInvalidation;
}

/**
 * Carries INVLPGB from core to core: sent at t, it takes effect on the others at t + latency, whatever they do, and its sender knows that at
 * t + 2 latency. No core sees what comes from its future: like messages of APICs these wait until the core's own time has come.
 *
 * Deviation: a core takes part at the end of its block of instructions, and loses no time by it.
 */
export class InvalidationBroadcast {
  /** Told of everything on its way to a core. */
  onSend: (target: number, due: number) => void = () => {};
  private readonly latency: number;
  private readonly invalidators: Invalidator[] = [];
  /** By core, in order of arrival. */
  private readonly inboxes: Pending[][] = [];
  /** By core: when its last broadcast is known to be complete; 0 when that has been waited for. */
  private readonly complete: number[] = [];

  /** @param latency one way, in cycles. */
  constructor(latency: number) {
    this.latency = latency;
  }

  /** Connects a core; they are numbered in this order. */
  attach(invalidator: Invalidator): void {
    this.invalidators.push(invalidator);
    this.inboxes.push([]);
    this.complete.push(0);
  }

  /** The core's own entries are gone, and the request is on its way to the others. @param now the core's time. */
  send(source: number, now: number, what: BroadcastInvalidation): void {
    this.invalidators[source]!.broadcast(what);
    const due = now + this.latency;
    for (const [target, inbox] of this.inboxes.entries()) {
      if (target === source) continue;
      // Cores do not send in the order of their times: what comes later but is due earlier goes before.
      let at = inbox.length;
      while (at > 0 && inbox[at - 1]!.due > due) at--;
      inbox.splice(at, 0, { due, source, what });
      this.onSend(target, due);
    }
    this.complete[source] = due + this.latency;
  }

  /** When the next request takes effect on the core; Infinity when none is on its way. */
  nextDue(core: number): number {
    return this.inboxes[core]![0]?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Every request for the core that is due at `now` is carried out. */
  deliver(core: number, now: number): void {
    const inbox = this.inboxes[core]!;
    while (inbox.length > 0 && inbox[0]!.due <= now) this.invalidators[core]!.broadcast(inbox.shift()!.what);
  }

  /** When everything that the core has sent is known to be complete; 0 when there is nothing to wait for. */
  completion(source: number): number {
    return this.complete[source]!;
  }

  /** What the core has sent has taken effect everywhere. Precondition: the time is `completion`, and no core is further behind than the latency. */
  settle(source: number): void {
    const sent = this.complete[source]! - this.latency;
    this.complete[source] = 0;
    // A core that has been in one block since has not had the occasion: it executes nothing before it would have.
    for (let core = 0; core < this.inboxes.length; core++) this.deliver(core, sent);
  }
}
