import { floating } from '../placements/floating.ts';
import { pinned } from '../placements/pinned.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions } from './scheduler.ts';

/** A runnable vCPU in the queue. */
interface Turn {
  readonly vcpu: Vcpu;
  /** Cycles that its turn has left: a whole slice while it waits for one. */
  left: number;
  /** What a boost has made of its next turn: nothing; it is having it now; it has had it, and owes one. */
  advance: 'none' | 'now' | 'owed';
}

/**
 * Runnable vCPUs of a core take turns of one slice each; a woken one joins at the end of the queue. No wake-up preemption.
 *
 * A boosted vCPU has its next turn at once and lets it pass when its place in the queue comes up; until then it is not boosted again. So a boost puts
 * nobody ahead by more than a slice. Whom it displaces has the rest of its turn afterwards.
 */
class RoundRobin implements Scheduler {
  private readonly options: SchedulerOptions;
  /** The first one runs, unless one has its turn in advance. */
  private readonly queue: Turn[] = [];
  /** Those that have their turns in advance, the one that runs last. They keep their places in the queue. */
  private readonly advanced: Turn[] = [];
  /** The turn that has run since `since`. */
  private current: Turn | undefined;
  private since = 0;
  private first = true;

  constructor(options: SchedulerOptions) {
    this.options = options;
  }

  get load(): number {
    return this.queue.length;
  }

  enqueue(vcpu: Vcpu, now: number): void {
    if (this.placeOf(vcpu) >= 0) return;
    if (this.queue.length === 1) this.renew(now);
    this.queue.push({ vcpu, left: this.options.slice, advance: 'none' });
  }

  remove(vcpu: Vcpu): void {
    const at = this.placeOf(vcpu);
    if (at < 0) return;
    const [turn] = this.queue.splice(at, 1);
    this.endAdvance(turn!);
  }

  boost(vcpu: Vcpu): void {
    const at = this.placeOf(vcpu);
    if (at <= 0 || this.queue[at]!.advance !== 'none') return;
    this.queue[at]!.advance = 'now';
    this.advanced.push(this.queue[at]!);
  }

  /** It keeps the rest of its turn for when it comes round. */
  yield(): void {
    const { current } = this;
    if (current === undefined || this.queue.length < 2 || current !== this.running()) return;
    if (current.advance === 'now') {
      current.advance = 'none';
      this.endAdvance(current);
    } else this.goBehind();
  }

  pick(now: number): Vcpu | undefined {
    const { queue, current } = this;
    if (current !== undefined) {
      if (queue.length === 1) this.renew(now);
      current.left -= now - this.since;
    }
    this.since = now;
    if (current !== undefined && current === this.running() && current.left <= 0) this.endTurn(current);
    // Who has had this turn before lets it pass, unless everybody has.
    for (let i = 0; i < queue.length && queue[0]!.advance === 'owed'; i++) {
      queue[0]!.advance = 'none';
      if (queue.length > 1) this.goBehind();
    }
    this.current = this.running();
    if (this.first && this.current !== undefined) {
      this.first = false;
      this.current.left = this.options.firstSlice;
    }
    return this.current?.vcpu;
  }

  get deadline(): number {
    return this.queue.length > 1 ? this.since + this.running()!.left : Number.POSITIVE_INFINITY;
  }

  spare(_now: number, mayLeave: (vcpu: Vcpu) => boolean): Vcpu | undefined {
    const { queue } = this;
    for (let at = queue.length - 1; at >= 0; at--) {
      const { vcpu } = queue[at]!;
      if (queue[at] === this.current || !mayLeave(vcpu)) continue;
      this.remove(vcpu);
      return vcpu;
    }
    return undefined;
  }

  private running(): Turn | undefined {
    return this.advanced[this.advanced.length - 1] ?? this.queue[0];
  }

  /** Who is alone has one turn after the other, though nobody looks: so a newcomer finds the core's phase, and does not set it. */
  private renew(now: number): void {
    const turn = this.queue[0]!;
    if (turn !== this.current) return;
    const over = now - this.since - turn.left;
    if (over >= 0) turn.left += this.options.slice * (Math.floor(over / this.options.slice) + 1);
  }

  private endTurn(turn: Turn): void {
    turn.left = this.options.slice;
    if (turn.advance === 'now') {
      turn.advance = 'owed';
      this.endAdvance(turn);
    } else this.goBehind();
  }

  private endAdvance(turn: Turn): void {
    const at = this.advanced.indexOf(turn);
    if (at >= 0) this.advanced.splice(at, 1);
  }

  /** The head of the queue is its tail. */
  private goBehind(): void {
    this.queue.push(this.queue.shift()!);
  }

  private placeOf(vcpu: Vcpu): number {
    return this.queue.findIndex((turn) => turn.vcpu === vcpu);
  }
}

export const roundRobin: SchedulerKind = {
  name: 'round-robin',
  doc: 'vCPUs of a core take turns of one slice; the first slice of each core is shortened at random, so that the phases of cores differ',
  placements: [pinned, floating],
  weighs: false,
  create: (_pcpu, options) => new RoundRobin(options),
};
