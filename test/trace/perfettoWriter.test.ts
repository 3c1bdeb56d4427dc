import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END, MARK_SPIN_BEGIN, MARK_SPIN_END, MARK_STALE } from '../../src/arch/marks.ts';
import { ALL_EVENTS, selectEvents } from '../../src/trace/eventSelection.ts';
import * as events from '../../src/trace/events.ts';
import { PerfettoWriter } from '../../src/trace/perfettoWriter.ts';
import { arbitraryEvent } from '../arbitraries/traceEvent.ts';
import { MemorySink } from './memorySink.ts';
import { readPerfetto, slicesOf } from './perfettoReader.ts';

type Row = readonly [event: number, core: number, cycles: number, a?: number, b?: number, c?: number, d?: number];

/** What the viewer makes of these events at 1 GHz, so that a cycle is a nanosecond. */
function trace(rows: readonly Row[], mask = ALL_EVENTS, frequencyHz = 1e9) {
  const sink = new MemorySink();
  const writer = new PerfettoWriter(sink, mask, frequencyHz);
  for (const [event, core, cycles, a = 0, b = 0, c = 0, d = 0] of rows) {
    if (writer.mask & (1 << event)) writer.event(event, core, cycles, a, b, c, d);
  }
  writer.close();
  const read = readPerfetto(sink.bytes);
  return { ...read, slices: slicesOf(read.events) };
}

const slice = (track: string, name: string, from: number, to: number, depth = 0) => ({ track, name, from, to, depth });

test('a vCPU that migrates in the middle of a shootdown keeps it on its own track', () => {
  const { tracks, slices } = trace([
    [events.EVENT_VCPU_RUN, 0, 10, 1, 2],
    [events.EVENT_VM_ENTRY, 0, 20, 1, 2],
    [events.EVENT_MARK, 0, 30, MARK_SHOOTDOWN_BEGIN],
    [events.EVENT_MARK, 0, 31, MARK_SPIN_BEGIN],
    [events.EVENT_VM_EXIT, 0, 40, 52],
    [events.EVENT_VCPU_STOP, 0, 50, 1, 2, 1],
    [events.EVENT_VCPU_RUN, 1, 100, 1, 2],
    [events.EVENT_VM_ENTRY, 1, 110, 1, 2],
    [events.EVENT_MARK, 1, 120, MARK_SPIN_END],
    [events.EVENT_MARK, 1, 130, MARK_SHOOTDOWN_END],
    [events.EVENT_VM_EXIT, 1, 140, 18],
    [events.EVENT_HYPERCALL, 1, 145, 5, 1, 2, 0],
    [events.EVENT_HYPERCALL_END, 1, 150, 5, 1, 2, 5],
    [events.EVENT_VM_ENTRY, 1, 160, 1, 2],
    [events.EVENT_VCPU_STOP, 1, 170, 1, 2],
  ]);
  expect(slices).toEqual([
    slice('machine/pCPU 0', 'guest', 20, 40, 1),
    slice('machine/pCPU 0', 'VM 1 vCPU 2', 10, 50),
    slice('VM 1/vCPU 2 run', 'on pCPU 0', 10, 50),
    slice('VM 1/vCPU 2 exits', 'PREEMPTION_TIMER', 40, 110),
    slice('VM 1/vCPU 2', 'spin', 31, 120, 1),
    slice('VM 1/vCPU 2', 'shootdown', 30, 130),
    slice('machine/pCPU 1', 'guest', 110, 140, 1),
    slice('VM 1/vCPU 2', 'hypercall 5', 145, 150),
    slice('VM 1/vCPU 2 exits', 'VMCALL', 140, 160),
    slice('machine/pCPU 1', 'guest', 160, 170, 1),
    slice('machine/pCPU 1', 'VM 1 vCPU 2', 100, 170),
    slice('VM 1/vCPU 2 run', 'on pCPU 1', 100, 170),
  ]);
  expect(tracks).toEqual([
    { name: 'machine', parent: undefined },
    ...['pCPU 0', 'pCPU 0 activity', 'pCPU 0 events'].map((name) => ({ name, parent: 'machine' })),
    { name: 'VM 1', parent: undefined },
    ...['vCPU 2', 'vCPU 2 run', 'vCPU 2 exits'].map((name) => ({ name, parent: 'VM 1' })),
    ...['pCPU 1', 'pCPU 1 activity', 'pCPU 1 events'].map((name) => ({ name, parent: 'machine' })),
  ]);
});

