import { describe, expect, test } from 'vitest';
import { CR0_PG, CR4_PCIDE, CR4_PGE, CR4_SMAP, CR4_SMEP } from '../../src/arch/controlRegisters.ts';
import { ACCESS_FETCH, ACCESS_READ } from '../../src/mmu/access.ts';
import { type EntryView, isMapped, listEntries, listTranslations, peek } from '../../src/mmu/inspect.ts';
import type { Mmu } from '../../src/mmu/mmu.ts';
import type { PhysicalMemory } from '../../src/mmu/physicalMemory.ts';
import { EVENT_INVALIDATE, INVALIDATION_NAMES, OPERATION_INVLPG } from '../../src/trace/events.ts';
import { makeRig, mapEntry, outcome, roomyGeometry, TableAllocator } from './mmuRig.ts';

const VPIDS = [0, 1, 2];
const PCIDS = [0, 5];
const EPT_A = 200;
const EPT_B = 300;
const NORMAL = 0x7000_0000_1000;
const NEIGHBOUR = 0x7000_0000_2000;
const GLOBAL = -0x1000;
const LARGE = 0x20_0000;
const GLOBAL_LARGE = -0x4000_0000;

/** Tables that map two normal pages, a global one, a large one and a global large one; the same under both EPTs. */
function buildTables(memory: PhysicalMemory): void {
  const tables = new TableAllocator(2);
  mapEntry(memory, 1, NORMAL, 0, 0x4_0067n, tables);
  mapEntry(memory, 1, NEIGHBOUR, 0, 0x4_1067n, tables);
  mapEntry(memory, 1, GLOBAL, 0, 0x4_2167n, tables);
  mapEntry(memory, 1, LARGE, 1, 0x0_00e7n, tables);
  mapEntry(memory, 1, GLOBAL_LARGE, 1, 0x1e7n | 0x80n, tables);
  for (const root of [EPT_A, EPT_B]) {
    const ept = new TableAllocator(root + 1);
    for (let page = 0; page < 512; page++) {
      if (page < 128) mapEntry(memory, root, page * 4096, 0, (BigInt(page) << 12n) | 0x37n, ept, undefined, 7n);
    }
  }
}

/** Puts every combination of tags into the structures. */
function fill(mmu: Mmu): void {
  for (const vpid of VPIDS) {
    for (const eptRoot of vpid === 0 ? [0, EPT_A] : [EPT_A, EPT_B]) {
      for (const pcid of PCIDS) {
        Object.assign(mmu.context, { vpid, eptRoot, pcid });
        for (const la of [NORMAL, NEIGHBOUR, GLOBAL, LARGE, GLOBAL_LARGE]) {
          mmu.translate(la, ACCESS_READ);
          if (la !== LARGE) mmu.translate(la, ACCESS_FETCH);
        }
      }
    }
  }
}

const isTable = (entry: EntryView) => ['pde', 'pdpte', 'pml4e'].includes(entry.structure);
const isGuestPhysical = (entry: EntryView) => entry.structure === 'nested';
const around = (entry: EntryView, address: number) => {
  const start = Math.floor(entry.address / entry.guestSize) * entry.guestSize;
  return start <= address && address < start + entry.guestSize;
};

interface Case {
  readonly name: string;
  /** Context in which it is carried out. */
  readonly at: { vpid: number; pcid: number; eptRoot: number };
  readonly run: (mmu: Mmu) => void;
  /** Whether a translation or paging-structure-cache entry goes. */
  readonly removes: (entry: EntryView) => boolean;
  /** Whether a guest-physical mapping goes; most operations leave them all. */
  readonly removesGuestPhysical?: (entry: EntryView) => boolean;
}

const at = { vpid: 1, pcid: 5, eptRoot: EPT_A };
const host = { vpid: 0, pcid: 0, eptRoot: 0 };

