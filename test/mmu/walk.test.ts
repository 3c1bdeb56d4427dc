import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACCESS_READ, ACCESS_USER, ACCESS_WRITE, FAULT_PAGE } from '../../src/mmu/access.ts';
import { isMapped, peek } from '../../src/mmu/inspect.ts';
import type { PagingContext } from '../../src/mmu/pagingContext.ts';
import { PhysicalMemory } from '../../src/mmu/physicalMemory.ts';
import { COUNTER_WALK_REFERENCES, COUNTER_WALKS } from '../../src/trace/counters.ts';
import { accessKind, linearAddress, type PagingWorld, pagingWorld, shortAddress } from '../arbitraries/pageTables.ts';
import { makeRig, mapEntry, outcome, readEntry64, TableAllocator, testCosts, tinyGeometry, writeEntry64 } from './mmuRig.ts';
import { referenceWalk } from './referenceWalk.ts';

/** What one TLB entry covers of a page: no entry is of 4 MB. */
const entrySize = (size: number): number => (size === 0x40_0000 ? 0x20_0000 : size);

/** Every access gives what the reference gives, and leaves memory as the reference leaves it. Every TLB is flushed before each access. */
function agrees(world: PagingWorld, accesses: readonly (readonly [number, number])[], seen: Set<string>): void {
  const memory = new PhysicalMemory(world.memory.slice(0), 0, world.memory.byteLength);
  const { mmu } = makeRig({ memory, geometry: tinyGeometry });
  Object.assign(mmu.context, world.context);
  const reference = new DataView(world.memory.slice(0));
  for (const [la, access] of accesses) {
    mmu.invalidate.initialize();
    const expected = referenceWalk(reference, mmu.context, la, access);
    const actual = outcome(mmu, la, access);
    expect(actual).toEqual('hpa' in expected ? expected.hpa : expected);
    expect(Buffer.compare(Buffer.from(memory.bytes), Buffer.from(reference.buffer))).toBe(0);
    seen.add('hpa' in expected ? `size ${expected.size}` : `fault ${expected.kind} ${expected.errorCode & 9}`);
    const before = Buffer.from(memory.bytes);
    const looked = peek(mmu.context, memory, la);
    expect(Buffer.compare(before, Buffer.from(memory.bytes))).toBe(0);
    // Tables may overlap, so that the walk's own accessed flags change what the next walk finds: the reference walks again, too.
    const again = referenceWalk(new DataView(Uint8Array.from(before).buffer), mmu.context, la, access);
    if ('hpa' in again) expect(isMapped(looked) && [looked.hpa, looked.size]).toEqual([again.hpa, entrySize(again.size)]);
  }
}

describe('page walk against the reference', () => {
  test.each(['long', 'pae', 'legacy'] as const)('%s mode: same addresses, faults, accessed and dirty flags, nested or not', (mode) => {
    const seen = new Set<string>();
    const address = mode === 'long' ? linearAddress : shortAddress;
    fc.assert(
      fc.property(pagingWorld(mode), fc.array(fc.tuple(address, accessKind), { minLength: 1, maxLength: 24 }), (world, accesses) =>
        agrees(world, accesses, seen),
      ),
      { numRuns: 200 },
    );
    // The generator reaches every kind of outcome: not-present, reserved and permission faults, EPT faults, page sizes.
    const outcomes = ['fault 1 0', 'fault 1 1', 'fault 1 9', 'fault 2 0', 'fault 3 0', 'size 4096'];
    if (mode === 'long') outcomes.push('size 2097152', 'size 1073741824');
    if (mode === 'legacy') outcomes.push('size 4194304');
    expect([...seen].sort()).toEqual(expect.arrayContaining(outcomes));
  });
});

