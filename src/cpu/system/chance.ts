/**
 * RDRAND and RDSEED: numbers that follow from the run's seed, so that a run is what it was. They never run dry.
 * Deviation: both draw from one sequence a core.
 *
 * SDM: Vol. 2, "RDRAND—Read Random Number"; "RDSEED—Read Random SEED".
 */
import { RFLAGS_CF, RFLAGS_STATUS } from '../../arch/rflags.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { I32_RFLAGS, U64_CHANCE, U64_TSC_AUX } from '../state.ts';
import { writeRegister } from './operands.ts';

/** The sequence of this core starts from the run's seed and the core's number. */
export function seedChance(core: Core, seed: number): void {
  core.state.u64[U64_CHANCE] = BigInt.asUintN(64, (BigInt(seed) << 16n) + BigInt(core.id));
}

/** splitmix64: a new state, and 64 bits from it. */
function next(core: Core): bigint {
  const { u64 } = core.state;
  u64[U64_CHANCE] = u64[U64_CHANCE]! + 0x9e37_79b9_7f4a_7c15n;
  let z = u64[U64_CHANCE]!;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return z ^ (z >> 31n);
}

/** CF = 1 tells that there was a number; the other status flags are 0. */
export function rdrand(core: Core, insn: Instruction): void {
  const { register, width } = insn.operands[0]!;
  writeRegister(core, register, width, next(core));
  core.state.i32[I32_RFLAGS] = (core.state.i32[I32_RFLAGS]! & ~RFLAGS_STATUS) | RFLAGS_CF;
  core.charge(core.costs.rdtsc);
  core.retire(insn);
}

/** RDPID: IA32_TSC_AUX. */
export function rdpid(core: Core, insn: Instruction): void {
  const { register } = insn.operands[0]!;
  writeRegister(core, register, 64, core.state.u64[U64_TSC_AUX]! & 0xffff_ffffn);
  core.retire(insn);
}
