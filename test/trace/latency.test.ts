import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END, MARK_SPIN_BEGIN, MARK_SPIN_END, MARK_STALE } from '../../src/arch/marks.ts';
import { EVENT_MARK, EVENT_VCPU_RUN, EVENT_VCPU_STOP, EVENT_VM_ENTRY } from '../../src/trace/events.ts';
import { ShootdownRecorder } from '../../src/trace/latency.ts';
import { summarizeLatencies } from '../../src/trace/latencySummary.ts';

type Row = readonly [event: number, core: number, cycles: number, a: number, b?: number];

function record(rows: readonly Row[]): ShootdownRecorder {
  const recorder = new ShootdownRecorder();
  for (const [event, core, cycles, a, b = 0] of rows) recorder.event(event, core, cycles, a, b);
  return recorder;
}
const mark = (core: number, cycles: number, number: number): Row => [EVENT_MARK, core, cycles, number];

describe('shootdowns', () => {
  test('outside VMs a shootdown belongs to its core', () => {
    const recorder = record([
      mark(0, 10, MARK_SHOOTDOWN_BEGIN),
      mark(1, 15, MARK_SHOOTDOWN_BEGIN),
      mark(0, 30, MARK_SHOOTDOWN_END),
      mark(0, 31, MARK_STALE),
      mark(1, 115, MARK_SHOOTDOWN_END),
    ]);
    expect([...recorder.latencies()]).toEqual([20, 100]);
  });

  test('a vCPU takes its shootdown along when it migrates, and the time off the core counts', () => {
    const recorder = record([
      [EVENT_VCPU_RUN, 0, 0, 0, 1],
      mark(0, 10, MARK_SHOOTDOWN_BEGIN),
      [EVENT_VCPU_STOP, 0, 20, 0, 1],
      [EVENT_VCPU_RUN, 0, 30, 0, 2],
      mark(0, 35, MARK_SHOOTDOWN_BEGIN),
      [EVENT_VCPU_RUN, 1, 1000, 0, 1],
      mark(1, 1010, MARK_SHOOTDOWN_END),
      mark(0, 1035, MARK_SHOOTDOWN_END),
    ]);
    expect([...recorder.latencies()]).toEqual([1000, 1000]);
  });

  test('a VM entry alone says who runs, and two VMs may number their vCPUs alike', () => {
    const recorder = record([
      [EVENT_VM_ENTRY, 0, 0, 0, 0],
      mark(0, 10, MARK_SHOOTDOWN_BEGIN),
      [EVENT_VM_ENTRY, 0, 20, 1, 0],
      mark(0, 30, MARK_SHOOTDOWN_BEGIN),
      mark(0, 31, MARK_SHOOTDOWN_END),
      [EVENT_VM_ENTRY, 0, 40, 0, 0],
      mark(0, 60, MARK_SHOOTDOWN_END),
    ]);
    expect([...recorder.latencies()]).toEqual([1, 50]);
  });

  test('of one VM are told from those of others, and of what runs outside of VMs', () => {
    const recorder = record([
      [EVENT_VCPU_RUN, 0, 0, 0, 1],
      [EVENT_VCPU_RUN, 1, 0, 1, 1],
      mark(0, 10, MARK_SHOOTDOWN_BEGIN),
      mark(1, 10, MARK_SHOOTDOWN_BEGIN),
      mark(2, 10, MARK_SHOOTDOWN_BEGIN),
      mark(1, 40, MARK_SHOOTDOWN_END),
      mark(2, 50, MARK_SHOOTDOWN_END),
      [EVENT_VCPU_STOP, 0, 60, 0, 1],
      [EVENT_VCPU_RUN, 1, 70, 0, 1],
      mark(1, 90, MARK_SHOOTDOWN_END),
    ]);
    expect([...recorder.latencies()]).toEqual([30, 40, 80]);
    expect([0, 1, 2].map((vm) => recorder.summaryOfVm(vm).median)).toEqual([80, 30, null]);
  });

  test('beginnings without an end and ends without a beginning are counted apart', () => {
    const recorder = record([mark(0, 1, MARK_SHOOTDOWN_END), mark(2, 2, MARK_SHOOTDOWN_BEGIN), mark(1, 3, MARK_SPIN_END)]);
    expect([recorder.summary().count, recorder.unmatchedEnds, recorder.unfinished]).toEqual([0, 2, 1]);
  });

  test('there may be more than fit the first buffer', () => {
    const rows = Array.from({ length: 5000 }, (_, index) => [
      mark(0, index * 10_000, MARK_SHOOTDOWN_BEGIN),
      mark(0, index * 10_000 + index, MARK_SHOOTDOWN_END),
    ]).flat();
    expect(record(rows).summary()).toEqual({ count: 5000, min: 0, median: 2499.5, mean: 2499.5, p99: 4949, max: 4999 });
  });
});

describe('spinning', () => {
  test('only time on a core counts', () => {
    const recorder = record([
      [EVENT_VCPU_RUN, 0, 0, 3, 1],
      mark(0, 100, MARK_SPIN_BEGIN),
      [EVENT_VCPU_STOP, 0, 150, 3, 1],
      [EVENT_VCPU_RUN, 2, 900, 3, 1],
      mark(2, 925, MARK_SPIN_END),
    ]);
    expect(recorder.vcpuSpinCycles()).toEqual([{ vm: 3, vcpu: 1, cycles: 75 }]);
  });

  test('a wait inside a wait counts once', () => {
    const recorder = record([
      mark(4, 10, MARK_SPIN_BEGIN),
      mark(4, 20, MARK_SPIN_BEGIN),
      mark(4, 30, MARK_SPIN_END),
      mark(4, 50, MARK_SPIN_END),
    ]);
    expect([recorder.coreSpinCycles(4), recorder.coreSpinCycles(0)]).toEqual([40, 0]);
  });
});

describe('summaries', () => {
  test('of nothing say nothing', () => {
    expect(summarizeLatencies(new Float64Array())).toEqual({ count: 0, min: null, median: null, mean: null, p99: null, max: null });
  });

  test('property: agree with the definitions, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 300 }), (values) => {
        const { count, min, median, mean, p99, max } = summarizeLatencies(Float64Array.from(values));
        const below = (limit: number) => values.filter((value) => value <= limit).length;
        expect([count, min, max]).toEqual([values.length, Math.min(...values), Math.max(...values)]);
        expect(mean).toBeCloseTo(values.reduce((sum, value) => sum + value) / values.length, 6);
        expect(values).toContain(p99);
        expect(below(p99!)).toBeGreaterThanOrEqual(0.99 * values.length);
        expect(values.filter((value) => value < p99!).length).toBeLessThan(0.99 * values.length);
        expect(2 * values.filter((value) => value < median!).length).toBeLessThanOrEqual(values.length);
        expect(2 * values.filter((value) => value > median!).length).toBeLessThanOrEqual(values.length);
      }),
    );
  });
});
