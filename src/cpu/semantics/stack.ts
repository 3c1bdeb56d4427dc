/** Stack operations. SDM: Vol. 1, "Procedure Stack"; Vol. 2, each instruction. */
import { RAX, RBP, RSP, SS } from '../../arch/registers.ts';
import { RFLAGS_IOPL, RFLAGS_VM } from '../../arch/rflags.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import { type Instruction, OPERAND_MEMORY, type Width } from '../decode/instruction.ts';
import { effectiveOffset, linearAddress } from './address.ts';
import type { Meaning } from './meaning.ts';
import { readOperand } from './operands.ts';
import type { Ops, Value } from './ops.ts';

/** Linear address of `offset` in the stack segment. */
function stackAddress(ops: Ops<Value>, insn: Instruction, offset: Value, bytes: number, write: boolean): Value {
  return linearAddress(ops, insn, SS, insn.stackWidth, offset, bytes, write);
}

/** Stores `value` below the stack pointer and moves it there; the store comes first, so that a fault leaves it. */
export function pushValue(ops: Ops<Value>, insn: Instruction, width: Width, value: Value): void {
  const { stackWidth } = insn;
  const bytes = width >> 3;
  const pointer = ops.sub(stackWidth, ops.readGpr(stackWidth, RSP), ops.constant(stackWidth, BigInt(bytes)));
  ops.store(width, SS, stackAddress(ops, insn, pointer, bytes, true), value);
  ops.writeGpr(stackWidth, RSP, pointer);
}

/** The value on top of the stack. The caller moves the stack pointer. */
export function loadTop(ops: Ops<Value>, insn: Instruction, width: Width): Value {
  return ops.load(width, SS, stackAddress(ops, insn, ops.readGpr(insn.stackWidth, RSP), width >> 3, false));
}

/** Moves the stack pointer up by `bytes`. */
export function dropBytes(ops: Ops<Value>, insn: Instruction, bytes: number): void {
  const { stackWidth } = insn;
  ops.writeGpr(stackWidth, RSP, ops.add(stackWidth, ops.readGpr(stackWidth, RSP), ops.constant(stackWidth, BigInt(bytes))));
}

/** PUSH of a register, memory, an immediate or a segment selector. PUSH rSP stores the old pointer. */
export const push: Meaning = (ops, insn) => pushValue(ops, insn, insn.width, readOperand(ops, insn, 0, insn.width));

/** POP to a register or memory. A destination addressed by rSP uses the incremented pointer; POP rSP keeps what it loaded. */
export const pop: Meaning = (ops, insn) => {
  const { width } = insn;
  const bytes = width >> 3;
  const value = loadTop(ops, insn, width);
  if (insn.operands[0]!.kind === OPERAND_MEMORY) {
    const { addressWidth, segment } = insn.memory!;
    const offset = effectiveOffset(ops, insn, BigInt(bytes));
    ops.store(width, segment, linearAddress(ops, insn, segment, addressWidth, offset, bytes, true), value);
    dropBytes(ops, insn, bytes);
  } else {
    dropBytes(ops, insn, bytes);
    ops.writeGpr(width, insn.operands[0]!.register, value);
  }
};

/** PUSHA, PUSHAD: rAX, rCX, rDX, rBX, the old rSP, rBP, rSI, rDI. After a fault on the way some of them lie below the stack pointer. */
export const pusha: Meaning = (ops, insn) => {
  const { width, stackWidth } = insn;
  const bytes = width >> 3;
  const old = ops.readGpr(stackWidth, RSP);
  const slot = (n: number) => ops.sub(stackWidth, old, ops.constant(stackWidth, BigInt(n * bytes)));
  for (let register = RAX; register < 8; register++) {
    ops.store(width, SS, stackAddress(ops, insn, slot(register + 1), bytes, true), ops.readGpr(width, register));
  }
  ops.writeGpr(stackWidth, RSP, slot(8));
};

