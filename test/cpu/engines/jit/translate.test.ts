/** Generated code translates as the MMU does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EPTE_A, EPTE_D, EPTE_R, EPTE_W, PTE_A, PTE_D, PTE_G, PTE_P, PTE_PS, PTE_RW, PTE_US } from '../../../../src/arch/paging.ts';
import type { MmuGeometry } from '../../../../src/mmu/geometry.ts';
import { PAGE_CODE } from '../../../../src/mmu/physicalMemory.ts';
import { mmuGeometry } from '../../../arbitraries/engineCase.ts';
import { TranslatingCore, userOf } from './translationPair.ts';

const TABLES = 0x1_0000;
const EPT = 0x2_0000;
const FRAMES = 0x10_0000;
const TABLE = PTE_P | PTE_RW | PTE_US | PTE_A;
const EPT_RWX = 7;
const EPT_WRITE_BACK = 6 << 3;
const PAGES = 20;

/** Four page tables of a few pages each, two large pages, the top half as the bottom; EPT that maps 2 MB pages, and 4 KB pages below 64 KB. */
function writeTables({ memory }: TranslatingCore): void {
  const put = (table: number, index: number, address: number, flags: number): void => {
    memory.store32(table + index * 8, address | flags);
    memory.store32(table + index * 8 + 4, 0);
  };
  const [top, pointers, directory] = [TABLES, TABLES + 0x1000, TABLES + 0x2000];
  for (const index of [0, 511]) put(top, index, pointers, TABLE);
  put(pointers, 0, directory, TABLE);
  for (let table = 0; table < 4; table++) {
    put(directory, table, TABLES + 0x3000 + table * 4096, table === 3 ? TABLE & ~PTE_RW : TABLE);
    for (let page = 0; page < PAGES; page++) {
      put(TABLES + 0x3000 + table * 4096, page, FRAMES + ((table * 7 + page) % 32) * 4096, TABLE | (page % 5 === 0 ? PTE_G : 0));
    }
  }
  put(directory, 4, 0, TABLE | PTE_PS);
  put(directory, 5, 0x20_0000, TABLE | PTE_PS);
  put(EPT, 0, EPT + 0x1000, EPT_RWX);
  put(EPT + 0x1000, 0, EPT + 0x2000, EPT_RWX);
  for (let page = 0; page < 4; page++) put(EPT + 0x2000, page, page * 2 ** 21, EPT_RWX | EPT_WRITE_BACK | PTE_PS);
  put(EPT + 0x2000, 0, EPT + 0x3000, EPT_RWX);
  for (let page = 0; page < 512; page++) put(EPT + 0x3000, page, page * 4096, EPT_RWX | EPT_WRITE_BACK);
}

const place = fc
  .record({
    region: fc.nat(5),
    page: fc.nat(PAGES),
    offset: fc.constantFrom(0, 8, 0xffc, 0xffd),
    half: fc.constantFrom(0, 0, 0, -(2 ** 39), 2 ** 48),
  })
  .map(({ region, page, offset, half }) => half + region * 2 ** 21 + page * 4096 + offset);

type Step = (core: TranslatingCore, generated: boolean) => number | boolean;

const access = fc
  .record({ la: place, write: fc.boolean(), value: fc.nat() })
  .filter(({ la }) => (la & 0xfff) !== 0xffd && Math.abs(la) < 2 ** 47)
  .map(
    ({ la, write, value }): Step =>
      (core, generated) =>
        generated ? core.generated(la, write, value) : core.translated(la, write, value),
  );

const invlpg = place
  .filter((la) => Math.abs(la) < 2 ** 47)
  .map(
    (la): Step =>
      (core, generated) => {
        if (generated) core.generatedInvalidation(la);
        else core.invalidated(la);
        return true;
      },
  );

/** An entry of a page table changes: accessed and dirty flags go, permissions change, it names another frame, or none, or one outside RAM. */
const poke = fc
  .record({
    entry: fc.record({ table: fc.nat(3), page: fc.nat(PAGES - 1) }).map(({ table, page }) => TABLES + 0x3000 + table * 4096 + page * 8),
    change: fc.constantFrom(PTE_A, PTE_D, PTE_A | PTE_D, PTE_RW, PTE_US, PTE_P, PTE_G, 0x1000, 0x800_0000),
  })
  .map(
    ({ entry, change }): Step =>
      ({ memory }) => {
        memory.store32(entry, memory.load32(entry) ^ change);
        return true;
      },
  );