describe('messages', () => {
  test('an arrow leads from each sending to its own arrival', () => {
    const { events: read } = trace([
      [events.EVENT_IPI_SEND, 0, 10, 1, 1, 0xfd, 0],
      [events.EVENT_IPI_SEND, 0, 10, 2, 2, 0xfd, 0],
      [events.EVENT_IPI_DELIVER, 2, 30, 2, 0, 0xfd, 0],
      [events.EVENT_IPI_DELIVER, 1, 31, 1, 0, 0xfd, 0],
    ]);
    expect(read.map(({ track, name, time, flows, terminatingFlows }) => ({ track, name, time, flows, terminatingFlows }))).toEqual([
      { track: 'machine/pCPU 0 events', name: 'ipi-send', time: 10, flows: [1n], terminatingFlows: [] },
      { track: 'machine/pCPU 0 events', name: 'ipi-send', time: 10, flows: [2n], terminatingFlows: [] },
      { track: 'machine/pCPU 2 events', name: 'ipi-deliver', time: 30, flows: [], terminatingFlows: [2n] },
      { track: 'machine/pCPU 1 events', name: 'ipi-deliver', time: 31, flows: [], terminatingFlows: [1n] },
    ]);
    expect(read[0]!.annotations).toEqual({ flow: 1, target: 1, vector: '0xfd', delivery: 'fixed' });
  });
});

test('a halted core has a slice for as long as it halts', () => {
  const { slices } = trace([
    [events.EVENT_ACTIVITY, 0, 5, 1, 0x1000],
    [events.EVENT_ACTIVITY, 0, 25, 0, 0x1001],
  ]);
  expect(slices).toEqual([slice('machine/pCPU 0 activity', 'hlt', 5, 25)]);
});

test('marks outside VMs belong to the core, and those without a partner are instants', () => {
  const { slices, events: read } = trace([
    [events.EVENT_MARK, 0, 1, MARK_SHOOTDOWN_BEGIN, 0x1000, 0x2000, 3],
    [events.EVENT_MARK, 0, 2, MARK_STALE, -4096, 7],
    [events.EVENT_MARK, 0, 3, MARK_SHOOTDOWN_END],
  ]);
  expect(slices).toEqual([slice('machine/pCPU 0', 'shootdown', 1, 3)]);
  expect(read[1]).toEqual({
    track: 'machine/pCPU 0',
    time: 2,
    type: 'instant',
    name: 'stale',
    annotations: { mark: 'stale', rdi: 'fffffffffffff000', rsi: '0000000000000007', rdx: '0000000000000000' },
    flows: [],
    terminatingFlows: [],
  });
});

test('cycles become nanoseconds by the frequency, rounded down', () => {
  const times = (frequencyHz: number) =>
    trace(
      [5, 35, 2.5e9, 9e15].map((cycles) => [events.EVENT_INTERRUPT, 0, cycles, 0x40]),
      ALL_EVENTS,
      frequencyHz,
    ).events.map(({ time }) => time);
  expect(times(2.5e9)).toEqual([2, 14, 1e9, 3.6e15]);
  expect(times(3e9)).toEqual([1, 11, 833_333_333, 3e15]);
});

test('only selected events are drawn, but who runs where is known all the same', () => {
  const { slices, events: read } = trace(
    [
      [events.EVENT_VCPU_RUN, 3, 0, 0, 1],
      [events.EVENT_MARK, 3, 1, MARK_SHOOTDOWN_BEGIN],
      [events.EVENT_INTERRUPT, 3, 2, 0x40],
      [events.EVENT_MARK, 3, 4, MARK_SHOOTDOWN_END],
    ],
    selectEvents('mark'),
  );
  expect(slices).toEqual([slice('VM 0/vCPU 1', 'shootdown', 1, 4)]);
  expect(read).toHaveLength(2);
});

test('a guest that only ever begins gets 128 slices, then instants', () => {
  const { slices, events: read } = trace(Array.from({ length: 200 }, (_, cycles) => [events.EVENT_MARK, 0, cycles, MARK_SPIN_BEGIN]));
  expect([slices.length, read.filter(({ type }) => type === 'instant').length]).toEqual([128, 72]);
});

test('property: whatever happens, slices nest and close, times do not fall, and every flow is unique to its event', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEvent, { maxLength: 200 }), (rows) => {
      const { events: read } = trace(rows);
      const sent = read.flatMap(({ flows }) => flows);
      expect(sent.length).toBe(rows.filter(([event]) => event === events.EVENT_IPI_SEND).length);
    }),
  );
});
