import { ivybridge } from './ivybridge.ts';
import type { Profile } from './profile.ts';

/** A 2.6 GHz Skylake server core: larger second-level TLB that holds 2 MB pages, dear PAUSE. What is not listed is as Ivy Bridge. */
export const skylake: Profile = {
  name: 'skylake',
  doc: '2.6 GHz Skylake class server core: STLB of 1536 entries for 4 KB and 2 MB pages, PAUSE of 140 cycles',
  identity: { vendor: 'GenuineIntel', brand: 'Parapet Skylake model @ 2.60GHz', signature: 0x50654 },
  frequencyHz: 2_600_000_000,
  mmu: {
    ...ivybridge.mmu,
    itlb4k: { sets: 16, ways: 8 },
    stlb: { sets: 128, ways: 12 },
    stlbHolds2m: true,
  },
  costs: {
    ...ivybridge.costs,
    pause: { cycles: 140, source: '[R] PAUSE about 140 from Skylake on' },
    ipiLatency: { cycles: 1000, source: '[A] as Ivy Bridge' },
  },
};
