import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Core } from '../../src/cpu/core.ts';
import { TurnOrder } from '../../src/machine/turnOrder.ts';

/** Cores that are ready at these times, as far as anybody asks. */
function coresReadyAt(times: number[]): Core[] {
  return times.map((_, id) => ({ id, readyTime: () => times[id]! }) as unknown as Core);
}

const time = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(Number.POSITIVE_INFINITY));

describe('the order of turns', () => {
  test('the earliest core is next, of equals the first; `second` is the earliest of the others', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 8 }), (times) => {
        const order = new TurnOrder(coresReadyAt(times));
        order.refreshAll();
        const next = order.next();
        const sorted = times.toSorted((left, right) => left - right);
        expect(next?.id ?? -1).toBe(Number.isFinite(sorted[0]) ? times.indexOf(sorted[0]!) : -1);
        expect([order.first, order.second]).toEqual([sorted[0], sorted[1] ?? Number.POSITIVE_INFINITY]);
      }),
    );
  });

  test('a core whose time has changed is seen when it is refreshed', () => {
    const times = [5, 7, 9];
    const cores = coresReadyAt(times);
    const order = new TurnOrder(cores);
    order.refreshAll();
    times[2] = 1;
    expect(order.next()).toBe(cores[0]);
    order.refresh(cores[2]!);
    expect(order.next()).toBe(cores[2]);
    expect(order.second).toBe(5);
  });
});
