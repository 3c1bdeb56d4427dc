/** PDEP, PEXT and CRC32: meanings that go bit by bit. SDM: Vol. 2, each instruction. */
import type { Width } from '../decode/instruction.ts';
import { bitAt } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readOperand, writeOperand } from './operands.ts';

/** PDEP: the low bits of the first source go, in order, to the set bits of the mask. */
export const pdep: Meaning = (ops, insn) => {
  const { width } = insn;
  const mask = readOperand(ops, insn, 2, width);
  let source = readOperand(ops, insn, 1, width);
  let r = ops.constant(width, 0n);
  for (let i = 0; i < width; i++) {
    const wanted = bitAt(ops, width, mask, i);
    const bit = ops.and(width, source, wanted);
    r = ops.or(width, r, ops.shiftLeft(width, bit, ops.constant(width, BigInt(i))));
    source = ops.shiftRight(width, source, wanted);
  }
  writeOperand(ops, insn, 0, width, r);
};

/** PEXT: the bits of the first source under the mask, gathered at the bottom. */
export const pext: Meaning = (ops, insn) => {
  const { width } = insn;
  const mask = readOperand(ops, insn, 2, width);
  const source = readOperand(ops, insn, 1, width);
  let r = ops.constant(width, 0n);
  // From the top down, every selected bit moves those above it up by one.
  for (let i = width - 1; i >= 0; i--) {
    const wanted = bitAt(ops, width, mask, i);
    const bit = ops.and(width, bitAt(ops, width, source, i), wanted);
    r = ops.or(width, ops.shiftLeft(width, r, wanted), bit);
  }
  writeOperand(ops, insn, 0, width, r);
};

/** The polynomial 0x11EDC6F41, bits reversed, without its top bit. */
const CRC32C = 0x82f6_3b78n;

/** CRC32: accumulates 8 to 64 bits of the source. */
export const crc32: Meaning = (ops, insn) => {
  const from = insn.operands[1]!.width as Width;
  const work: Width = from === 64 ? 64 : 32;
  const source = readOperand(ops, insn, 1, from);
  const data = from === work ? source : ops.zeroExtend(from, work, source);
  const seed = ops.readGpr(32, insn.operands[0]!.register);
  let crc = ops.xor(work, work === 64 ? ops.zeroExtend(32, 64, seed) : seed, data);
  for (let i = 0; i < from; i++) {
    const out = ops.negate(work, bitAt(ops, work, crc, 0));
    const feedback = ops.and(work, out, ops.constant(work, CRC32C));
    crc = ops.xor(work, ops.shiftRight(work, crc, ops.constant(work, 1n)), feedback);
  }
  const r = work === 64 ? ops.truncate(64, 32, crc) : crc;
  // A 64-bit destination is cleared above, as a 32-bit one is.
  ops.writeGpr(32, insn.operands[0]!.register, r);
};