const CASES: readonly Case[] = [
  {
    name: 'INVLPG removes the page of the PCID and global ones, and all paging-structure-cache entries of the PCID',
    at,
    run: (mmu) => mmu.invalidate.invlpg(NORMAL + 0x123),
    removes: (e) => e.vpid === 1 && (isTable(e) ? e.pcid === 5 : (e.pcid === 5 || e.global) && around(e, NORMAL)),
  },
  {
    name: 'INVLPG of a global page removes it whatever the PCID it was filled under',
    at,
    run: (mmu) => mmu.invalidate.invlpg(GLOBAL),
    removes: (e) => e.vpid === 1 && (isTable(e) ? e.pcid === 5 : around(e, GLOBAL)),
  },
  {
    name: 'INVLPG of an address in a large page removes every fracture of it',
    at,
    run: (mmu) => mmu.invalidate.invlpg(LARGE + 0x1f_f000),
    removes: (e) => e.vpid === 1 && (isTable(e) ? e.pcid === 5 : (e.pcid === 5 || e.global) && around(e, LARGE)),
  },
  {
    name: 'INVPCID type 0 leaves global translations, other PCIDs, and paging-structure-cache entries of other addresses',
    at,
    run: (mmu) => mmu.invalidate.invpcid(0, 0, NORMAL),
    removes: (e) => e.vpid === 1 && e.pcid === 0 && !e.global && around(e, NORMAL),
  },
  {
    name: 'INVPCID type 1 leaves global translations and other PCIDs',
    at,
    run: (mmu) => mmu.invalidate.invpcid(1, 0, 0),
    removes: (e) => e.vpid === 1 && e.pcid === 0 && !e.global,
  },
  {
    name: 'INVPCID type 2 leaves only other VPIDs',
    at,
    run: (mmu) => mmu.invalidate.invpcid(2, 0, 0),
    removes: (e) => e.vpid === 1,
  },
  {
    name: 'INVPCID type 3 leaves global translations',
    at,
    run: (mmu) => mmu.invalidate.invpcid(3, 0, 0),
    removes: (e) => e.vpid === 1 && !e.global,
  },
  {
    name: 'MOV to CR3 leaves global translations and the PCIDs it does not load',
    at,
    run: (mmu) => mmu.invalidate.movCr3(0),
    removes: (e) => e.vpid === 1 && e.pcid === 0 && !e.global,
  },
  {
    name: 'MOV to CR4 that changes PGE leaves only other VPIDs',
    at,
    run: (mmu) => mmu.invalidate.movCr4(CR4_PGE, 0),
    removes: (e) => e.vpid === 1,
  },
  {
    name: 'MOV to CR4 that clears PCIDE leaves only other VPIDs',
    at,
    run: (mmu) => mmu.invalidate.movCr4(CR4_PCIDE, 0),
    removes: (e) => e.vpid === 1,
  },
  {
    name: 'MOV to CR4 that sets SMEP leaves other PCIDs',
    at,
    run: (mmu) => mmu.invalidate.movCr4(0, CR4_SMEP),
    removes: (e) => e.vpid === 1 && (e.pcid === 5 || e.global),
  },
  {
    name: 'MOV to CR4 that sets PCIDE or SMAP, or clears SMEP, leaves everything',
    at,
    run: (mmu) => {
      mmu.invalidate.movCr4(0, CR4_PCIDE);
      mmu.invalidate.movCr4(0, CR4_SMAP);
      mmu.invalidate.movCr4(CR4_SMEP, 0);
    },
    removes: () => false,
  },
  {
    name: 'MOV to CR0 that clears PG leaves only other VPIDs, and one that does not change it leaves everything',
    at,
    run: (mmu) => {
      mmu.invalidate.movCr0(CR0_PG, CR0_PG | 1);
      mmu.invalidate.movCr0(CR0_PG, 0);
    },
    removes: (e) => e.vpid === 1,
  },
  {
    name: 'INVVPID type 0 removes the page whatever PCID and EPT root, global too',
    at: host,
    run: (mmu) => mmu.invalidate.invvpid(0, 2, GLOBAL),
    removes: (e) => e.vpid === 2 && around(e, GLOBAL),
  },
  {
    name: 'INVVPID type 1 leaves other VPIDs',
    at: host,
    run: (mmu) => mmu.invalidate.invvpid(1, 2, 0),
    removes: (e) => e.vpid === 2,
  },
  {
    name: 'INVVPID type 2 leaves VPID 0',
    at: host,
    run: (mmu) => mmu.invalidate.invvpid(2, 0, 0),
    removes: (e) => e.vpid !== 0,
  },
  {
    name: 'INVVPID type 3 leaves global translations',
    at: host,
    run: (mmu) => mmu.invalidate.invvpid(3, 2, 0),
    removes: (e) => e.vpid === 2 && !e.global,
  },
  {
    name: 'INVEPT type 1 removes combined and guest-physical mappings of one EPT root, whatever the VPID',
    at: host,
    run: (mmu) => mmu.invalidate.invept(1, EPT_A),
    removes: (e) => e.eptRoot === EPT_A,
    removesGuestPhysical: (e) => e.eptRoot === EPT_A,
  },
  {
    name: 'INVEPT type 2 leaves only linear mappings',
    at: host,
    run: (mmu) => mmu.invalidate.invept(2, 0),
    removes: (e) => e.eptRoot !== 0,
    removesGuestPhysical: () => true,
  },
  {
    name: 'a VM transition without VPID removes everything of VPID 0',
    at: host,
    run: (mmu) => mmu.invalidate.vmTransition(),
    removes: (e) => e.vpid === 0,
  },
  {
    name: 'a page fault removes what served its address: page and paging-structure-cache entries of the PCID, global pages',
    at,
    run: (mmu) => mmu.invalidate.pageFault(NORMAL),
    removes: (e) => e.vpid === 1 && (e.pcid === 5 || e.global) && around(e, NORMAL),
  },
  {
    name: 'an EPT violation removes the guest-physical mapping of its address, and what served the linear address under that EPT root',
    at,
    run: (mmu) => mmu.invalidate.eptViolation(NORMAL, 0x4_0010),
    removes: (e) => e.vpid === 1 && e.eptRoot === EPT_A && (e.pcid === 5 || e.global) && around(e, NORMAL),
    removesGuestPhysical: (e) => e.eptRoot === EPT_A && around(e, 0x4_0000),
  },
  { name: 'INIT leaves nothing', at, run: (mmu) => mmu.invalidate.initialize(), removes: () => true, removesGuestPhysical: () => true },
  { name: 'switching VPID, PCID and EPT root leaves everything', at, run: (mmu) => Object.assign(mmu.context, host), removes: () => false },
];

