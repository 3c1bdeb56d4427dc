import { ivybridge } from './ivybridge.ts';
import type { Profile } from './profile.ts';

/**
 * A 2.45 GHz Zen 3 server core (Milan), the first with INVLPGB: larger TLBs, dear PAUSE, cheaper world switches. What is not listed is as Ivy Bridge.
 *
 * Deviation: virtual machines are VMX's here, too, and APICs, VPIDs and MSRs are Intel's: only sizes, prices and the identity are AMD's.
 */
export const zen3: Profile = {
  name: 'zen3',
  doc: '2.45 GHz Zen 3 class server core with INVLPGB and TLBSYNC: L2 TLB of 2048 entries, PAUSE of 65 cycles',
  identity: { vendor: 'AuthenticAMD', brand: 'Parapet Zen 3 model @ 2.45GHz', signature: 0xa00f11, features: ['invlpgb'] },
  frequencyHz: 2_450_000_000,
  mmu: {
    ...ivybridge.mmu,
    // 64 entries for all sizes, fully associative, on hardware: here for 4 KB and 2 MB pages each.
    itlb4k: { sets: 1, ways: 64 },
    dtlb4k: { sets: 1, ways: 64 },
    dtlb2m: { sets: 1, ways: 64 },
    stlb: { sets: 256, ways: 8 },
    stlbHolds2m: true,
    pdeCache: 64,
  },
  costs: {
    ...ivybridge.costs,
    pause: { cycles: 65, source: '[R-lo] PAUSE about 65 on Zen 2 and 3' },
    vmEntry: { cycles: 660, source: '[F] 1350 to 1376 around VMRUN (svm-2020); half of it' },
    vmExit: { cycles: 690, source: '[F] as vmEntry; the other half' },
    ipiLatency: { cycles: 1000, source: '[A] as Ivy Bridge' },
  },
};
