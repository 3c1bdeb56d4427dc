/** Compare and exchange. SDM: Vol. 2, "CMPXCHG—Compare and Exchange"; "CMPXCHG8B/CMPXCHG16B—Compare and Exchange Bytes". */
import { RAX, RBX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import { OPERAND_MEMORY } from '../decode/instruction.ts';
import { operandAddress } from './address.ts';
import { FLAGS_SUB, isZero, notTruth, ZF } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readForUpdate, readOperand, writeUpdated } from './operands.ts';

/**
 * CMPXCHG: the destination takes the source when it equals the accumulator, else the accumulator takes the destination. Memory is
 * written either way; of two 32-bit registers only the one that changes is cleared above.
 */
export const cmpxchg: Meaning = (ops, insn) => {
  const { width } = insn;
  const old = readForUpdate(ops, insn, 0, width);
  const source = readOperand(ops, insn, 1, width);
  const accumulator = ops.readGpr(width, RAX);
  const same = ops.equal(width, accumulator, old);
  if (width === 32) {
    ops.writeGpr(64, RAX, ops.select(64, same, ops.readGpr(64, RAX), ops.zeroExtend(32, 64, old)));
  } else {
    ops.writeGpr(width, RAX, ops.select(width, same, accumulator, old));
  }
  const destination = insn.operands[0]!;
  if (width === 32 && destination.kind !== OPERAND_MEMORY) {
    // Reads see the state before the instruction: when the destination is EAX itself both branches agree.
    const wide = ops.readGpr(64, destination.register);
    ops.writeGpr(64, destination.register, ops.select(64, same, ops.zeroExtend(32, 64, source), wide));
  } else {
    writeUpdated(ops, insn, 0, width, ops.select(width, same, source, old));
  }
  ops.setFlags(FLAGS_SUB, width, accumulator, old, ops.sub(width, accumulator, old));
};

/** CMPXCHG8B: EDX:EAX against 8 bytes, replaced by ECX:EBX. ZF alone tells the outcome. */
export const cmpxchg8b: Meaning = (ops, insn) => {
  const thirtyTwo = ops.constant(64, 32n);
  const old = ops.loadForUpdate(64, insn.memory!.segment, operandAddress(ops, insn, 8, true));
  const join = (high: number, low: number) =>
    ops.or(64, ops.shiftLeft(64, ops.zeroExtend(32, 64, ops.readGpr(32, high)), thirtyTwo), ops.zeroExtend(32, 64, ops.readGpr(32, low)));
  const same = ops.equal(64, old, join(RDX, RAX));
  ops.storeUpdate(64, ops.select(64, same, join(RCX, RBX), old));
  const low = ops.zeroExtend(32, 64, ops.truncate(64, 32, old));
  ops.writeGpr(64, RAX, ops.select(64, same, ops.readGpr(64, RAX), low));
  ops.writeGpr(64, RDX, ops.select(64, same, ops.readGpr(64, RDX), ops.shiftRight(64, old, thirtyTwo)));
  ops.writeFlag(ZF, same);
};

/** CMPXCHG16B: RDX:RAX against 16 aligned bytes, replaced by RCX:RBX. Raises: #GP(0) when not aligned. */
export const cmpxchg16b: Meaning = (ops, insn) => {
  const segment = insn.memory!.segment;
  const la = operandAddress(ops, insn, 16, true);
  ops.raiseIf(notTruth(ops, isZero(ops, 64, ops.and(64, la, ops.constant(64, 15n)))), VECTOR_GP, 0);
  // Aligned bytes lie in one page: once this store is allowed, both are.
  ops.probeStore(64, segment, la);
  const above = ops.add(64, la, ops.constant(64, 8n));
  const low = ops.load(64, segment, la);
  const high = ops.load(64, segment, above);
  const rax = ops.readGpr(64, RAX);
  const rdx = ops.readGpr(64, RDX);
  const same = ops.and(8, ops.equal(64, low, rax), ops.equal(64, high, rdx));
  ops.store(64, segment, la, ops.select(64, same, ops.readGpr(64, RBX), low));
  ops.store(64, segment, above, ops.select(64, same, ops.readGpr(64, RCX), high));
  ops.writeGpr(64, RAX, ops.select(64, same, rax, low));
  ops.writeGpr(64, RDX, ops.select(64, same, rdx, high));
  ops.writeFlag(ZF, same);
};
