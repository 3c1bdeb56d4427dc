/**
 * Every scheme under every schedule: nobody uses a translation after its shootdown, and everybody comes to an end. `npm run fuzz:schemes` runs more
 * schedules, other ones each time.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SHOOTDOWN_SCHEMES } from '../../../src/kernels/lib/shootdown/schemes.ts';
import { schemeCase } from '../../arbitraries/schemeCase.ts';
import { SchemeRig } from './schemeRig.ts';

/** Wrong on purpose. */
const WRONG = ['none', 'shoot4u-fine'];
const SCHEDULES = Number(process.env['PARAPET_SCHEDULES'] ?? 10);
const MILLISECONDS_EACH = 5000;

test.each(SHOOTDOWN_SCHEMES.map(({ name }) => name).filter((name) => !WRONG.includes(name)))(
  '%s leaves no stale translation under any schedule',
  (name) => {
    const rig = new SchemeRig(name);
    fc.assert(
      fc.property(schemeCase(name), (one) => {
        expect(rig.run(one)).toBeUndefined();
      }),
      { numRuns: SCHEDULES },
    );
  },
  SCHEDULES * MILLISECONDS_EACH,
);
