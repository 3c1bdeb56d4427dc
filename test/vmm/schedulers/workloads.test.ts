/** What every run queue owes its vCPUs, over random workloads of vCPUs that halt, wake, yield and are boosted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fair } from '../../../src/vmm/schedulers/fair.ts';
import { roundRobin } from '../../../src/vmm/schedulers/roundRobin.ts';
import type { SchedulerKind } from '../../../src/vmm/schedulers/scheduler.ts';
import type { Vcpu } from '../../../src/vmm/vcpu.ts';

const SLICE = 1000;

interface Step {
  /** What happens after so many cycles: to a vCPU, or to the one that runs. */
  readonly after: number;
  readonly what: 'halt' | 'wake' | 'boost' | 'yield' | 'nothing';
  readonly vcpu: number;
}

interface Workload {
  readonly vcpus: number;
  readonly firstSlice: number;
  readonly steps: readonly Step[];
}

const workload: fc.Arbitrary<Workload> = fc.record({
  vcpus: fc.integer({ min: 1, max: 6 }),
  firstSlice: fc.integer({ min: 1, max: SLICE }),
  steps: fc.array(
    fc.record({
      after: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 3 * SLICE })),
      what: fc.constantFrom('halt', 'wake', 'wake', 'boost', 'yield', 'nothing'),
      vcpu: fc.nat(5),
    }),
    { maxLength: 120 },
  ),
});

/** Longest that a runnable vCPU may wait while `others` compete: each has a turn, is boosted once in it, and wakes with all its credit. */
const longestWait = (others: number): number => (3 * others + 2) * SLICE;

/** Runs it and checks, whenever somebody is picked: somebody runs if anybody can, nobody else does, and nobody has waited too long. */
function play(kind: SchedulerKind, { vcpus, firstSlice, steps }: Workload): void {
  const queue = kind.create(undefined as never, { slice: SLICE, firstSlice });
  const members = Array.from({ length: vcpus }, () => ({ weight: 1024 }) as Vcpu);
  const runnable = new Set<Vcpu>();
  const waitsSince = new Map<Vcpu, number>();
  let now = 0;
  let running: Vcpu | undefined;
  const look = (): void => {
    const picked = queue.pick(now);
    expect(picked === undefined).toBe(runnable.size === 0);
    if (picked !== undefined) expect(runnable.has(picked)).toBe(true);
    expect(queue.load).toBe(runnable.size);
    if (runnable.size > 1) expect(queue.deadline).toBeGreaterThan(now);
    if (picked !== running) {
      if (running !== undefined && runnable.has(running)) waitsSince.set(running, now);
      if (picked !== undefined) waitsSince.delete(picked);
      running = picked;
    }
    for (const [vcpu, since] of waitsSince) if (runnable.has(vcpu)) expect(now - since).toBeLessThanOrEqual(longestWait(vcpus - 1));
  };
  const passUntil = (time: number): void => {
    while (queue.deadline <= time) {
      now = queue.deadline;
      look();
    }
    now = time;
  };
  for (const { after, what, vcpu } of steps) {
    passUntil(now + after);
    const subject = members[vcpu % vcpus]!;
    if (what === 'wake' && !runnable.has(subject)) {
      runnable.add(subject);
      waitsSince.set(subject, now);
      queue.enqueue(subject, now);
    } else if (what === 'halt' && running !== undefined) {
      runnable.delete(running);
      queue.remove(running, now);
    } else if (what === 'boost') queue.boost(subject, now);
    else if (what === 'yield') queue.yield(now);
    look();
  }
  passUntil(now + 20 * SLICE);
}

describe.each([roundRobin, fair])('$name', (kind) => {
  test('runs somebody whenever anybody is runnable, and lets nobody wait for ever', () => {
    fc.assert(
      fc.property(workload, (one) => play(kind, one)),
      { numRuns: 300 },
    );
  });

  test('gives vCPUs that never halt the same time, whatever boosts and yields there are', () => {
    const steps = fc.array(fc.record({ after: fc.integer({ min: 0, max: 2 * SLICE }), boost: fc.nat(3) }), {
      minLength: 40,
      maxLength: 80,
    });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), steps, (count, boosts) => {
        const queue = kind.create(undefined as never, { slice: SLICE, firstSlice: SLICE });
        const members = Array.from({ length: count }, () => ({ weight: 1024 }) as Vcpu);
        for (const vcpu of members) queue.enqueue(vcpu, 0);
        const had = members.map(() => 0);
        let now = 0;
        let running = members.indexOf(queue.pick(0)!);
        const passUntil = (time: number): void => {
          while (now < time) {
            const next = Math.min(time, queue.deadline);
            had[running]! += next - now;
            now = next;
            running = members.indexOf(queue.pick(now)!);
          }
        };
        for (const { after, boost } of boosts) {
          passUntil(now + after);
          queue.boost(members[boost % count]!, now);
          running = members.indexOf(queue.pick(now)!);
        }
        expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(3 * SLICE);
      }),
      { numRuns: 200 },
    );
  });
});
