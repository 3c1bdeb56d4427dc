/** What differs between two outcomes of an instruction on the x87 unit or MMX registers, where the manual says what must be. */
import { RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import { X87_C0, X87_C1, X87_C2, X87_C3, X87_ES } from '../../src/arch/x87.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import type { X87Case, X87Outcome } from './x87Silicon.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const number = (bits: bigint): string =>
  `${(bits >> 64n).toString(16).padStart(4, '0')}:${BigInt.asUintN(64, bits).toString(16).padStart(16, '0')}`;

const COMPARISON = /^Fu?(?:com|icom)|^Ftst/;
const COMPARISON_TO_FLAGS = /^Fu?comip?$/;

/** The manual has comparisons leave their outcome alone when an unmasked exception is pending; this processor writes it all the same. */
const outcomeLeftOpen = (insn: Instruction, native: X87Outcome): boolean =>
  COMPARISON.test(insn.mnemonic) && (native.status & X87_ES) !== 0;

const ELEMENTARY = /^F(?:2xm1|yl2x|yl2xp1|patan|sin|cos|sincos|ptan)$/;
/** Elementary functions: each of the two is within 1 unit in the last place of the truth. */
const isNear = (insn: Instruction, a: bigint, b: bigint): boolean =>
  ELEMENTARY.test(insn.mnemonic) && Math.abs(Number(placeOf(a) - placeOf(b))) <= ELEMENTARY_ERROR;
/** Numbers in their order, neighbours 1 apart. */
const placeOf = (bits: bigint): bigint => ((bits >> 64n) << 63n) + BigInt.asUintN(63, bits);
const ELEMENTARY_ERROR = 2;

/** Bits of the status word in which this processor is not what the manual says: FCOMI and its kind do not clear C1 here. */
const statusLeftOpen = (insn: Instruction, native: X87Outcome): number =>
  (ELEMENTARY.test(insn.mnemonic) ? X87_C1 : 0) |
  (outcomeLeftOpen(insn, native) ? X87_C0 | X87_C2 | X87_C3 : 0) |
  (COMPARISON_TO_FLAGS.test(insn.mnemonic) ? X87_C1 : 0);

/** AMD's processors have a bit of MXCSR more (misaligned exception mask), and FXSAVE and XSAVE tell so. */
const isMxcsrMask = (insn: Instruction, native: number, model: number): boolean =>
  /^(?:Fx|X)save/.test(insn.mnemonic) && native === 2 && model === 0;

/** Differences, in words; empty when the model did what the processor did. */
export function x87Differences(insn: Instruction, native: X87Outcome, model: X87Outcome): string[] {
  const found: string[] = [];
  const compare = (name: string, a: number | bigint, b: number | bigint): void => {
    if (a !== b) found.push(`${name} ${a.toString(16)} | ${b.toString(16)}`);
  };
  if (native.fault !== model.fault) found.push(`fault ${native.fault || 'none'} | ${model.fault || 'none'}`);
  compare('control', native.control, model.control);
  const open = statusLeftOpen(insn, native);
  compare('status', native.status & ~open, model.status & ~open);
  compare('in use', native.inUse, model.inUse);
  // This processor's FXSAVE tells of them while an exception is pending only.
  if ((native.status & X87_ES) !== 0) {
    compare('instruction', native.instruction, model.instruction);
    compare('data', native.data, model.data);
  }
  compare('MXCSR', native.mxcsr, model.mxcsr);
  native.stack.forEach((bits, i) => {
    if (bits !== model.stack[i] && !isNear(insn, bits, model.stack[i]!)) found.push(`st${i} ${number(bits)} | ${number(model.stack[i]!)}`);
  });
  native.xmm.forEach((half, i) => {
    if (half !== model.xmm[i]) compare(`xmm${i >> 1}`, half, model.xmm[i]!);
  });
  const same = Buffer.compare(native.memory, model.memory) === 0;
  const at = same ? -1 : native.memory.findIndex((byte, i) => byte !== model.memory[i] && !isMxcsrMask(insn, byte, model.memory[i]!));
  if (at >= 0) {
    found.push(`memory at ${at}: ${hex(native.memory.slice(at - 2, at + 10))} | ${hex(model.memory.slice(at - 2, at + 10))}`);
  }
  if (native.fault !== '' || model.fault !== '') return found;
  native.gpr.forEach((value, i) => {
    compare(`r${i}`, value, model.gpr[i]!);
  });
  if (!outcomeLeftOpen(insn, native)) compare('flags', native.flags & RFLAGS_STATUS, model.flags & RFLAGS_STATUS);
  return found;
}

/** The case in words. */
export function describeX87Case(insn: Instruction, test: X87Case): string {
  const registers = [0, 1].map((i) => `st${i} ${number(test.stack[i]!)}`);
  const words = `control ${test.control.toString(16)} status ${test.status.toString(16)} in use ${test.inUse.toString(16)}`;
  return `${insn.form} ${hex(test.code)} ${words} ${registers.join(' ')}`;
}
