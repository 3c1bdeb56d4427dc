import type { CpuIdentity } from '../../cpu/cpuid.ts';
import type { MmuGeometry } from '../../mmu/geometry.ts';
import type { CostTable } from '../cost.ts';

/** A processor as the machine models it: identity, clock, sizes and prices. */
export interface Profile {
  readonly name: string;
  readonly doc: string;
  readonly identity: CpuIdentity;
  /** Core clock and TSC, cycles a second. */
  readonly frequencyHz: number;
  readonly mmu: MmuGeometry;
  readonly costs: CostTable;
}
