import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TranslationOracle } from '../../src/machine/translationOracle.ts';
import { type EntryView, listEntries } from '../../src/mmu/inspect.ts';
import { STRUCTURE_NAMES, type Tlb } from '../../src/mmu/tlb.ts';
import { roomyGeometry, tinyGeometry } from '../mmu/mmuRig.ts';
import { command, TlbPair } from './tlbPair.ts';

/** No lookup could match two entries of a structure, and the numbers of entries that the structures keep are right. */
function checkStructures(tlb: Tlb): void {
  for (const array of tlb.structures) {
    const entries = listEntries(tlb).filter((entry) => entry.structure === STRUCTURE_NAMES[array.structure]);
    const fractured = entries.filter((entry) => entry.guestSize > entry.size);
    expect([array.live, array.fractured]).toEqual([entries.length, fractured.length]);
    const seen = new Map<string, EntryView>();
    for (const entry of entries) {
      const key = `${entry.address} ${entry.size} ${entry.vpid} ${entry.eptRoot}`;
      const pcids = [...seen].filter(([other]) => other.startsWith(`${key} `)).map(([, other]) => other);
      expect(pcids.some((other) => other.pcid === entry.pcid || other.global || entry.global)).toBe(false);
      seen.set(`${key} ${entry.pcid}`, entry);
    }
  }
}

describe('TLB against the set of allowed translations', () => {
  test.each([
    ['roomy', roomyGeometry, false],
    ['tiny', tinyGeometry, false],
    ['roomy, watched', roomyGeometry, true],
  ] as const)('every answer of a %s TLB was allowed by the tables since the last covering invalidation', (_name, geometry, watched) => {
    let stale = 0;
    let fresh = 0;
    fc.assert(
      fc.property(fc.array(command, { minLength: 60, maxLength: 120, size: 'max' }), (commands) => {
        const pair = new TlbPair(geometry);
        const oracle = new TranslationOracle();
        if (watched) oracle.attach([pair.rig.mmu], pair.rig.memory);
        for (const step of commands) pair.run(step);
        checkStructures(pair.rig.mmu.tlb);
        stale += pair.stale;
        fresh += pair.fresh;
      }),
      { numRuns: 100 },
    );
    // Both kinds of question were asked: those with one right answer, and those where a stale one was allowed.
    expect(Math.min(stale, fresh)).toBeGreaterThan(100);
  });
});
