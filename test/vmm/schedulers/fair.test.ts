import { describe, expect, test } from 'vitest';
import { fair } from '../../../src/vmm/schedulers/fair.ts';
import type { Scheduler } from '../../../src/vmm/schedulers/scheduler.ts';
import type { Vcpu } from '../../../src/vmm/vcpu.ts';

const SLICE = 1200;
const vcpus = (...weights: number[]): Vcpu[] => weights.map((weight) => ({ weight }) as Vcpu);
const queueOf = (members: readonly Vcpu[], firstSlice = SLICE): Scheduler => {
  const queue = fair.create(undefined as never, { slice: SLICE, firstSlice });
  for (const vcpu of members) queue.enqueue(vcpu, 0);
  return queue;
};

/** Who runs, as long as nothing happens but deadlines: the time each has had. */
function shares(queue: Scheduler, members: readonly Vcpu[], from: number, until: number): number[] {
  const had = members.map(() => 0);
  let now = from;
  while (now < until) {
    const running = members.indexOf(queue.pick(now)!);
    const next = Math.min(until, queue.deadline);
    had[running]! += next - now;
    now = next;
  }
  return had;
}

describe('fair', () => {
  test('two of equal weight take turns of a slice; the first contended one is shortened', () => {
    const [a, b] = vcpus(1024, 1024) as [Vcpu, Vcpu];
    const queue = queueOf([a, b], 300);
    expect([0, 299, 300, 1499, 1500, 2699, 2700].map((now) => [a, b].indexOf(queue.pick(now)!))).toEqual([0, 0, 1, 1, 0, 0, 1]);
  });

  test('more than two share the latency, down to the granularity', () => {
    for (const count of [3, 4, 8, 12]) {
      const members = vcpus(...Array.from({ length: count }, () => 1024));
      const queue = queueOf(members);
      shares(queue, members, 0, 40 * SLICE);
      queue.pick(40 * SLICE);
      const rest = queue.deadline - 40 * SLICE;
      expect(rest).toBeLessThanOrEqual(Math.max((2 * SLICE) / count, SLICE / 4));
    }
  });

  test('time goes by weight', () => {
    const members = vcpus(2048, 1024, 1024);
    const [double, ...single] = shares(queueOf(members), members, 0, 400 * SLICE);
    for (const had of single) expect(Math.abs(double! - 2 * had)).toBeLessThan(6 * SLICE);
  });

  test('who wakes after a long sleep preempts, and is not paid for all of it', () => {
    const members = vcpus(1024, 1024);
    const [a, b] = members as [Vcpu, Vcpu];
    const queue = queueOf(members);
    shares(queue, members, 0, 10 * SLICE);
    queue.remove(b, 10 * SLICE);
    expect(queue.pick(10 * SLICE)).toBe(a);
    queue.enqueue(b, 60 * SLICE);
    expect(queue.pick(60 * SLICE)).toBe(b);
    const [hadA, hadB] = shares(queue, members, 60 * SLICE, 63 * SLICE);
    // Half the latency ahead, not fifty slices.
    expect(hadB! - hadA!).toBeGreaterThan(0);
    expect(hadB! - hadA!).toBeLessThanOrEqual(2 * SLICE);
  });

  test('who wakes after a moment does not preempt', () => {
    const members = vcpus(1024, 1024);
    const [a, b] = members as [Vcpu, Vcpu];
    const queue = queueOf(members);
    shares(queue, members, 0, 10 * SLICE);
    expect(queue.pick(10 * SLICE)).toBe(a);
    queue.remove(b, 10 * SLICE + 1);
    queue.enqueue(b, 10 * SLICE + 2);
    expect(queue.pick(10 * SLICE + 2)).toBe(a);
  });

  test('a boost counts when it is fair, and not when the other would be put back too far', () => {
    const [a, b] = vcpus(1024, 1024) as [Vcpu, Vcpu];
    const queue = queueOf([a, b]);
    queue.pick(0);
    // b is a whole slice behind in the queue: too far.
    queue.boost(b, 100);
    expect(queue.pick(100)).toBe(a);
    // Now less than a third of a slice.
    queue.boost(b, 900);
    expect(queue.pick(900)).toBe(b);
  });

  test('who yields is passed over once, if that is fair', () => {
    const [a, b] = vcpus(1024, 1024) as [Vcpu, Vcpu];
    const queue = queueOf([a, b]);
    queue.pick(0);
    queue.yield(1000);
    expect(queue.pick(1000)).toBe(b);
    queue.yield(1010);
    expect(queue.pick(1010)).toBe(a);
  });

  test('a vCPU that comes from another core stands there as it stood here', () => {
    const members = vcpus(1024, 1024, 1024);
    const [a, b, c] = members as [Vcpu, Vcpu, Vcpu];
    const [here, there] = [queueOf([a, b]), queueOf([c])];
    shares(here, [a, b], 0, 20 * SLICE);
    there.pick(20 * SLICE);
    expect(here.spare(20 * SLICE, () => true)).toBeDefined();
    const moved = here.load === 1 ? [a, b].find((vcpu) => here.pick(20 * SLICE) !== vcpu)! : undefined;
    there.enqueue(moved!, 20 * SLICE);
    const had = shares(there, [c, moved!], 20 * SLICE, 60 * SLICE);
    expect(Math.abs(had[0]! - had[1]!)).toBeLessThanOrEqual(3 * SLICE);
  });
});
