import type { Profile } from './profile.ts';
import { skylake } from './skylake.ts';

/** A 2.0 GHz Sapphire Rapids server core, the first with remote action requests. What is not listed is as Skylake. */
export const sapphireRapids: Profile = {
  name: 'sapphirerapids',
  doc: '2.0 GHz Sapphire Rapids class server core with remote action requests (RAR): STLB of 2048 entries',
  identity: { vendor: 'GenuineIntel', brand: 'Parapet Sapphire Rapids model @ 2.00GHz', signature: 0x806f8, features: ['rar'] },
  frequencyHz: 2_000_000_000,
  mmu: {
    ...skylake.mmu,
    dtlb4k: { sets: 16, ways: 6 },
    stlb: { sets: 128, ways: 16 },
  },
  costs: {
    ...skylake.costs,
    ipiLatency: { cycles: 1000, source: '[A] as Ivy Bridge' },
  },
};
