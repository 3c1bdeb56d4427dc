import type { Vcpu } from '../vcpu.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions } from './scheduler.ts';

/** Runnable vCPUs of a core take turns of one slice each; a woken one joins at the end of the queue. No wake-up preemption. */
class RoundRobin implements Scheduler {
  private readonly options: SchedulerOptions;
  /** Runnable vCPUs; the first one runs. */
  private readonly queue: Vcpu[] = [];
  private sliceEnd = 0;
  /** The vCPU whose slice it is, to see when the head of the queue is another one. */
  private current: Vcpu | undefined;
  private first = true;

  constructor(options: SchedulerOptions) {
    this.options = options;
  }

  enqueue(vcpu: Vcpu, now: number): void {
    if (this.queue.includes(vcpu)) return;
    // Who is alone has one slice after the other: a newcomer waits for the end of the present one. Otherwise its arrival would set the phase.
    const { slice } = this.options;
    if (this.queue.length === 1 && now >= this.sliceEnd) this.sliceEnd += slice * (Math.floor((now - this.sliceEnd) / slice) + 1);
    this.queue.push(vcpu);
  }

  remove(vcpu: Vcpu): void {
    const at = this.queue.indexOf(vcpu);
    if (at >= 0) this.queue.splice(at, 1);
  }

  pick(now: number): Vcpu | undefined {
    const { queue } = this;
    if (queue[0] === this.current && this.current !== undefined) {
      if (now < this.sliceEnd) return this.current;
      if (queue.length > 1) queue.push(queue.shift()!);
    }
    this.current = queue[0];
    if (this.current === undefined) return undefined;
    this.sliceEnd = now + (this.first ? this.options.firstSlice : this.options.slice);
    this.first = false;
    return this.current;
  }

  get deadline(): number {
    return this.queue.length > 1 ? this.sliceEnd : Number.POSITIVE_INFINITY;
  }
}

export const roundRobin: SchedulerKind = {
  name: 'round-robin',
  doc: 'pinned vCPUs take turns of one slice; the first slice of each core is shortened at random, so that phases differ',
  create: (_pcpu, options) => new RoundRobin(options),
};