describe('invalidation', () => {
  test.each(CASES)('$name', ({ at: context, run, removes, removesGuestPhysical = () => false }) => {
    const events: number[][] = [];
    const probe = {
      mask: 1 << EVENT_INVALIDATE,
      event: (_event: number, _core: number, _cycles: number, operation: number, _la: number, _tags: number, dropped: number) => {
        events.push([operation, dropped]);
      },
    };
    const geometry = {
      ...roomyGeometry,
      stlb: { sets: 16, ways: 64 },
      dtlb4k: { sets: 4, ways: 32 },
      pdeCache: 64,
      pdpteCache: 64,
      pml4eCache: 64,
    };
    const { mmu, memory } = makeRig({ probe, geometry });
    buildTables(memory);
    fill(mmu);
    const before = listEntries(mmu.tlb);
    Object.assign(mmu.context, context);
    expect(events).toEqual([]);
    run(mmu);
    const gone = new Set(before.filter(isGuestPhysical).filter(removesGuestPhysical));
    for (const entry of before) if (!isGuestPhysical(entry) && removes(entry)) gone.add(entry);
    expect(listEntries(mmu.tlb)).toEqual(before.filter((entry) => !gone.has(entry)));
    expect(events.reduce((sum, [, dropped]) => sum + dropped!, 0)).toBe(gone.size);
    const counts = new Float64Array(INVALIDATION_NAMES.length);
    for (const [operation] of events) counts[operation!]!++;
    expect(mmu.invalidations).toEqual(counts);
  });

  test('the cases above start from a population that every case divides', () => {
    const { mmu, memory } = makeRig();
    buildTables(memory);
    fill(mmu);
    const entries = listEntries(mmu.tlb);
    expect([...new Set(entries.map((entry) => entry.structure))].sort()).toEqual(
      ['dtlb2m', 'dtlb4k', 'itlb2m', 'itlb4k', 'nested', 'pde', 'pdpte', 'pml4e', 'stlb'].sort(),
    );
    expect(new Set(entries.filter((entry) => entry.global).map((entry) => entry.eptRoot))).toEqual(new Set([0, EPT_A, EPT_B]));
  });

  test('operands that do not exist are refused loudly', () => {
    const { mmu } = makeRig();
    expect(() => mmu.invalidate.invpcid(4, 0, 0)).toThrow('INVPCID type 4');
    expect(() => mmu.invalidate.invvpid(-1, 0, 0)).toThrow('INVVPID type -1');
    expect(() => mmu.invalidate.invept(0, 0)).toThrow('INVEPT type 0');
  });
});

