import { describe, expect, test } from 'vitest';
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../../src/arch/marks.ts';
import { TranslationOracle } from '../../src/machine/translationOracle.ts';
import { describeViolation, type TranslationViolation } from '../../src/machine/translationViolation.ts';
import { ACCESS_READ, ACCESS_USER, TRANSLATION_FAULT } from '../../src/mmu/access.ts';
import { emptyInvalidation, INVALIDATION_SCOPES } from '../../src/mmu/invalidation.ts';
import { STRUCTURE_DTLB_4K } from '../../src/mmu/tlb.ts';
import { EVENT_MARK, OPERATION_INVLPG } from '../../src/trace/events.ts';
import { makeRig, mapEntry, TableAllocator, USER_TABLE } from '../mmu/mmuRig.ts';

const PAGE = 0x7000_0000_0000;
const OTHER = 0x7000_0000_1000;
const READ = ACCESS_READ | ACCESS_USER;

/** Two cores over one memory and one address space, both with PAGE and OTHER in their TLBs, and an oracle that collects. */
function twoCores() {
  const violations: TranslationViolation[] = [];
  const oracle = new TranslationOracle((violation) => violations.push(violation));
  const first = makeRig({ core: 0 });
  const { memory } = first;
  const second = makeRig({ core: 1, memory });
  const tables = new TableAllocator(2);
  const cores = [first.mmu, second.mmu];
  oracle.attach(cores, memory);
  const pte = mapEntry(memory, 1, PAGE, 0, 0x50_0067n, tables);
  mapEntry(memory, 1, OTHER, 0, 0x51_0067n, tables);
  const pde = mapEntry(memory, 1, PAGE, 1, (BigInt(Math.floor(pte / 4096)) << 12n) | USER_TABLE | 0x20n, tables);
  for (const mmu of cores) {
    mmu.translate(PAGE, READ);
    mmu.translate(OTHER, READ);
  }
  return {
    oracle,
    violations,
    memory,
    cores,
    pte,
    pde,
    /** A store as a core does it. */
    store: (address: number, entry: bigint) => {
      memory.store32(address, Number(entry & 0xffff_ffffn));
      memory.store32(address + 4, Number(entry >> 32n));
    },
    begin: (core: number, start: number, end: number) => oracle.event(EVENT_MARK, core, 100, MARK_SHOOTDOWN_BEGIN, start, end),
    end: (core: number) => oracle.event(EVENT_MARK, core, 200, MARK_SHOOTDOWN_END, 0, 0),
  };
}

