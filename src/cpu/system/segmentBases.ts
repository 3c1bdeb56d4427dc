import { CR4_FSGSBASE } from '../../arch/controlRegisters.ts';
import { FS, GS } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import type { Operation } from '../operation.ts';
import { U64_CR4, U64_SEGMENT_BASE } from '../state.ts';
import { writeRegister } from './operands.ts';

/**
 * RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE.
 * Raises: #UD outside 64-bit mode or with CR4.FSGSBASE = 0; #GP(0) for a base that is not canonical.
 */
function segmentBase(segment: number, write: boolean): Operation {
  return (core: Core, insn: Instruction) => {
    const { u64 } = core.state;
    if (core.codeSize !== 64 || !(Number(u64[U64_CR4]!) & CR4_FSGSBASE)) core.raise(VECTOR_UD);
    const { register, width } = insn.operands[0]!;
    if (write) {
      const base = BigInt.asUintN(width, u64[register]!);
      if (!isCanonicalBits(base)) core.raise(VECTOR_GP, 0);
      u64[U64_SEGMENT_BASE + segment] = base;
    } else writeRegister(core, register, width, u64[U64_SEGMENT_BASE + segment]!);
    core.retire(insn);
  };
}

export const rdfsbase = segmentBase(FS, false);
export const rdgsbase = segmentBase(GS, false);
export const wrfsbase = segmentBase(FS, true);
export const wrgsbase = segmentBase(GS, true);
