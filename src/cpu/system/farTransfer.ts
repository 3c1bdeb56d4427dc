/**
 * Far JMP, CALL and RET, in every mode.
 * SDM: Vol. 2, "JMP—Jump", "CALL—Call Procedure", "RET—Return From Procedure"; Vol. 3, "Privilege Checking When Transferring Program Control
 * Between Code Segments".
 */
import { CS, RSP } from '../../arch/registers.ts';
import { AR_L, AR_P, AR_S, TYPE_CALL_GATE } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_FAR } from '../decode/instruction.ts';
import { guestFault } from '../guestFault.ts';
import { loadsRealSegments, updateMode } from '../mode.ts';
import { checkCodeDescriptor, type Descriptor, dpl, readDescriptor, setCodeSegment } from '../segmentation.ts';
import { I32_CPL, I32_SEGMENT_LIMIT, I32_SEGMENT_SELECTOR, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { callThroughGate, jumpThroughGate } from './callGate.ts';
import { loadFarPointer } from './operands.ts';
import { checkReturnCode, checkTarget, dropPrivilegedSegments, loadReturnStack } from './returnChecks.ts';
import { Stack } from './stack.ts';
import { switchTask, TASK_GATE, taskOfGate } from './taskSwitch.ts';

type Bytes = 2 | 4 | 8;

/** Far JMP through a pointer in the instruction or in memory. Raises: #GP(selector), #NP(selector). */
export function farJump(core: Core, insn: Instruction): void {
  const { selector, offset } = farPointer(core, insn);
  if (loadsRealSegments(core)) jumpReal(core, selector, offset);
  else {
    const target = targetDescriptor(core, selector);
    if (target.access & AR_S) jumpDirect(core, target, selector, offset);
    else transferThroughSystemDescriptor(core, insn, target, selector, false);
  }
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Far CALL: pushes CS and the address of the next instruction. */
export function farCall(core: Core, insn: Instruction): void {
  const { selector, offset } = farPointer(core, insn);
  const bytes = (insn.width / 8) as Bytes;
  if (loadsRealSegments(core)) {
    checkRealTarget(core, offset);
    pushReturn(core, insn, bytes).commit();
    jumpReal(core, selector, offset);
  } else {
    const target = targetDescriptor(core, selector);
    if (target.access & AR_S) {
      checkCodeDescriptor(core, target, selector, core.state.i32[I32_CPL]!, false);
      const code = { ...target };
      // To 64-bit code the return address is pushed as 64-bit code pushes.
      const wide = core.mmu.context.longMode && (code.access & AR_L) !== 0;
      const stack = pushReturn(core, insn, bytes, wide);
      jumpDirect(core, code, selector, offset);
      stack.commit();
    } else transferThroughSystemDescriptor(core, insn, target, selector, true);
  }
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Far RET, with an optional number of bytes to release. */
export function farReturn(core: Core, insn: Instruction): void {
  const bytes = (insn.width / 8) as Bytes;
  const release = insn.operands.length > 0 ? Number(insn.operands[0]!.immediate) : 0;
  const stack = Stack.current(core);
  const selector = Number(stack.load(bytes, bytes) & 0xffffn);
  const rip = stack.load(bytes);
  if (loadsRealSegments(core)) {
    checkRealTarget(core, rip);
    jumpReal(core, selector, rip);
    stack.release(2 * bytes + release);
    stack.commit();
  } else returnTo(core, stack, selector, rip, bytes, release);
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Returns to `selector:rip`; when the level drops, SS:rSP come from the stack, above the released bytes. */
function returnTo(core: Core, stack: Stack, selector: number, rip: bigint, bytes: Bytes, release: number): void {
  const { u64, i32 } = core.state;
  const cpl = i32[I32_CPL]!;
  const rpl = selector & 3;
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  const code = { ...readDescriptor(core, selector, VECTOR_GP) };
  if (rpl < cpl) core.raise(VECTOR_GP, selector & 0xfffc);
  checkReturnCode(core, code, selector);
  if (rpl === cpl) {
    checkTarget(core, code, rip);
    stack.release(2 * bytes + release);
    stack.commit();
    setCodeSegment(core, selector, code, cpl);
  } else {
    const pointer = stack.load(bytes, 2 * bytes + release);
    const newSs = Number(stack.load(bytes, 3 * bytes + release) & 0xffffn);
    checkTarget(core, code, rip);
    loadReturnStack(core, newSs, rpl, (code.access & AR_L) !== 0, pointer + BigInt(release));
    setCodeSegment(core, selector, code, rpl);
    dropPrivilegedSegments(core);
  }
  u64[U64_RIP] = rip;
  updateMode(core);
}

function pushReturn(core: Core, insn: Instruction, bytes: Bytes, wide = false): Stack {
  const { u64, i32 } = core.state;
  const stack = wide ? Stack.flat(core, u64[RSP]!, core.userAccess) : Stack.current(core);
  stack.push(bytes, BigInt(i32[I32_SEGMENT_SELECTOR + CS]!));
  stack.push(bytes, u64[U64_RIP]! + BigInt(insn.length));
  return stack;
}

/** The descriptor of a far transfer in protected mode. Raises: #GP(0) for a null selector. */
function targetDescriptor(core: Core, selector: number): Descriptor {
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  return readDescriptor(core, selector, VECTOR_GP);
}

function jumpReal(core: Core, selector: number, offset: bigint): void {
  const { u64, i32 } = core.state;
  checkRealTarget(core, offset);
  u64[U64_SEGMENT_BASE + CS] = BigInt(selector << 4);
  i32[I32_SEGMENT_SELECTOR + CS] = selector;
  u64[U64_RIP] = offset;
}

function checkRealTarget(core: Core, offset: bigint): void {
  if (offset > BigInt(core.state.i32[I32_SEGMENT_LIMIT + CS]! >>> 0)) core.raise(VECTOR_GP, 0);
}

/** CS:RIP = selector:offset without change of level. */
function jumpDirect(core: Core, code: Descriptor, selector: number, offset: bigint): void {
  const cpl = core.state.i32[I32_CPL]!;
  checkCodeDescriptor(core, code, selector, cpl, false);
  checkTarget(core, code, offset);
  setCodeSegment(core, selector, code, cpl);
  core.state.u64[U64_RIP] = offset;
  updateMode(core);
}

/** A far transfer to a call gate, a task gate or a TSS. Raises: #GP(selector), #NP(selector). */
function transferThroughSystemDescriptor(core: Core, insn: Instruction, descriptor: Descriptor, selector: number, call: boolean): void {
  const { access } = descriptor;
  const error = selector & 0xfffc;
  const type = access & 0xf;
  const { longMode } = core.mmu.context;
  const gate = type === TYPE_CALL_GATE || (type === 4 && !longMode);
  const task = !longMode && (type === TASK_GATE || type === 1 || type === 9);
  if (!gate && !task) throw guestFault.set(VECTOR_GP, error);
  if (dpl(access) < core.state.i32[I32_CPL]! || (selector & 3) > dpl(access)) throw guestFault.set(VECTOR_GP, error);
  if (!(access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  if (task) switchTask(core, type === TASK_GATE ? taskOfGate(core, descriptor) : selector, call ? 'call' : 'jump', insn.length);
  else if (call) callThroughGate(core, insn, descriptor, error);
  else jumpThroughGate(core, descriptor, error);
}

function farPointer(core: Core, insn: Instruction): { selector: number; offset: bigint } {
  const operand = insn.operands[0]!;
  if (operand.kind === OPERAND_FAR) return { selector: Number(operand.immediate >> 32n), offset: operand.immediate & 0xffff_ffffn };
  // The pointer in memory is the offset and two bytes of selector.
  return loadFarPointer(core, insn, (operand.width / 8 - 2) as Bytes);
}
