import { describe, expect, test } from 'vitest';
import { MARK_FIGURE, MARK_ROI_BEGIN, MARK_ROI_END, MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../../src/arch/marks.ts';
import { EVENT_MARK, EVENT_TLB_FILL, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from '../../src/trace/events.ts';
import { countWithin, FillLog } from '../../src/trace/fillLog.ts';
import { ShootdownLog } from '../../src/trace/shootdownLog.ts';

type Row = readonly [event: number, core: number, cycles: number, a: number, b?: number, c?: number, d?: number];

function log(rows: readonly Row[], vm = 0): ShootdownLog {
  const found = new ShootdownLog(vm);
  for (const [event, core, cycles, a, b = 0, c = 0, d = 0] of rows) found.event(event, core, cycles, a, b, c, d);
  return found;
}

describe('a log of shootdowns', () => {
  const rows: Row[] = [
    [EVENT_VCPU_RUN, 0, 0, 0, 3],
    [EVENT_VCPU_RUN, 1, 0, 1, 3],
    [EVENT_MARK, 1, 4, MARK_ROI_BEGIN],
    [EVENT_MARK, 0, 5, MARK_ROI_BEGIN],
    [EVENT_MARK, 0, 10, MARK_SHOOTDOWN_BEGIN, 0x1000, 0x4000, 7],
    [EVENT_MARK, 1, 11, MARK_SHOOTDOWN_BEGIN, 0, -1, 1],
    [EVENT_VCPU_STOP, 0, 20, 0, 3],
    [EVENT_VCPU_RUN, 2, 90, 0, 3],
    [EVENT_MARK, 2, 100, MARK_SHOOTDOWN_END],
    [EVENT_MARK, 1, 101, MARK_SHOOTDOWN_END],
    [EVENT_MARK, 2, 105, MARK_FIGURE, 1, 42],
    [EVENT_MARK, 2, 110, MARK_ROI_END],
  ];

  test('has those of its VM, with what belongs to them', () => {
    const { shootdowns, begin, end, neighbours, figures } = log(rows);
    expect(shootdowns).toEqual([{ initiator: 3, begin: 10, end: 100, targets: 7, pages: 3, descheduled: 1 }]);
    expect([begin, end, [...neighbours], [...figures]]).toEqual([5, 110, [[1, 4]], [[1, 42]]]);
  });

  test('of the other VM has the other: everything is no number of pages', () => {
    const { shootdowns, neighbours } = log(rows, 1);
    expect(shootdowns).toEqual([{ initiator: 3, begin: 11, end: 101, targets: 1, pages: 0, descheduled: 0 }]);
    expect([...neighbours]).toEqual([[0, 5]]);
  });

  test('without a VMM counts by cores', () => {
    const { shootdowns } = log([
      [EVENT_MARK, 4, 1, MARK_SHOOTDOWN_BEGIN, 0, 4096, 2],
      [EVENT_MARK, 5, 2, MARK_SHOOTDOWN_END],
      [EVENT_MARK, 4, 9, MARK_SHOOTDOWN_END],
    ]);
    expect(shootdowns).toEqual([{ initiator: 4, begin: 1, end: 9, targets: 2, pages: 1, descheduled: 0 }]);
  });
});

test('a log of fills has the times of its VPIDs, in order', () => {
  const fills = new FillLog(2, 3);
  const fill = (cycles: number, vpid: number): void => fills.event(EVENT_TLB_FILL, 0, cycles, 0, 0, 4096, vpid * 4096 + 7);
  for (const [cycles, vpid] of [
    [30, 2],
    [10, 3],
    [20, 1],
    [20, 4],
    [20, 2],
  ] as const)
    fill(cycles, vpid);
  expect([...fills.sortedTimes()]).toEqual([10, 20, 30]);
  for (let i = 0; i < 10_000; i++) fill(1000 + i, 2);
  const times = fills.sortedTimes();
  expect([countWithin(times, 20, 31), countWithin(times, 21, 30), countWithin(times, 1000, 1100)]).toEqual([2, 0, 100]);
});
