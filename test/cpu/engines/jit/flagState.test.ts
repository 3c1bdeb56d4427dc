/** Flags that are pending, on top of each other, wherever blocks end and regions are left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flagCase } from '../../../arbitraries/engineCase.ts';
import { compare } from '../../../engines/codeCase.ts';

describe('FlagState', () => {
  it('property: flags are those of the reference engine in programs that do little else', () => {
    fc.assert(
      fc.property(flagCase, (one) => {
        expect(compare(one).differs).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
