/** What a program may ask about descriptors without loading them. SDM: Vol. 2, "LAR", "LSL", "VERR/VERW", "ARPL". */
import { RFLAGS_ZF } from '../../arch/rflags.ts';
import {
  AR_S,
  TYPE_CALL_GATE,
  TYPE_CODE,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_LDT,
  TYPE_TSS_AVAILABLE,
  TYPE_TSS_BUSY,
  TYPE_WRITABLE_OR_READABLE,
} from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_MEMORY } from '../decode/instruction.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ, storeLinear } from '../linearMemory.ts';
import { loadsRealSegments } from '../mode.ts';
import type { Operation } from '../operation.ts';
import { type Descriptor, dpl, isCode, readDescriptor } from '../segmentation.ts';
import { I32_CPL, I32_RFLAGS } from '../state.ts';
import { memoryAddress, readOperand16, writeRegister } from './operands.ts';

/** System descriptors that LAR and LSL know: those of IA-32e mode, and the others besides. */
const LAR_LONG = new Set([TYPE_LDT, TYPE_TSS_AVAILABLE, TYPE_TSS_BUSY, TYPE_CALL_GATE]);
const LAR_LEGACY = new Set([...LAR_LONG, 1, 3, 4, 5]);
const LSL_LONG = new Set([TYPE_LDT, TYPE_TSS_AVAILABLE, TYPE_TSS_BUSY]);
const LSL_LEGACY = new Set([...LSL_LONG, 1, 3]);

function setZf(core: Core, value: boolean): void {
  const { i32 } = core.state;
  i32[I32_RFLAGS] = value ? i32[I32_RFLAGS]! | RFLAGS_ZF : i32[I32_RFLAGS]! & ~RFLAGS_ZF;
}

/** The descriptor, or undefined where a load would fault for want of one. Page faults are the program's. */
function lookUp(core: Core, selector: number): Descriptor | undefined {
  if ((selector & 0xfffc) === 0) return undefined;
  try {
    return { ...readDescriptor(core, selector, VECTOR_GP) };
  } catch (fault) {
    if (fault === guestFault && guestFault.vector === VECTOR_GP) return undefined;
    throw fault;
  }
}

/** The level does not forbid the program to see the descriptor. */
function isVisible(core: Core, { access }: Descriptor, selector: number): boolean {
  if (isCode(access) && access & TYPE_CONFORMING_OR_EXPAND_DOWN) return true;
  return core.state.i32[I32_CPL]! <= dpl(access) && (selector & 3) <= dpl(access);
}

/** A query that answers in ZF, and in a register what `answer` gives. Raises: #UD in real and virtual-8086 mode. */
function query(
  types: readonly [long: ReadonlySet<number>, legacy: ReadonlySet<number>],
  answer: (core: Core, found: Descriptor) => bigint,
): Operation {
  return (core: Core, insn: Instruction) => {
    if (loadsRealSegments(core)) core.raise(VECTOR_UD);
    const selector = readOperand16(core, insn, 1);
    const found = lookUp(core, selector);
    const system = types[core.mmu.context.longMode ? 0 : 1];
    const valid = found !== undefined && (found.access & AR_S || system.has(found.access & 0xf)) && isVisible(core, found, selector);
    if (valid) {
      const { register, width } = insn.operands[0]!;
      writeRegister(core, register, width, answer(core, found));
    }
    setZf(core, Boolean(valid));
    core.charge(core.costs.segmentLoad);
    core.retire(insn);
  };
}

/** LAR: the second dword of the descriptor without the base; bits 19:16, undefined, are those of the limit. */
export const lar = query([LAR_LONG, LAR_LEGACY], (core, { la }) => loadLinear(core, 4, la + 4, SYSTEM_READ) & 0x00ff_ff00n);
/** LSL: the scaled limit. */
export const lsl = query([LSL_LONG, LSL_LEGACY], (_core, { limit }) => BigInt(limit >>> 0));

/** VERR and VERW: ZF tells whether the segment can be read or written from here. */
function verify(allowed: (access: number) => boolean): Operation {
  return (core: Core, insn: Instruction) => {
    if (loadsRealSegments(core)) core.raise(VECTOR_UD);
    const selector = readOperand16(core, insn);
    const found = lookUp(core, selector);
    setZf(core, found !== undefined && (found.access & AR_S) !== 0 && isVisible(core, found, selector) && allowed(found.access));
    core.charge(core.costs.segmentLoad);
    core.retire(insn);
  };
}

export const verr = verify((access) => !(access & TYPE_CODE) || (access & TYPE_WRITABLE_OR_READABLE) !== 0);
export const verw = verify((access) => !(access & TYPE_CODE) && (access & TYPE_WRITABLE_OR_READABLE) !== 0);

/** ARPL: the destination's RPL is at least the source's. ZF tells a change. */
export function arpl(core: Core, insn: Instruction): void {
  if (loadsRealSegments(core)) core.raise(VECTOR_UD);
  const [destination, source] = insn.operands;
  const inMemory = destination!.kind === OPERAND_MEMORY;
  const la = inMemory ? memoryAddress(core, insn, 2) : 0;
  const old = inMemory
    ? Number(loadLinear(core, 2, la, ACCESS_READ | core.userAccess))
    : Number(core.state.u64[destination!.register]! & 0xffffn);
  const rpl = Number(core.state.u64[source!.register]! & 3n);
  const raise = (old & 3) < rpl;
  const value = BigInt(raise ? (old & ~3) | rpl : old);
  if (raise && inMemory) storeLinear(core, 2, memoryAddress(core, insn, 2, true), value, ACCESS_WRITE | core.userAccess);
  else if (raise) writeRegister(core, destination!.register, 16, value);
  setZf(core, raise);
  core.retire(insn);
}