const pokeHigh = fc.record({ table: fc.nat(6), index: fc.nat(5), change: fc.constantFrom(PTE_A, PTE_RW, PTE_US) }).map(
  ({ table, index, change }): Step =>
    ({ memory }) => {
      const at = TABLES + table * 4096 + index * 8;
      memory.store32(at, memory.load32(at) ^ change);
      return true;
    },
);

/** An entry of EPT changes: of a small page or a large one, permissions, accessed and dirty flags, memory types that do not exist. */
const pokeEpt = fc
  .record({
    entry: fc.oneof(
      fc.nat(7).map((table) => EPT + 0x3000 + (TABLES / 4096 + table) * 8),
      fc.nat(31).map((frame) => EPT + 0x3000 + (FRAMES / 4096 + frame) * 8),
      fc.nat(3).map((large) => EPT + 0x2000 + large * 8),
    ),
    change: fc.constantFrom(EPTE_R, EPTE_W, EPTE_W, EPTE_A, EPTE_D, EPTE_A | EPTE_D, 1 << 3),
  })
  .map(
    ({ entry, change }): Step =>
      ({ memory }) => {
        memory.store32(entry, memory.load32(entry) ^ change);
        return true;
      },
  );

/** A page, or a page table, holds decoded code. */
const markCode = fc.constantFrom(FRAMES, FRAMES + 4096, TABLES + 0x2000, TABLES + 0x3000, TABLES + 0x4000).map(
  (address): Step =>
    ({ memory, mmu }) => {
      memory.codePages[address / 4096]! |= PAGE_CODE;
      // As JitEngine does when code is decoded.
      mmu.tlb.dtlb4k.shortcut!.clearWrites();
      return true;
    },
);

const context = fc
  .record({
    pcid: fc.nat(2),
    user: fc.boolean(),
    writeProtect: fc.boolean(),
    smap: fc.boolean(),
    globalPages: fc.boolean(),
    ept: fc.nat(2),
    vpid: fc.nat(1),
  })
  .map(
    ({ pcid, user, writeProtect, smap, globalPages, ept, vpid }): Step =>
      (core) => {
        core.userAccess = userOf(user);
        const eptRoot = ept === 0 ? 0 : EPT / 4096;
        Object.assign(core.mmu.context, { pcid, vpid, writeProtect, smap, globalPages, eptRoot, eptAccessedDirty: ept === 2 });
        return true;
      },
  );

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: access },
  { weight: 4, arbitrary: invlpg },
  { weight: 4, arbitrary: poke },
  { weight: 1, arbitrary: pokeHigh },
  { weight: 2, arbitrary: pokeEpt },
  { weight: 2, arbitrary: markCode },
  { weight: 3, arbitrary: context },
);

/** What is not the same of two cores; memory is compared at the end. */
function difference(a: TranslatingCore, b: TranslatingCore): string | undefined {
  const words = a.mmu.tlb.words.findIndex((word, index) => word !== b.mmu.tlb.words[index]);
  if (words >= 0) return `TLB word ${words}`;
  const counter = a.state.counters.findIndex((count, index) => count !== b.state.counters[index]);
  if (counter >= 0) return `counter ${counter}`;
  if (a.state.clock[0] !== b.state.clock[0]) return 'clock';
  return Buffer.compare(a.memory.codePages, b.memory.codePages) === 0 ? undefined : 'code pages';
}

function build(geometry: MmuGeometry): TranslatingCore {
  const core = new TranslatingCore(geometry);
  writeTables(core);
  Object.assign(core.mmu.context, { paging: true, pae: true, longMode: true, writeProtect: true, noExecute: true, root: TABLES });
  return core;
}

describe('generated code', () => {
  test('leaves TLBs, counters, time and memory as the MMU does', () => {
    let inGeneratedCode = 0;
    let accesses = 0;
    fc.assert(
      fc.property(mmuGeometry, fc.array(step, { minLength: 1, maxLength: 300, size: 'max' }), (geometry, steps) => {
        const [reference, tested] = [build(geometry), build(geometry)];
        for (const one of steps) {
          const [actual, expected] = [one(tested, true), one(reference, false)];
          if (actual !== expected) expect(actual).toBe(expected);
          const found = difference(tested, reference);
          if (found !== undefined) expect.fail(found);
        }
        expect(Buffer.compare(tested.memory.bytes, reference.memory.bytes)).toBe(0);
        accesses += steps.length;
        inGeneratedCode += steps.length - tested.hostAccesses;
      }),
      { numRuns: 30 },
    );
    // A good part of it without the host: the tables are full of holes.
    expect(inGeneratedCode).toBeGreaterThan(accesses / 4);
  });
});
