import { floating } from '../placements/floating.ts';
import { pinned } from '../placements/pinned.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions } from './scheduler.ts';

/** Weight of a vCPU with nothing said: its virtual runtime goes as time goes. */
export const USUAL_WEIGHT = 1024;

/**
 * What follows from the slice, which is what two vCPUs of equal weight get in turn. The proportions are those of Linux's defaults for eight and more
 * processors: latency 24 ms, granularity 3 ms, wake-up granularity 4 ms; there two get 12 ms each.
 */
const LATENCY = 2;
const GRANULARITY = 1 / 4;
const WAKE_UP_GRANULARITY = 1 / 3;
/** A sleeper is given no more than this before all others: half the latency ("gentle fair sleepers"). */
const SLEEPER_CREDIT = LATENCY / 2;

/** What the scheduler keeps about a vCPU, whatever core it is on. */
interface Entity {
  readonly vcpu: Vcpu;
  readonly weight: number;
  /** Run time divided by weight: absolute on `queue`, or where it left off there. */
  virtualRuntime: number;
  /** The queue it is on, or was on last. */
  queue: Fair | undefined;
  /** How far it was ahead of its queue's minimum when it left it, and when that was. */
  ahead: number;
  left: number;
}

const entities = new WeakMap<Vcpu, Entity>();

function entityOf(vcpu: Vcpu): Entity {
  let entity = entities.get(vcpu);
  if (entity === undefined) {
    entity = { vcpu, weight: vcpu.weight ?? USUAL_WEIGHT, virtualRuntime: 0, queue: undefined, ahead: 0, left: 0 };
    entities.set(vcpu, entity);
  }
  return entity;
}

/**
 * Completely fair scheduling: whoever has the least virtual runtime runs, for its share of the latency and no less than the granularity. A vCPU that wakes
 * is placed a little before the others, and preempts the one that runs when it is far enough behind it.
 *
 * A boosted vCPU goes first if that puts nobody back by more than the wake-up granularity; whoever yields is passed over once, on the same terms.
 *
 * Deviation: slices end at their exact time, not at a tick; group weights and load averages do not exist.
 */
class Fair implements Scheduler {
  private readonly slice: number;
  private readonly firstSlice: number;
  /** Nobody has had to share this core yet. */
  private first = true;
  private readonly queue: Entity[] = [];
  /** The least virtual runtime here; never goes back. */
  private minimum = 0;
  private current: Entity | undefined;
  /** Up to when `current` is charged for its running, and when its slice began. */
  private charged = 0;
  private began = 0;
  /** `current` shall be looked at again though its slice is not over. */
  private disturbed = false;
  /** Runs next, or is passed over, if that is fair. */
  private next: Entity | undefined;
  private skipped: Entity | undefined;

  constructor({ slice, firstSlice }: SchedulerOptions) {
    this.slice = slice;
    this.firstSlice = firstSlice;
  }

  get load(): number {
    return this.queue.length;
  }

  enqueue(vcpu: Vcpu, now: number): void {
    const entity = entityOf(vcpu);
    if (this.queue.includes(entity)) return;
    this.charge(now);
    this.place(entity, now);
    this.queue.push(entity);
    this.advanceMinimum();
    const { current } = this;
    if (current !== undefined && current.virtualRuntime - entity.virtualRuntime > this.wakeUpGranularity(entity)) this.disturbed = true;
  }

  remove(vcpu: Vcpu, now: number): void {
    const at = this.queue.findIndex((entity) => entity.vcpu === vcpu);
    if (at < 0) return;
    this.charge(now);
    const entity = this.queue[at]!;
    this.queue.splice(at, 1);
    entity.ahead = entity.virtualRuntime - this.minimum;
    entity.left = now;
    if (this.current === entity) this.current = undefined;
    this.advanceMinimum();
  }

  boost(vcpu: Vcpu, now: number): void {
    const entity = this.queue.find((each) => each.vcpu === vcpu);
    if (entity === undefined || entity === this.current) return;
    this.charge(now);
    this.next = entity;
    this.disturbed = true;
  }

  yield(now: number): void {
    if (this.current === undefined || this.queue.length < 2) return;
    this.charge(now);
    this.skipped = this.current;
    this.disturbed = true;
  }

