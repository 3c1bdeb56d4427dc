import { describe, expect, test } from 'vitest';
import { broadcastScope, NOT_GLOBAL, NOTHING, SAME_EPT_ROOT, SAME_PAGE, SAME_PCID } from '../../src/mmu/invalidation.ts';
import { type BroadcastInvalidation, InvalidationBroadcast } from '../../src/mmu/invalidationBroadcast.ts';
import type { Invalidator } from '../../src/mmu/invalidator.ts';

const LATENCY = 400;
const request = (la: number): BroadcastInvalidation => ({ la, pages: 1, stride: 4096, pcid: -1, global: false, tables: true, eptRoot: 0 });

/** Three cores, and which addresses each has invalidated so far. */
function cores() {
  const broadcast = new InvalidationBroadcast(LATENCY);
  const done: number[][] = [[], [], []];
  for (const list of done) broadcast.attach({ broadcast: ({ la }: BroadcastInvalidation) => list.push(la) } as unknown as Invalidator);
  const announced: [number, number][] = [];
  broadcast.onSend = (target, due) => announced.push([target, due]);
  return { broadcast, done, announced };
}

describe('a broadcast', () => {
  test('takes effect at its sender at once, at the others when their own time has come, and is known to be complete one latency later', () => {
    const { broadcast, done, announced } = cores();
    broadcast.send(1, 1000, request(0x5000));
    expect(done).toEqual([[], [0x5000], []]);
    expect(announced).toEqual([
      [0, 1400],
      [2, 1400],
    ]);
    broadcast.deliver(0, 1399);
    expect([done[0], broadcast.nextDue(0), broadcast.completion(1)]).toEqual([[], 1400, 1800]);
    broadcast.deliver(0, 1400);
    expect([done[0], broadcast.nextDue(0), broadcast.nextDue(2)]).toEqual([[0x5000], Number.POSITIVE_INFINITY, 1400]);
  });

  test('arrives in the order of due times, whoever was told to send first', () => {
    const { broadcast, done } = cores();
    broadcast.send(0, 900, request(0x1000));
    broadcast.send(1, 200, request(0x2000));
    broadcast.deliver(2, 2000);
    expect(done[2]).toEqual([0x2000, 0x1000]);
  });

  test('has taken effect everywhere once its sender has waited for it; what is due later has not', () => {
    const { broadcast, done } = cores();
    broadcast.send(0, 100, request(0x1000));
    broadcast.send(1, 700, request(0x2000));
    broadcast.settle(0);
    expect(done).toEqual([[0x1000], [0x2000, 0x1000], [0x1000]]);
    expect([broadcast.completion(0), broadcast.completion(1)]).toEqual([0, 1500]);
  });
});

test('the flags of INVLPGB narrow its scope, one by one', () => {
  const all = { la: 0, pages: 0, stride: 4096, pcid: -1, global: true, tables: true, eptRoot: -1 };
  expect(broadcastScope(all)).toEqual({ translations: 0, tables: 0, guestPhysical: NOTHING });
  expect(broadcastScope({ ...all, pages: 2, pcid: 3, global: false, eptRoot: 7 })).toEqual({
    translations: SAME_PAGE | SAME_PCID | NOT_GLOBAL | SAME_EPT_ROOT,
    tables: SAME_PAGE | SAME_PCID | SAME_EPT_ROOT,
    guestPhysical: NOTHING,
  });
  expect(broadcastScope({ ...all, tables: false }).tables).toBe(NOTHING);
});