describe('page walk', () => {
  const LA = 0x7f12_3456_7000;

  test('reads one entry per level and charges for each', () => {
    const { mmu, memory, clock, counters } = makeRig();
    mapEntry(memory, 1, LA, 0, 0x200_0067n, new TableAllocator(2));
    expect(mmu.translate(LA + 0x123, ACCESS_READ)).toBe(0x200_0123);
    expect([counters[COUNTER_WALKS], counters[COUNTER_WALK_REFERENCES], clock[0]]).toEqual([
      1,
      4,
      testCosts.walkStart + 4 * testCosts.walkReference,
    ]);
    // The next page of the same table: the PDE cache leaves one entry to read.
    mapEntry(memory, 1, LA + 0x1000, 0, 0x200_1067n, new TableAllocator(50));
    mmu.translate(LA + 0x1000, ACCESS_READ);
    expect([counters[COUNTER_WALKS], counters[COUNTER_WALK_REFERENCES]]).toEqual([2, 5]);
  });

  test('a nested walk reads 24 entries, and with its guest-physical mappings known only the guest four', () => {
    const { mmu, memory, counters } = makeRig({ memoryBytes: 1 << 20 });
    for (let page = 0; page < 64; page++)
      mapEntry(memory, 100, page * 4096, 0, (BigInt(page) << 12n) | 0x37n, new TableAllocator(104), undefined, 7n);
    mapEntry(memory, 1, LA, 0, 0x3_0067n, new TableAllocator(2));
    mmu.context.eptRoot = 100;
    expect(mmu.translate(LA, ACCESS_READ)).toBe(0x3_0000);
    expect(counters[COUNTER_WALK_REFERENCES]).toBe(24);
    mmu.invalidate.invvpid(1, 0, 0);
    mmu.translate(LA, ACCESS_READ);
    expect(counters[COUNTER_WALK_REFERENCES]).toBe(28);
  });

  test('a table outside RAM reads as all ones: a reserved-bit fault', () => {
    const { mmu, memory } = makeRig();
    writeEntry64(memory, 0x1000, 0xfff_ffff_f067n);
    expect(outcome(mmu, 0, ACCESS_READ)).toEqual({ kind: FAULT_PAGE, la: 0, errorCode: 9, gpa: 0, qualification: 0 });
  });

  test('a walk that sets a flag in a code page makes the decoded code void', () => {
    const { mmu, memory } = makeRig();
    const entry = mapEntry(memory, 1, LA, 0, 0x200_0007n, new TableAllocator(2));
    const written: number[] = [];
    memory.onCodeWritten = (page) => written.push(page);
    memory.codePages[entry >> 12]! |= 1;
    mmu.translate(LA, ACCESS_READ);
    expect([written, memory.pageVersions[entry >> 12], memory.codePages[entry >> 12]]).toEqual([[entry >> 12], 1, 0]);
  });

  test('a write through an entry whose dirty flag is clear walks again and sets it', () => {
    const { mmu, memory, counters } = makeRig();
    const entry = mapEntry(memory, 1, LA, 0, 0x200_0007n, new TableAllocator(2));
    mmu.translate(LA, ACCESS_READ);
    expect([readEntry64(memory, entry), counters[COUNTER_WALKS]]).toEqual([0x200_0027n, 1]);
    mmu.translate(LA, ACCESS_WRITE);
    expect([readEntry64(memory, entry), counters[COUNTER_WALKS]]).toEqual([0x200_0067n, 2]);
    mmu.translate(LA, ACCESS_WRITE);
    expect(counters[COUNTER_WALKS]).toBe(2);
  });

  test('a walk that finds every flag set stores nothing, above 2 GB too', () => {
    const { mmu, memory } = makeRig();
    const entry = mapEntry(memory, 1, LA, 0, 0xf00_0067n, new TableAllocator(2));
    writeEntry64(memory, entry, 0xf000_0067n);
    mmu.translate(LA, ACCESS_WRITE);
    memory.codePages.fill(1);
    mmu.invalidate.initialize();
    expect(outcome(mmu, LA, ACCESS_WRITE)).toBe(0xf000_0000);
    expect(memory.codePages.every((byte) => byte === 1)).toBe(true);
  });

  test('an upgrade of permissions needs no invalidation: the entry that denies is no fault', () => {
    const { mmu, memory } = makeRig();
    const entry = mapEntry(memory, 1, LA, 0, 0x200_0065n, new TableAllocator(2));
    expect(outcome(mmu, LA, ACCESS_READ | ACCESS_USER)).toBe(0x200_0000);
    writeEntry64(memory, entry, 0x200_0067n);
    expect(outcome(mmu, LA, ACCESS_WRITE | ACCESS_USER)).toBe(0x200_0000);
  });

  test('an observer changes nothing: entries of two sizes for one page are tried in the same order', () => {
    const answers = [false, true].map((observed) => {
      const { mmu, memory } = makeRig();
      if (observed) mmu.observer = { used() {}, filled() {}, invalidated() {} };
      // A 4 KB user page stays cached, then becomes part of a 2 MB supervisor page that another address brings in.
      mapEntry(memory, 1, LA, 0, 0x200_0067n, new TableAllocator(2));
      mmu.translate(LA, ACCESS_READ);
      const large = Math.floor(LA / 0x20_0000) * 0x20_0000;
      mapEntry(memory, 1, large, 1, 0xe3n, new TableAllocator(40));
      mmu.invalidate.invpcid(0, 0, large);
      mmu.translate(large, ACCESS_READ);
      return [LA, large, LA + 0x1000].map((la) => outcome(mmu, la, ACCESS_READ));
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toEqual([0x200_0000, 0, (LA + 0x1000) % 0x20_0000]);
  });

  test('with paging off, linear addresses are guest-physical, and EPT still applies', () => {
    const { mmu, memory } = makeRig();
    mmu.context.paging = false;
    expect(outcome(mmu, 0x1234, ACCESS_WRITE)).toBe(0x1234);
    mapEntry(memory, 100, 0x1000, 0, 0x20_0033n, new TableAllocator(104), undefined, 7n);
    mmu.context.eptRoot = 100;
    expect(outcome(mmu, 0x1234, ACCESS_WRITE | ACCESS_USER)).toBe(0x20_0234);
    expect(outcome(mmu, 0x1234, 2)).toEqual({ kind: 2, la: 0x1234, errorCode: 0, gpa: 0x1234, qualification: 0x180 | (3 << 3) | 4 });
  });

  test('a root beyond the physical-address width is refused loudly', () => {
    const { mmu } = makeRig();
    mmu.context.root = 2 ** 45;
    expect(() => mmu.translate(0, ACCESS_READ)).toThrow('beyond MAXPHYADDR');
  });

  test('peek reports what every level permits', () => {
    const { mmu, memory } = makeRig();
    const context: PagingContext = mmu.context;
    mapEntry(memory, 1, -4096, 1, 0x8000_0000_0060_01e1n, new TableAllocator(2));
    expect(peek(context, memory, -1)).toEqual({
      hpa: 0x7f_ffff,
      gpa: 0x7f_ffff,
      size: 0x20_0000,
      guestSize: 0x20_0000,
      permissions: { writable: false, user: false, executable: false, eptReadable: true, eptWritable: true, eptExecutable: true },
      global: true,
      dirty: true,
    });
    expect(peek(context, memory, 0)).toEqual({ fault: { kind: FAULT_PAGE, la: 0, errorCode: 0, gpa: 0, qualification: 0 } });
  });
});
