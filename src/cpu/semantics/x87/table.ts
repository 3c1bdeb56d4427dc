/** x87 instructions by mnemonic. */
import type { Meaning } from '../meaning.ts';
import * as arithmetic from './arithmetic.ts';
import * as comparison from './comparison.ts';
import * as constants from './constants.ts';
import * as control from './control.ts';
import * as elementary from './elementary.ts';
import { conditional, controlling, loading, onStack, settingFlags, storing, storingWord, wait } from './meanings.ts';
import * as transfer from './transfer.ts';

type Meanings = Readonly<Record<string, Meaning>>;

const all = (mnemonics: readonly string[], meaning: Meaning): Meanings =>
  Object.fromEntries(mnemonics.map((mnemonic) => [mnemonic, meaning]));

const OPERATIONS: readonly (readonly [stem: string, operation: arithmetic.BinaryOperation])[] = [
  ['add', arithmetic.ADD],
  ['sub', arithmetic.SUBTRACT],
  ['subr', arithmetic.SUBTRACT_REVERSED],
  ['mul', arithmetic.MULTIPLY],
  ['div', arithmetic.DIVIDE],
  ['divr', arithmetic.DIVIDE_REVERSED],
];

const ARITHMETIC: Meanings = {
  ...Object.fromEntries(
    OPERATIONS.flatMap(([stem, operation]) => [
      [`F${stem}`, loading(arithmetic.binary(operation, arithmetic.FROM_FLOAT, false))],
      [`F${stem}p`, loading(arithmetic.binary(operation, arithmetic.FROM_FLOAT, true))],
      [`Fi${stem}`, loading(arithmetic.binary(operation, arithmetic.FROM_INTEGER, false))],
    ]),
  ),
  Fsqrt: onStack(arithmetic.SQUARE_ROOT),
  Frndint: onStack(arithmetic.ROUND_TO_INTEGRAL),
  Fchs: onStack(arithmetic.CHANGE_SIGN),
  Fabs: onStack(arithmetic.ABSOLUTE),
  Fscale: onStack(arithmetic.scale),
  Fxtract: onStack(arithmetic.extract),
  Fprem: onStack(arithmetic.remainder(false)),
  Fprem1: onStack(arithmetic.remainder(true)),
};

const COMPARISON: Meanings = {
  Fcom: loading(comparison.compare(true, 0, arithmetic.FROM_FLOAT)),
  Fcomp: loading(comparison.compare(true, 1, arithmetic.FROM_FLOAT)),
  Fcompp: onStack(comparison.compare(true, 2)),
  Ficom: loading(comparison.compare(true, 0, arithmetic.FROM_INTEGER)),
  Ficomp: loading(comparison.compare(true, 1, arithmetic.FROM_INTEGER)),
  Fucom: onStack(comparison.compare(false, 0)),
  Fucomp: onStack(comparison.compare(false, 1)),
  Fucompp: onStack(comparison.compare(false, 2)),
  Fcomi: settingFlags(comparison.compareToFlags(true, 0)),
  Fcomip: settingFlags(comparison.compareToFlags(true, 1)),
  Fucomi: settingFlags(comparison.compareToFlags(false, 0)),
  Fucomip: settingFlags(comparison.compareToFlags(false, 1)),
  Ftst: onStack(comparison.test),
  Fxam: onStack(comparison.examine),
};

const TRANSFER: Meanings = {
  Fild: loading(transfer.loadInteger),
  Fbld: loading(transfer.loadBcd),
  Fist: storing(transfer.storeInteger(false)),
  Fistp: storing(transfer.storeInteger(true)),
  Fisttp: storing(transfer.storeTruncated),
  Fbstp: storing(transfer.storeBcd),
  Fxch: onStack(transfer.exchange),
  Fstpnce: onStack(transfer.storeRegisterQuietly),
  Fcmovb: conditional(transfer.moveIf, 2),
  Fcmovnb: conditional(transfer.moveIf, 3),
  Fcmove: conditional(transfer.moveIf, 4),
  Fcmovne: conditional(transfer.moveIf, 5),
  Fcmovbe: conditional(transfer.moveIf, 6),
  Fcmovnbe: conditional(transfer.moveIf, 7),
  Fcmovu: conditional(transfer.moveIf, 10),
  Fcmovnu: conditional(transfer.moveIf, 11),
};

/** FLD, FST and FSTP by the place and width of their operand. */
const byOperand =
  (register: Meaning, narrow: Meaning, extended: Meaning): Meaning =>
  (ops, insn) =>
    (insn.memory === undefined ? register : insn.operands[0]!.width === 80 ? extended : narrow)(ops, insn);

const LOADS_AND_STORES: Meanings = {
  Fld: byOperand(onStack(transfer.loadRegister), loading(transfer.loadFloat), loading(transfer.loadExtended)),
  Fst: byOperand(onStack(transfer.storeRegister(false)), storing(transfer.storeFloat(false)), storing(transfer.storeExtended)),
  Fstp: byOperand(onStack(transfer.storeRegister(true)), storing(transfer.storeFloat(true)), storing(transfer.storeExtended)),
};

const CONSTANTS: Meanings = {
  Fld1: onStack(constants.ONE),
  Fldz: onStack(constants.ZERO),
  Fldl2t: onStack(constants.LOG2_TEN),
  Fldl2e: onStack(constants.LOG2_E),
  Fldpi: onStack(constants.PI),
  Fldlg2: onStack(constants.LOG10_TWO),
  Fldln2: onStack(constants.LN_TWO),
};

const ELEMENTARY: Meanings = {
  F2xm1: onStack(elementary.powerOfTwoLessOne),
  Fyl2x: onStack(elementary.logarithm),
  Fyl2xp1: onStack(elementary.logarithmNearOne),
  Fpatan: onStack(elementary.arctangent),
  Fsin: onStack(elementary.sine),
  Fcos: onStack(elementary.cosine),
  Fsincos: onStack(elementary.sineAndCosine),
  Fptan: onStack(elementary.tangent),
};

const CONTROL: Meanings = {
  Fninit: controlling(control.initialize, false),
  Fnclex: controlling(control.clearExceptions, false),
  Fldcw: controlling(control.loadControl, true),
  Fnstcw: storingWord(control.storeControl),
  Fnstsw: storingWord(control.storeStatus),
  Ffree: onStack(control.free),
  Ffreep: onStack(control.freeAndPop),
  Fincstp: onStack(control.turn(1)),
  Fdecstp: onStack(control.turn(-1)),
  Fnop: onStack(control.nothing),
  // Of coprocessors that are gone: they do nothing.
  ...all(['Fneni', 'Fndisi', 'Fnsetpm'], controlling(control.nothing, false)),
  Wait: wait,
};

export const X87_MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  Object.entries({
    ...{ ...ARITHMETIC, ...COMPARISON, ...TRANSFER, ...LOADS_AND_STORES },
    ...{ ...CONSTANTS, ...ELEMENTARY, ...CONTROL },
  }),
);
