import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TranslationOracle } from '../../src/machine/translationOracle.ts';
import { roomyGeometry, tinyGeometry } from '../mmu/mmuRig.ts';
import { command, TlbPair } from './tlbPair.ts';

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
        stale += pair.stale;
        fresh += pair.fresh;
      }),
      { numRuns: 100 },
    );
    // Both kinds of question were asked: those with one right answer, and those where a stale one was allowed.
    expect(Math.min(stale, fresh)).toBeGreaterThan(100);
  });
});
