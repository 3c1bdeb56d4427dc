import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_EVENTS, selectEvents } from '../../src/trace/eventSelection.ts';
import * as events from '../../src/trace/events.ts';
import { createTraceWriter, openTrace, TRACE_EXTENSIONS, type TraceExtension, traceExtension } from '../../src/trace/traceSink.ts';
import { MemorySink } from './memorySink.ts';
import { readPerfetto } from './perfettoReader.ts';

type Row = [event: number, core: number, cycles: number, a: number, b: number, c: number, d: number];
/** One of every event, with arguments that need care. */
const ROWS: Row[] = [
  [events.EVENT_INSTRUCTION, 0, 0, 0x10_0000, 0, 0, 0],
  [events.EVENT_EXCEPTION, 0, 100, 14, 2, -0x7fff_ffff_f000, 0x1234],
  [events.EVENT_INTERRUPT, 1, 1_000_000, 0xec, 0x40_0000, 0, 0],
  [events.EVENT_IPI_SEND, 0, 5, 17, 3, 8, 6],
  [events.EVENT_IPI_DELIVER, 3, 6, 17, 0, 8, 6],
  [events.EVENT_TLB_FILL, 2, 7, -4096, 2 ** 51, 0x20_0000, 0x1002],
  [events.EVENT_INVALIDATE, 2, 8, events.OPERATION_INVPCID_ALL, 0, 0x2fff, 64],
  [events.EVENT_VM_ENTRY, 0, 9, 1, 2, 0x7c00, 0x8000_00ec],
  [events.EVENT_VM_EXIT, 0, 10, 48, 0x182, 0xffff, 3],
  [events.EVENT_VCPU_RUN, 11, 11, 1, 2, 0, 0],
  [events.EVENT_VCPU_STOP, 11, 12, 1, 2, 1, 0],
  [events.EVENT_HYPERCALL, 0, 13, 12, 1, 2, 0xff],
  [events.EVENT_HYPERCALL_END, 0, 14, 12, 1, 2, 900],
  [events.EVENT_VIRTUAL_INTERRUPT, 0, 15, 1, 2, 0xfd, 0],
  [events.EVENT_MARK, 0, 16, 1, 0x1000, -1, 3],
  [events.EVENT_ACTIVITY, 0, 17, 3, 0, 0, 0],
  [events.EVENT_PRIVILEGE, 0, 18, 3, 0, 0, 0],
];

function write(extension: TraceExtension, mask = ALL_EVENTS): MemorySink {
  const sink = new MemorySink();
  const writer = createTraceWriter(extension, sink, mask, 1e9);
  for (const row of ROWS) if (writer.mask & (1 << row[0])) writer.event(...row);
  writer.close();
  return sink;
}

test('every event has a row here', () => {
  expect(ROWS.map(([event]) => event)).toEqual([...events.EVENTS.keys()]);
});

test('text: one aligned line per event, numbers by their format', () => {
  expect(write('.txt').text).toBe(
    `
             0 c0  instruction       rip=0000000000100000
           100 c0  exception         vector=#PF error=0x2 rip=ffff800000001000 cr2=0000000000001234
       1000000 c1  interrupt         vector=0xec rip=0000000000400000
             5 c0  ipi-send          flow=17 target=3 vector=0x8 delivery=startup
             6 c3  ipi-deliver       flow=17 source=0 vector=0x8 delivery=startup
             7 c2  tlb-fill          la=fffffffffffff000 hpa=0x8000000000000 size=0x200000 tags=0x1002
             8 c2  invalidate        operation=INVPCID-all la=0000000000000000 tags=0x2fff dropped=64
             9 c0  vm-entry          vm=1 vcpu=2 rip=0000000000007c00 event=0x800000ec
            10 c0  vm-exit           reason=EPT_VIOLATION qualification=0x182 rip=000000000000ffff vpid=3
            11 c11 vcpu-run          vm=1 vcpu=2
            12 c11 vcpu-stop         vm=1 vcpu=2 runnable=1
            13 c0  hypercall         number=12 vm=1 vcpu=2 argument=0xff
            14 c0  hypercall-end     number=12 vm=1 vcpu=2 cycles=900
            15 c0  virtual-interrupt vm=1 vcpu=2 vector=0xfd source=0
            16 c0  mark              mark=shootdown-begin rdi=0000000000001000 rsi=ffffffffffffffff rdx=0000000000000003
            17 c0  activity          state=wait-for-sipi rip=0000000000000000
            18 c0  privilege         cpl=3
`.slice(1),
  );
});

