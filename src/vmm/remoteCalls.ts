import { VECTOR_HOST_CALL } from './hostVectors.ts';
import type { Pcpu } from './pcpu.ts';
import { flushTranslations, type TranslationFlush } from './translationFlush.ts';

/** A function call from another core: flushes to carry out; without any, the interrupt itself is what it is for. */
interface RemoteCall {
  readonly initiator: RemoteCalls;
  readonly flushes: readonly TranslationFlush[];
}

/** Nothing is awaited. */
const NOTHING = -1;

/** Function calls between cores: those that others have made here, and what the hypercall under way on this core waits for. */
export class RemoteCalls {
  private readonly pcpu: Pcpu;
  /** From other cores, in order of arrival. */
  private readonly queue: RemoteCall[] = [];
  /** Calls of our own that are not done yet, and when the latest of the others is seen to be done. */
  private outstanding = 0;
  private lastSeen = 0;
  /** Until this time at least the hypercall waits; Infinity while calls of our own are not done. */
  private until = NOTHING;

  constructor(pcpu: Pcpu) {
    this.pcpu = pcpu;
  }

  /** True iff the hypercall under way must wait for calls or for a time. */
  get waiting(): boolean {
    return this.until !== NOTHING;
  }

  /** When the hypercall goes on; Infinity when that depends on others. Precondition: it waits. */
  get wakeTime(): number {
    return this.until;
  }

  /** The flushes are carried out on another core, and this one waits until they are. Several calls at once are waited for together. */
  call(target: Pcpu, flushes: readonly TranslationFlush[]): void {
    const { pcpu } = this;
    pcpu.core.charge(pcpu.vmm.costs.remoteCall);
    target.calls.queue.push({ initiator: this, flushes });
    this.outstanding++;
    this.until = Number.POSITIVE_INFINITY;
    pcpu.sendIpi(target, VECTOR_HOST_CALL);
  }

  /** The hypercall under way goes on at that time. */
  waitUntil(time: number): void {
    this.until = time;
  }

  /** What was awaited has come. */
  endWait(): void {
    this.until = NOTHING;
  }

  /** Every queued call is carried out, and its initiator sees so a cache-line transfer later. */
  serve(): void {
    const { core, vmm } = this.pcpu;
    for (let call = this.queue.shift(); call !== undefined; call = this.queue.shift()) {
      for (const flush of call.flushes) flushTranslations(core, flush);
      call.initiator.done(core.clock + vmm.costs.cacheLineTransfer);
    }
  }

  /** A call of this core is done, as it sees at time `seen`. */
  private done(seen: number): void {
    this.lastSeen = Math.max(this.lastSeen, seen);
    if (--this.outstanding > 0) return;
    this.until = this.lastSeen;
    this.pcpu.vmm.machine.wakeAt(this.pcpu.core, this.lastSeen);
  }
}