  pick(now: number): Vcpu | undefined {
    this.charge(now);
    const { current } = this;
    if (current !== undefined && !this.disturbed && now < this.sliceEnd(current)) return current.vcpu;
    const chosen = this.choose();
    this.next = undefined;
    this.skipped = undefined;
    this.disturbed = false;
    this.current = chosen;
    this.began = now;
    if (this.first && this.queue.length > 1) {
      this.first = false;
      this.began -= this.slice - this.firstSlice;
    }
    return chosen?.vcpu;
  }

  get deadline(): number {
    return this.queue.length > 1 ? this.sliceEnd(this.current!) : Number.POSITIVE_INFINITY;
  }

  spare(now: number, mayLeave: (vcpu: Vcpu) => boolean): Vcpu | undefined {
    let last: Entity | undefined;
    for (const entity of this.queue) {
      if (entity === this.current || !mayLeave(entity.vcpu)) continue;
      if (last === undefined || entity.virtualRuntime >= last.virtualRuntime) last = entity;
    }
    if (last !== undefined) this.remove(last.vcpu, now);
    return last?.vcpu;
  }

  /** Its share of the time in which everybody shall have run once. */
  private sliceEnd({ weight }: Entity): number {
    const { queue, slice } = this;
    let total = 0;
    for (const entity of queue) total += entity.weight;
    const period = Math.max(slice * LATENCY, slice * GRANULARITY * queue.length);
    return this.began + Math.max(slice * GRANULARITY, (period * weight) / total);
  }

  /** The one with the least virtual runtime, unless a buddy may go before it. */
  private choose(): Entity | undefined {
    const least = this.leastBut(undefined);
    if (least === undefined) return undefined;
    let chosen = least;
    if (least === this.skipped) {
      const second = this.leastBut(least);
      if (second !== undefined && this.isFairBefore(second, least)) chosen = second;
    }
    const { next } = this;
    return next !== undefined && this.queue.includes(next) && this.isFairBefore(next, least) ? next : chosen;
  }

  private isFairBefore(buddy: Entity, least: Entity): boolean {
    return buddy.virtualRuntime - least.virtualRuntime <= this.wakeUpGranularity(buddy);
  }

  private leastBut(other: Entity | undefined): Entity | undefined {
    let least: Entity | undefined;
    for (const entity of this.queue) {
      if (entity === other) continue;
      if (least === undefined || entity.virtualRuntime < least.virtualRuntime) least = entity;
      // At a tie, whoever has waited.
      else if (least === this.current && entity.virtualRuntime === least.virtualRuntime) least = entity;
    }
    return least;
  }

  /** In units of virtual runtime: a heavy vCPU preempts sooner. */
  private wakeUpGranularity({ weight }: Entity): number {
    return (this.slice * WAKE_UP_GRANULARITY * USUAL_WEIGHT) / weight;
  }

  /** Where an entity that comes into the queue stands. */
  private place(entity: Entity, now: number): void {
    const { queue: from } = entity;
    if (from === undefined) {
      // A new one first waits for a slice of its own; the very first that comes, for less, so that the phases of cores differ.
      const debit = ((this.first ? this.firstSlice : this.slice) * USUAL_WEIGHT) / entity.weight;
      entity.virtualRuntime = this.queue.length === 0 ? this.minimum : this.minimum + debit;
    } else {
      // From another core, time there went on as here.
      if (from !== this) entity.virtualRuntime = this.minimum + entity.ahead - (now - entity.left);
      entity.virtualRuntime = Math.max(entity.virtualRuntime, this.minimum - this.slice * SLEEPER_CREDIT);
    }
    entity.queue = this;
  }

  /** `current` has run until `now`. */
  private charge(now: number): void {
    const { current } = this;
    if (current !== undefined && now > this.charged) {
      current.virtualRuntime += ((now - this.charged) * USUAL_WEIGHT) / current.weight;
      this.advanceMinimum();
    }
    if (now > this.charged) this.charged = now;
  }

  private advanceMinimum(): void {
    const least = this.leastBut(undefined);
    if (least !== undefined && least.virtualRuntime > this.minimum) this.minimum = least.virtualRuntime;
  }
}

export const fair: SchedulerKind = {
  name: 'fair',
  doc: 'least virtual runtime first, by weight, with wake-up preemption; --slice is what two equal vCPUs get in turn (half the latency target)',
  placements: [pinned, floating],
  weighs: true,
  create: (_pcpu, options) => new Fair(options),
};
