import { describe, expect, test } from 'vitest';
import { roundRobin } from '../../../src/vmm/schedulers/roundRobin.ts';
import type { Vcpu } from '../../../src/vmm/vcpu.ts';

// The scheduler compares vCPUs and nothing else.
const [a, b, c] = [{}, {}, {}] as unknown as [Vcpu, Vcpu, Vcpu];
const scheduler = () => roundRobin.create(undefined as never, { slice: 100, firstSlice: 30 });

describe('round-robin', () => {
  test('gives each runnable vCPU a slice in turn; the first slice of a core is shortened', () => {
    const queue = scheduler();
    for (const vcpu of [a, b, c]) queue.enqueue(vcpu, 0);
    const order = [0, 29, 30, 129, 130, 229, 230, 329, 330].map((now) => ({ now, vcpu: [a, b, c].indexOf(queue.pick(now)!) }));
    expect(order.map(({ vcpu }) => vcpu)).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1]);
    expect(queue.deadline).toBe(430);
  });

  test('lets a vCPU that is alone run on without a deadline', () => {
    const queue = scheduler();
    queue.enqueue(a, 0);
    expect([queue.pick(0), queue.pick(1000), queue.deadline]).toEqual([a, a, Number.POSITIVE_INFINITY]);
  });

  test('passes the core on when the running vCPU halts; a woken one joins at the end, once', () => {
    const queue = scheduler();
    for (const vcpu of [a, b]) queue.enqueue(vcpu, 0);
    queue.pick(0);
    queue.remove(a, 10);
    expect(queue.pick(10)).toBe(b);
    for (const vcpu of [c, a, a]) queue.enqueue(vcpu, 20);
    expect([queue.pick(20), queue.pick(110), queue.pick(210), queue.pick(310)]).toEqual([b, c, a, b]);
  });

  test('keeps its phase while a vCPU is alone: a newcomer waits for the end of the present slice', () => {
    const queue = scheduler();
    queue.enqueue(a, 0);
    queue.pick(0);
    queue.pick(200);
    queue.enqueue(b, 450);
    // Slices end at 30, 130, 230, …
    expect([queue.pick(450), queue.deadline, queue.pick(529), queue.pick(530), queue.deadline]).toEqual([a, 530, a, b, 630]);
  });

  test('has nothing to run when everything halts', () => {
    const queue = scheduler();
    queue.enqueue(a, 0);
    queue.remove(a, 5);
    expect(queue.pick(5)).toBeUndefined();
  });

  test('a boosted vCPU takes its next turn at once and lets it pass when it comes round', () => {
    const queue = scheduler();
    for (const vcpu of [a, b, c]) queue.enqueue(vcpu, 0);
    queue.pick(0);
    queue.boost(c, 10);
    // c has its turn; a has the 20 cycles it had left of its first; b; c lets pass; a again.
    const order = [10, 109, 110, 129, 130, 229, 230, 330].map((now) => [a, b, c].indexOf(queue.pick(now)!));
    expect(order).toEqual([2, 2, 0, 0, 1, 1, 0, 1]);
  });

  test('is not boosted again before it has let one pass', () => {
    const queue = scheduler();
    for (const vcpu of [a, b]) queue.enqueue(vcpu, 0);
    queue.pick(0);
    queue.boost(b, 10);
    queue.pick(10);
    expect(queue.pick(110)).toBe(a);
    queue.boost(b, 111);
    expect(queue.pick(111)).toBe(a);
  });

  test('who yields keeps the rest of its turn for when it comes round', () => {
    const queue = scheduler();
    for (const vcpu of [a, b]) queue.enqueue(vcpu, 0);
    queue.pick(0);
    queue.yield(10);
    expect(queue.pick(10)).toBe(b);
    expect(queue.pick(110)).toBe(a);
    expect(queue.deadline).toBe(130);
  });
});
