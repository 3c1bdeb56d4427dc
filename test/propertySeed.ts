/**
 * Properties run from one seed, so that a run of the suite is a function of the sources. PARAPET_SEED takes another one; `npm run fuzz:engines` and
 * repeated runs with PARAPET_SEED=random look further.
 */
import fc from 'fast-check';

const wanted = process.env['PARAPET_SEED'];
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === undefined ? 20_161_122 : Number(wanted) });
