/** Loads of segment registers. SDM: Vol. 2, "MOV—Move", "POP—Pop a Value From the Stack", "LDS/LES/LFS/LGS/LSS—Load Far Pointer". */
import { CR0_PE } from '../../arch/controlRegisters.ts';
import { CS, DS, ES, FS, GS, SS } from '../../arch/registers.ts';
import { AR_DPL_SHIFT, AR_P, AR_S, TYPE_ACCESSED, TYPE_WRITABLE_OR_READABLE } from '../../arch/segments.ts';
import { VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadsRealSegments } from '../mode.ts';
import type { Operation } from '../operation.ts';
import { loadDataSegment, setSegment } from '../segmentation.ts';
import { BLOCKING_BY_MOV_SS, I32_INTERRUPTIBILITY, I32_SEGMENT_SELECTOR, U64_CR0, U64_SEGMENT_BASE } from '../state.ts';
import { loadFarPointer, readOperand16, writeRegister } from './operands.ts';
import { Stack } from './stack.ts';

/** MOV to a segment register. Raises: #UD for CS; #GP, #NP, #SS by the descriptor. */
export function movToSegment(core: Core, insn: Instruction): void {
  const segment = insn.operands[0]!.register;
  if (segment === CS || segment > GS) core.raise(VECTOR_UD);
  load(core, segment, readOperand16(core, insn, 1));
  if (segment === SS) core.state.i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_MOV_SS;
  core.retire(insn);
}

/** POP to a segment register. */
export function popSegment(core: Core, insn: Instruction): void {
  const segment = insn.operands[0]!.register;
  const bytes = (insn.width / 8) as 2 | 4 | 8;
  const stack = Stack.current(core);
  const selector = Number(stack.load(bytes) & 0xffffn);
  stack.release(bytes);
  load(core, segment, selector);
  // POP SS moves the pointer of the old stack.
  stack.commit();
  if (segment === SS) core.state.i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_MOV_SS;
  core.retire(insn);
}

/** LDS, LES, LFS, LGS, LSS: a register and a segment register from a far pointer in memory. */
function loadPointer(segment: number): Operation {
  return (core: Core, insn: Instruction) => {
    const { register, width } = insn.operands[0]!;
    const { offset, selector } = loadFarPointer(core, insn, (width / 8) as 2 | 4 | 8);
    load(core, segment, selector);
    writeRegister(core, register, width, offset);
    core.retire(insn);
  };
}

export const les = loadPointer(ES);
export const lds = loadPointer(DS);
export const lss = loadPointer(SS);
export const lfs = loadPointer(FS);
export const lgs = loadPointer(GS);

function load(core: Core, segment: number, selector: number): void {
  if (loadsRealSegments(core)) loadRealSegment(core, segment, selector);
  else {
    loadDataSegment(core, segment, selector);
    // In 64-bit mode a null selector leaves nothing behind but, on Intel processors, a zero base.
    if ((selector & 0xfffc) === 0 && (segment === FS || segment === GS)) core.state.u64[U64_SEGMENT_BASE + segment] = 0n;
  }
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Base = selector × 16. Real mode keeps limit and rights; virtual-8086 mode has those of an 8086 segment at level 3. */
export function loadRealSegment(core: Core, segment: number, selector: number): void {
  const { u64, i32 } = core.state;
  const base = BigInt(selector << 4);
  if (Number(u64[U64_CR0]!) & CR0_PE) {
    const access = AR_P | AR_S | (3 << AR_DPL_SHIFT) | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED;
    setSegment(core, segment, selector, base, 0xffff, access);
    return;
  }
  u64[U64_SEGMENT_BASE + segment] = base;
  i32[I32_SEGMENT_SELECTOR + segment] = selector;
}