describe('translation oracle: shootdowns', () => {
  test('a shootdown that every core carries out is no violation', () => {
    const { cores, violations, begin, end, store, pte, memory } = twoCores();
    store(pte, 0n);
    begin(0, PAGE, PAGE + 4096);
    expect(memory.codePages.some((byte) => byte !== 0)).toBe(true);
    for (const mmu of cores) mmu.invalidate.invlpg(PAGE);
    end(0);
    expect(cores.map((mmu) => mmu.translate(PAGE, READ))).toEqual([TRANSLATION_FAULT, TRANSLATION_FAULT]);
    expect(violations).toEqual([]);
    // With no suspects left, stores pay nothing again.
    expect(memory.codePages.every((byte) => byte === 0)).toBe(true);
  });

  test('a core that was left out and uses the old translation afterwards is one, with both sides of it', () => {
    const { cores, violations, begin, end, store, pte } = twoCores();
    store(pte, 0x60_0067n);
    begin(0, PAGE, PAGE + 4096);
    cores[0]!.invalidate.invlpg(PAGE);
    end(0);
    expect(cores.map((mmu) => mmu.translate(PAGE + 8, READ))).toEqual([0x60_0008, 0x50_0008]);
    expect(violations).toMatchObject([
      {
        verdict: 'shootdown',
        core: 1,
        address: PAGE + 8,
        entry: { structure: 'dtlb4k', address: PAGE, hpa: 0x50_0000, sequence: 1, vpid: 0, pcid: 0 },
        coreSequence: 2,
        tables: { hpa: 0x60_0008, size: 4096 },
        shootdown: { core: 0, root: 0x1000, eptRoot: 0, start: PAGE, end: PAGE + 4096, begunCycles: 100, endedCycles: 200 },
      },
    ]);
    expect(describeViolation(violations[0]!)).toBe(
      [
        'shootdown violation on core 1: a translation was used after the shootdown that should have removed it',
        '  address   0000700000000008',
        '  used      dtlb4k entry of 0000700000000000, 4096 bytes (guest page 4096), to 0x500000 urwx/rwx, filled by walk 1 of 2',
        '  tags      VPID 0, PCID 0, EPT root 0x0',
        '  tables    say 0x600008 urwx/rwx',
        '  shootdown of [0000700000000000, 0000700000001000) by core 0, begun at cycle 100, complete at 200',
      ].join('\n'),
    );
    // Reported once.
    cores[1]!.translate(PAGE + 8, READ);
    expect(violations.length).toBe(1);
  });

  test.each<[string, (world: ReturnType<typeof twoCores>) => void]>([
    [
      'use before the shootdown is complete',
      ({ store, pte, begin, cores, end }) => {
        store(pte, 0n);
        begin(0, PAGE, PAGE + 4096);
        cores[1]!.translate(PAGE, READ);
        cores[1]!.invalidate.invlpg(PAGE);
        end(0);
      },
    ],
    [
      'a translation that the tables still permit',
      ({ begin, cores, end }) => {
        begin(0, PAGE, -1);
        end(0);
        cores[1]!.translate(PAGE, READ);
      },
    ],
    [
      'a translation that the tables permitted for a moment since',
      ({ store, pte, begin, cores, end }) => {
        store(pte, 0n);
        begin(0, PAGE, PAGE + 4096);
        store(pte, 0x50_0067n);
        store(pte, 0n);
        end(0);
        cores[1]!.translate(PAGE, READ);
      },
    ],
    [
      'an address outside the range',
      ({ store, pte, begin, cores, end }) => {
        store(pte + 8, 0n);
        begin(0, PAGE, PAGE + 4096);
        end(0);
        cores[1]!.translate(OTHER, READ);
      },
    ],
    [
      'an upgrade of permissions, or flags that the processor sets',
      ({ store, pte, begin, cores, end }) => {
        store(pte, 0x50_0007n);
        begin(0, PAGE, PAGE + 4096);
        end(0);
        cores[1]!.translate(PAGE, READ);
      },
    ],
    [
      'use in another address space',
      ({ store, pte, begin, cores, end }) => {
        store(pte, 0n);
        begin(0, PAGE, PAGE + 4096);
        end(0);
        cores[1]!.context.root = 0x9000;
        cores[1]!.translate(PAGE, READ);
      },
    ],
    [
      'an entry filled after the beginning',
      ({ store, pte, begin, cores, end }) => {
        store(pte, 0n);
        cores[1]!.invalidate.invlpg(PAGE);
        begin(0, PAGE, PAGE + 4096);
        store(pte, 0x52_0067n);
        cores[1]!.translate(PAGE, READ);
        store(pte, 0n);
        end(0);
        cores[1]!.translate(PAGE, READ);
      },
    ],
  ])('%s is no violation', (_name, run) => {
    const world = twoCores();
    run(world);
    expect(world.violations).toEqual([]);
  });

  test('a write permission that was taken away is a violation, from the second level as from the first', () => {
    const { cores, violations, begin, end, store, pte } = twoCores();
    store(pte, 0x50_0065n);
    begin(0, PAGE, -1);
    end(0);
    const { dtlb4k } = cores[1]!.tlb;
    for (let entry = dtlb4k.first; entry < dtlb4k.end; entry += 8) if (cores[1]!.tlb.words[entry + 3] !== 0) dtlb4k.drop(entry);
    cores[1]!.translate(PAGE, READ);
    expect(violations.map(({ verdict, core, entry }) => [verdict, core, entry.structure])).toEqual([['shootdown', 1, 'stlb']]);
  });

  test('a paging-structure-cache entry that still leads to a freed table is a violation', () => {
    const { cores, violations, begin, end, store, pde } = twoCores();
    store(pde, 0n);
    begin(0, PAGE, PAGE + 0x20_0000);
    // The other core forgets its translations (as INVPCID of single addresses would have it), not the PDE.
    for (const array of [cores[1]!.tlb.dtlb4k, cores[1]!.tlb.stlb]) {
      for (let entry = array.first; entry < array.end; entry += 8) if (cores[1]!.tlb.words[entry + 3] !== 0) array.drop(entry);
    }
    end(0);
    expect(cores[1]!.translate(PAGE, READ)).toBe(0x50_0000);
    expect(violations.map(({ verdict, core, entry }) => [verdict, core, entry.structure])).toEqual([['shootdown', 1, 'pde']]);
  });

  test('an end without a beginning is refused loudly', () => {
    const { end } = twoCores();
    expect(() => end(1)).toThrow('MARK_SHOOTDOWN_END without MARK_SHOOTDOWN_BEGIN');
  });
});

describe('translation oracle: hardware', () => {
  test('an invalidation that leaves a covered entry is a violation', () => {
    const { oracle, violations } = twoCores();
    const scope = INVALIDATION_SCOPES[OPERATION_INVLPG]!;
    const page = PAGE / 4096;
    oracle.invalidated(0, { ...emptyInvalidation(), ...scope, operation: OPERATION_INVLPG, page: page | 0, tags: 0x7000 });
    expect(new Set(violations.map(({ verdict, reason, entry }) => `${verdict} ${reason} ${entry.structure}`))).toEqual(
      new Set(['dtlb4k', 'stlb', 'pde', 'pdpte', 'pml4e'].map((structure) => `hardware an entry survived INVLPG ${structure}`)),
    );
  });

  test('an entry that comes back after its invalidation is a violation when it is used', () => {
    const { cores, violations } = twoCores();
    const { words } = cores[0]!.tlb;
    const kept = words.slice();
    cores[0]!.invalidate.invlpg(PAGE);
    words.set(kept);
    cores[0]!.translate(PAGE, READ);
    expect(violations.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['hardware', 'an entry was used that an invalidation had removed'],
    ]);
  });

  test('a shortcut that serves an entry of another context, or none, is a violation', () => {
    const { cores, oracle, violations } = twoCores();
    const { dtlb4k, words } = cores[0]!.tlb;
    let entry = dtlb4k.first;
    while (words[entry + 3] === 0) entry += 8;
    cores[0]!.context.pcid = 3;
    oracle.used(0, STRUCTURE_DTLB_4K, entry, PAGE);
    cores[0]!.context.pcid = 0;
    cores[0]!.invalidate.initialize();
    oracle.used(0, STRUCTURE_DTLB_4K, entry, PAGE);
    expect(violations.map(({ verdict, reason }) => [verdict, reason])).toEqual(
      Array(2).fill(['hardware', 'an entry was used that is not there, or not of this context']),
    );
  });

  test('without a listener, a violation ends the run', () => {
    const oracle = new TranslationOracle();
    const { mmu, memory } = makeRig();
    oracle.attach([mmu], memory);
    expect(() => oracle.used(0, STRUCTURE_DTLB_4K, mmu.tlb.dtlb4k.first, PAGE)).toThrow('hardware violation on core 0');
  });
});