test('JSON Lines: one object per event, addresses and names as strings', () => {
  const lines = write('.jsonl').text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line)).filter((_, index) => [1, 3, 5, 8, 14].includes(index))).toEqual([
    { cycles: 100, core: 0, event: 'exception', vector: 14, error: '0x2', rip: '0xffff800000001000', cr2: '0x0000000000001234' },
    { cycles: 5, core: 0, event: 'ipi-send', flow: 17, target: 3, vector: '0x8', delivery: 'startup' },
    { cycles: 7, core: 2, event: 'tlb-fill', la: '0xfffffffffffff000', hpa: '0x8000000000000', size: '0x200000', tags: '0x1002' },
    { cycles: 10, core: 0, event: 'vm-exit', reason: 'EPT_VIOLATION', qualification: '0x182', rip: '0x000000000000ffff', vpid: 3 },
    {
      cycles: 16,
      core: 0,
      event: 'mark',
      mark: 'shootdown-begin',
      rdi: '0x0000000000001000',
      rsi: '0xffffffffffffffff',
      rdx: '0x0000000000000003',
    },
  ]);
  expect(lines).toHaveLength(ROWS.length);
});

test('long traces reach the sink in order', () => {
  const sink = new MemorySink();
  const writer = createTraceWriter('.txt', sink, ALL_EVENTS, 1e9);
  for (let cycles = 0; cycles < 10_000; cycles++) writer.event(events.EVENT_VCPU_RUN, 0, cycles, 0, 0, 0, 0);
  writer.close();
  expect(
    sink.text
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.slice(0, 14))),
  ).toEqual(Array.from({ length: 10_000 }, (_, cycles) => cycles));
});

describe('selection', () => {
  const names = (list: string) => events.EVENTS.filter((_, number) => selectEvents(list) & (1 << number)).map(({ name }) => name);
  test('names and groups are selected', () => expect(names('tlb,mark')).toEqual(['tlb-fill', 'invalidate', 'mark']));
  test('a minus takes away', () => expect(names('vmx, -hypercall ,-vm-exit')).toEqual(['vm-entry', 'hypercall-end', 'virtual-interrupt']));
  test('all is every event', () => expect(selectEvents('all')).toBe(ALL_EVENTS));
  test('the default leaves out what happens per instruction, per TLB fill and per system call', () => {
    expect(names('default')).toEqual(names('all,-instruction,-tlb-fill,-privilege'));
    expect(names('default')).not.toContain('instruction');
  });
  test.each(['', 'tlbs', 'mark,', '-'])('an unknown word is named: %j', (list) =>
    expect(() => selectEvents(list)).toThrow(/^no event or group '/),
  );
});

describe('files', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'parapet-trace-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(TRACE_EXTENSIONS)('a file ending in %s holds the same bytes as its writer gives', (extension) => {
    const path = join(directory, `trace${extension}`);
    const writer = openTrace(path, ALL_EVENTS, 1e9);
    for (const row of ROWS) writer.event(...row);
    writer.close();
    expect(readFileSync(path).equals(write(extension).bytes)).toBe(true);
  });

  test('any other extension is refused before the file exists', () => {
    expect(() => openTrace(join(directory, 'trace.vcd'), 1, 1e9)).toThrow('.txt, .jsonl, .pftrace');
    expect(traceExtension('trace')).toBeUndefined();
  });
});

test('the same events give the same bytes in every format', () => {
  for (const extension of TRACE_EXTENSIONS) expect(write(extension).bytes.equals(write(extension).bytes)).toBe(true);
  expect(readPerfetto(write('.pftrace').bytes).events.length).toBeGreaterThan(ROWS.length);
});