/** POPA, POPAD: the reverse; the stored rSP is skipped. */
export const popa: Meaning = (ops, insn) => {
  const { width, stackWidth } = insn;
  const bytes = width >> 3;
  const old = ops.readGpr(stackWidth, RSP);
  const slot = (n: number) => ops.add(stackWidth, old, ops.constant(stackWidth, BigInt(n * bytes)));
  for (let register = 7; register >= RAX; register--) {
    if (register === RSP) continue;
    ops.writeGpr(width, register, ops.load(width, SS, stackAddress(ops, insn, slot(7 - register), bytes, false)));
  }
  ops.writeGpr(stackWidth, RSP, slot(8));
};

/** PUSHF: the flags image without VM and RF. Raises: #GP(0) in virtual-8086 mode when IOPL < 3. */
export const pushf: Meaning = (ops, insn) => {
  const { width } = insn;
  if (insn.mode === 16) {
    const privilege = ops.and(64, ops.readFlags(), ops.constant(64, BigInt(RFLAGS_VM | RFLAGS_IOPL)));
    for (let level = 0n; level < 3n; level++)
      ops.raiseIf(ops.equal(64, privilege, ops.constant(64, BigInt(RFLAGS_VM) | (level << 12n))), VECTOR_GP, 0);
  }
  const image = ops.and(64, ops.readFlags(), ops.constant(64, 0xfcffffn));
  pushValue(ops, insn, width, width === 64 ? image : ops.truncate(64, width, image));
};

/** LEAVE: rSP = rBP, then POP rBP. */
export const leave: Meaning = (ops, insn) => {
  const { width, stackWidth } = insn;
  const bytes = width >> 3;
  const frame = ops.readGpr(stackWidth, RBP);
  const saved = ops.load(width, SS, stackAddress(ops, insn, frame, bytes, false));
  ops.writeGpr(stackWidth, RSP, ops.add(stackWidth, frame, ops.constant(stackWidth, BigInt(bytes))));
  ops.writeGpr(width, RBP, saved);
};

/** ENTER: pushes rBP and the enclosing frames' pointers, then reserves room. A fault anywhere leaves rSP and rBP. */
export const enter: Meaning = (ops, insn) => {
  const { width, stackWidth } = insn;
  const bytes = width >> 3;
  const room = insn.operands[0]!.immediate;
  const level = Number(insn.operands[1]!.immediate & 31n);
  const pointer = ops.readGpr(stackWidth, RSP);
  const frame = ops.readGpr(stackWidth, RBP);
  const below = (from: Value, distance: number) => ops.sub(stackWidth, from, ops.constant(stackWidth, BigInt(distance)));
  const pushes = level === 0 ? 1 : level + 1;
  const bottom = ops.sub(stackWidth, pointer, ops.constant(stackWidth, BigInt(pushes * bytes) + room));
  ops.store(width, SS, stackAddress(ops, insn, below(pointer, bytes), bytes, true), ops.readGpr(width, RBP));
  for (let i = 1; i < level; i++) {
    const enclosing = ops.load(width, SS, stackAddress(ops, insn, below(frame, i * bytes), bytes, false));
    ops.store(width, SS, stackAddress(ops, insn, below(pointer, (i + 1) * bytes), bytes, true), enclosing);
  }
  const newFrame = below(pointer, bytes);
  if (level > 0) {
    ops.store(width, SS, stackAddress(ops, insn, below(pointer, pushes * bytes), bytes, true), resize(ops, stackWidth, width, newFrame));
  }
  // The final stack pointer must be writable; what has been pushed by then stays.
  ops.probeStore(width, SS, stackAddress(ops, insn, bottom, bytes, true));
  ops.writeGpr(width, RBP, resize(ops, stackWidth, width, newFrame));
  ops.writeGpr(stackWidth, RSP, bottom);
};

function resize(ops: Ops<Value>, from: Width, to: Width, value: Value): Value {
  if (from === to) return value;
  return from < to ? ops.zeroExtend(from, to, value) : ops.truncate(from, to, value);
}