describe('page fracturing', () => {
  test('a guest 2 MB page on 4 KB EPT pages is cached in 4 KB pieces, and INVLPG of any address in it removes them all', () => {
    const { mmu, memory } = makeRig();
    buildTables(memory);
    Object.assign(mmu.context, { vpid: 1, eptRoot: EPT_A });
    for (const page of [0, 3, 77]) expect(outcome(mmu, LARGE + page * 4096, ACCESS_READ)).toBe(page * 4096);
    mmu.translate(NORMAL, ACCESS_READ);
    const pieces = listTranslations(mmu.tlb).filter((entry) => entry.structure === 'dtlb4k' && entry.guestSize === 0x20_0000);
    expect(pieces.map((entry) => [entry.address, entry.size])).toEqual(
      expect.arrayContaining([
        [LARGE, 4096],
        [LARGE + 3 * 4096, 4096],
        [LARGE + 77 * 4096, 4096],
      ]),
    );
    mmu.invalidate.invlpg(LARGE + 500 * 4096);
    expect(listTranslations(mmu.tlb).map((entry) => [entry.structure, entry.address])).toEqual([
      ['dtlb4k', NORMAL],
      ['stlb', NORMAL],
    ]);
    expect(mmu.invalidations[OPERATION_INVLPG]).toBe(1);
  });

  test('a 1 GB page is cached in 2 MB pieces where no 1 GB entries exist, and INVLPG removes them all', () => {
    const { mmu, memory } = makeRig({ geometry: { ...roomyGeometry, dtlb1g: { sets: 0, ways: 0 } } });
    mapEntry(memory, 1, 0x4000_0000, 2, 0xe7n, new TableAllocator(2));
    expect(outcome(mmu, 0x4000_0000 + 0x123_4567, ACCESS_READ)).toBe(0x123_4567);
    expect(outcome(mmu, 0x4000_0000 + 0x123_4567, ACCESS_FETCH)).toBe(0x123_4567);
    expect(outcome(mmu, 0x4000_0000, ACCESS_READ)).toBe(0);
    expect(
      listTranslations(mmu.tlb).map(({ structure, address, size, guestSize, hpa }) => [structure, address, size, guestSize, hpa]),
    ).toEqual([
      ['itlb2m', 0x4120_0000, 0x20_0000, 0x4000_0000, 0x120_0000],
      ['dtlb2m', 0x4000_0000, 0x20_0000, 0x4000_0000, 0],
      ['dtlb2m', 0x4120_0000, 0x20_0000, 0x4000_0000, 0x120_0000],
    ]);
    mmu.invalidate.invlpg(0x7fff_f000);
    expect(listTranslations(mmu.tlb)).toEqual([]);
    const looked = peek(mmu.context, memory, 0x4000_0000);
    expect(isMapped(looked) && looked.size).toBe(0x4000_0000);
  });

  test('guest 4 KB pages on a 2 MB EPT page stay separate', () => {
    const { mmu, memory } = makeRig();
    mapEntry(memory, 1, NORMAL, 0, 0x4_0067n, new TableAllocator(2));
    mapEntry(memory, 1, NEIGHBOUR, 0, 0x4_1067n, new TableAllocator(10));
    mapEntry(memory, EPT_A, 0, 1, 0xb7n, new TableAllocator(EPT_A + 1), undefined, 7n);
    mmu.context.eptRoot = EPT_A;
    mmu.translate(NORMAL, ACCESS_READ);
    mmu.translate(NEIGHBOUR, ACCESS_READ);
    mmu.invalidate.invlpg(NORMAL);
    expect(listTranslations(mmu.tlb).map((entry) => [entry.structure, entry.address, entry.size])).toEqual([
      ['dtlb4k', NEIGHBOUR, 4096],
      ['stlb', NEIGHBOUR, 4096],
    ]);
  });
});
