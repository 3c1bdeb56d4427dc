import { CS, FS, GS, RSP, SS } from '../../arch/registers.ts';
import { VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, signedNumber } from '../linearMemory.ts';
import { loadDataSegment } from '../segmentation.ts';
import { BLOCKING_BY_MOV_SS, I32_INTERRUPTIBILITY, I32_SEGMENT_SELECTOR, U64_SEGMENT_BASE } from '../state.ts';
import { isRealMode } from './farTransfer.ts';
import { readOperand16 } from './operands.ts';

/** MOV to a segment register. Raises: #UD for CS; #GP, #NP, #SS by the descriptor. SDM: Vol. 2, "MOV—Move". */
export function movToSegment(core: Core, insn: Instruction): void {
  const segment = insn.operands[0]!.register;
  if (segment === CS || segment > GS) core.raise(VECTOR_UD);
  load(core, segment, readOperand16(core, insn, 1));
  core.retire(insn);
}

/** POP to a segment register. */
export function popSegment(core: Core, insn: Instruction): void {
  const segment = insn.operands[0]!.register;
  if (core.codeSize !== 64) core.stopUnimplemented('POP to a segment register in 16- or 32-bit code', '');
  const bytes = insn.width === 16 ? 2 : 8;
  const { u64 } = core.state;
  const selector = loadLinear(core, bytes, signedNumber(u64[RSP]!), ACCESS_READ | core.userAccess);
  load(core, segment, Number(selector & 0xffffn));
  u64[RSP] = BigInt.asUintN(64, u64[RSP]! + BigInt(bytes));
  core.retire(insn);
}

function load(core: Core, segment: number, selector: number): void {
  if (isRealMode(core)) {
    core.state.u64[U64_SEGMENT_BASE + segment] = BigInt(selector << 4);
    core.state.i32[I32_SEGMENT_SELECTOR + segment] = selector;
  } else {
    loadDataSegment(core, segment, selector);
    // In 64-bit mode a null selector leaves nothing behind but, on Intel processors, a zero base.
    if ((selector & 0xfffc) === 0 && (segment === FS || segment === GS)) core.state.u64[U64_SEGMENT_BASE + segment] = 0n;
  }
  if (segment === SS) core.state.i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_MOV_SS;
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}
