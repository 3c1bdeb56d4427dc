/** The region of a program written in the assembler, as the JIT engine plans it. */
import { type Assembler, assembler } from '../../../../src/asm/assembler.ts';
import { BlockCache } from '../../../../src/cpu/decode/blockCache.ts';
import { CODE_64 } from '../../../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../../../src/cpu/decode/decoder.ts';
import { planRegion, type RegionPlan } from '../../../../src/cpu/engines/jit/regionPlan.ts';
import { SYSTEM_OPERATIONS } from '../../../../src/cpu/system/operations.ts';
import { PhysicalMemory } from '../../../../src/mmu/physicalMemory.ts';
import { FLAT_COSTS } from '../../flatCore.ts';

const BASE = 0x1000;

export interface PlannedProgram {
  readonly plan: RegionPlan;
  /** Number of the block at a label, or -1. */
  at(label: string): number;
  /** Numbers of the blocks that the block at a label leads to, ascending. */
  leadsTo(label: string): number[];
}

/** The region that begins at the program's beginning. */
export function planOf(write: (a: Assembler) => void): PlannedProgram {
  const a = assembler();
  a.label('start');
  write(a);
  const { image, symbols } = a.assemble({ base: BASE });
  const memory = new PhysicalMemory(new ArrayBuffer(0x4000), 0, 0x4000);
  for (const { address, bytes } of image.segments) memory.write(address, bytes);
  const cache = new BlockCache(memory, new Decoder(SYSTEM_OPERATIONS, FLAT_COSTS));
  const plan = planRegion(cache.find(BASE, CODE_64)!, (hpa) => cache.find(hpa, CODE_64));
  const at = (label: string): number => plan.indexOf(symbols.get(label)! - BASE);
  return { plan, at, leadsTo: (label) => [...plan.successors[at(label)]!].sort((x, y) => x - y) };
}
