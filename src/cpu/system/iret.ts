/** IRET, from and to every mode. SDM: Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return". */
import { CS, DS, ES, FS, GS, RSP, SS, TR } from '../../arch/registers.ts';
import { RFLAGS_DEFINED, RFLAGS_FIXED, RFLAGS_IOPL, RFLAGS_NT, RFLAGS_VIF, RFLAGS_VIP, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_L } from '../../arch/segments.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, SYSTEM_READ, signedNumber } from '../linearMemory.ts';
import { isRealMode, isVirtual8086, updateMode } from '../mode.ts';
import { readDescriptor, setCodeSegment } from '../segmentation.ts';
import { BLOCKING_BY_NMI, I32_CPL, I32_INTERRUPTIBILITY, I32_RFLAGS, I32_SEGMENT_LIMIT, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { setFlagsFromStack } from './interrupts.ts';
import { checkReturnCode, checkTarget, dropPrivilegedSegments, loadReturnStack } from './returnChecks.ts';
import { loadRealSegment } from './segmentLoads.ts';
import { Stack } from './stack.ts';
import { switchTask } from './taskSwitch.ts';

type Bytes = 2 | 4 | 8;

/** Raises: #GP, #NP, #SS. */
export function iret(core: Core, insn: Instruction): void {
  const { i32 } = core.state;
  const bytes = (insn.width / 8) as Bytes;
  if (isRealMode(core)) returnReal(core, bytes);
  else if (isVirtual8086(core)) {
    if ((i32[I32_RFLAGS]! & RFLAGS_IOPL) !== RFLAGS_IOPL) core.raise(VECTOR_GP, 0);
    returnReal(core, bytes);
  } else if (i32[I32_RFLAGS]! & RFLAGS_NT) {
    if (core.mmu.context.longMode) core.raise(VECTOR_GP, 0);
    const link = Number(loadLinear(core, 2, signedNumber(core.state.u64[U64_SEGMENT_BASE + TR]!), SYSTEM_READ));
    switchTask(core, link, 'iret', insn.length);
  } else returnProtected(core, bytes);
  i32[I32_INTERRUPTIBILITY]! &= ~BLOCKING_BY_NMI;
  core.charge(core.costs.iret);
  core.attention = true;
}

/** Real mode, and virtual-8086 mode with IOPL 3, which keeps IOPL. */
function returnReal(core: Core, bytes: Bytes): void {
  const { u64, i32 } = core.state;
  const stack = Stack.current(core);
  const flags = Number(stack.load(bytes, 2 * bytes) & 0xffff_ffffn);
  const selector = Number(stack.load(bytes, bytes) & 0xffffn);
  const rip = stack.load(bytes);
  if (rip > BigInt(i32[I32_SEGMENT_LIMIT + CS]! >>> 0)) core.raise(VECTOR_GP, 0);
  stack.release(3 * bytes);
  stack.commit();
  loadRealSegment(core, CS, selector);
  u64[U64_RIP] = rip;
  setFlagsFromStack(core, flags, isVirtual8086(core) ? 3 : 0, bytes * 8);
  updateMode(core);
}

function returnProtected(core: Core, bytes: Bytes): void {
  const { u64, i32 } = core.state;
  const stack = Stack.current(core);
  const flags = Number(stack.load(bytes, 2 * bytes) & 0xffff_ffffn);
  const selector = Number(stack.load(bytes, bytes) & 0xffffn);
  const rip = stack.load(bytes);
  const cpl = i32[I32_CPL]!;
  if (flags & RFLAGS_VM && cpl === 0 && bytes === 4 && !core.mmu.context.longMode) {
    enterVirtual8086(core, stack, selector, rip, flags);
    return;
  }
  const rpl = selector & 3;
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  const code = { ...readDescriptor(core, selector, VECTOR_GP) };
  if (rpl < cpl) core.raise(VECTOR_GP, selector & 0xfffc);
  checkReturnCode(core, code, selector);
  if (core.codeSize === 64 || rpl !== cpl) {
    // 64-bit IRET pops SS:RSP always; other sizes only when the level changes.
    const pointer = stack.load(bytes, 3 * bytes);
    const newSs = Number(stack.load(bytes, 4 * bytes) & 0xffffn);
    checkTarget(core, code, rip);
    loadReturnStack(core, newSs, rpl, (code.access & AR_L) !== 0 && core.mmu.context.longMode, pointer);
  } else {
    checkTarget(core, code, rip);
    stack.release(3 * bytes);
    stack.commit();
  }
  setCodeSegment(core, selector, code, rpl);
  u64[U64_RIP] = rip;
  setFlagsFromStack(core, flags, cpl, bytes * 8);
  if (rpl !== cpl) dropPrivilegedSegments(core);
  updateMode(core);
}

/** SDM: Vol. 3, "Entering Virtual-8086 Mode". */
function enterVirtual8086(core: Core, stack: Stack, selector: number, rip: bigint, flags: number): void {
  const { u64, i32 } = core.state;
  const word = (n: number): number => Number(stack.load(4, n * 4) & 0xffff_ffffn);
  const pointer = BigInt(word(3));
  const selectors = [4, 5, 6, 7, 8].map((n) => word(n) & 0xffff);
  if (rip > 0xffffn) core.raise(VECTOR_GP, 0);
  i32[I32_RFLAGS] = (flags & RFLAGS_DEFINED & ~(RFLAGS_VIF | RFLAGS_VIP)) | RFLAGS_FIXED;
  i32[I32_CPL] = 3;
  loadRealSegment(core, CS, selector);
  [SS, ES, DS, FS, GS].forEach((segment, i) => {
    loadRealSegment(core, segment, selectors[i]!);
  });
  u64[U64_RIP] = rip;
  u64[RSP] = pointer;
  updateMode(core);
}
