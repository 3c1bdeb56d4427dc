/**
 * How status flags follow from operations. SDM: Vol. 1, "Status Flags"; Vol. 2, "Flags Affected" of each instruction.
 *
 * Flags that the SDM calls undefined follow the same formula as the defined case where that is what processors do, and otherwise
 * keep their value.
 */
import { RFLAGS_CF, RFLAGS_OF, RFLAGS_PF, RFLAGS_SF, RFLAGS_STATUS, RFLAGS_ZF } from '../../arch/rflags.ts';
import type { Width } from '../decode/instruction.ts';
import type { FlagBit, FlagRule, Ops, Value } from './ops.ts';

/** Bit numbers of the status flags and of DF. */
export const CF = 0;
export const PF = 2;
export const AF = 4;
export const ZF = 6;
export const SF = 7;
export const DF = 10;
export const OF = 11;

/** 0 to 64 as constants: making a bigint from a number costs more than most operations. */
const COUNTS: readonly bigint[] = Array.from({ length: 65 }, (_, n) => BigInt(n));

/** Bit `n` of a value, as 0 or 1. */
export function bitAt(ops: Ops<Value>, width: Width, value: Value, n: number): Value {
  const moved = n === 0 ? value : ops.shiftRight(width, value, ops.constant(width, COUNTS[n]!));
  return n === width - 1 ? moved : ops.and(width, moved, ops.constant(width, 1n));
}

/** The sign bit of a value, as 0 or 1. */
export const signBit = (ops: Ops<Value>, width: Width, value: Value): Value => bitAt(ops, width, value, width - 1);

/** 1 when the value is 0. */
export const isZero = (ops: Ops<Value>, width: Width, value: Value): Value => ops.equal(width, value, ops.constant(width, 0n));

/** 1 for a truth value of 0, and the reverse. */
export const notTruth = (ops: Ops<Value>, truth: Value): Value => ops.xor(8, truth, ops.constant(8, 1n));

/** PF: 1 when the low byte has an even number of set bits. */
function parity(ops: Ops<Value>, width: Width, r: Value): Value {
  const low = width === 8 ? r : ops.truncate(width, 8, r);
  return notTruth(ops, bitAt(ops, 8, ops.popCount(8, low), 0));
}

/** SF, ZF and PF of a result. */
function ofResult(bit: FlagBit, ops: Ops<Value>, width: Width, r: Value): Value {
  if (bit === ZF) return isZero(ops, width, r);
  if (bit === SF) return signBit(ops, width, r);
  return parity(ops, width, r);
}

/** The carry out of every bit of r = a + b (+ carry). */
function carries(ops: Ops<Value>, width: Width, a: Value, b: Value, r: Value): Value {
  return ops.or(width, ops.and(width, a, b), ops.and(width, ops.or(width, a, b), ops.not(width, r)));
}

/** The borrow into every bit above of r = a - b (- borrow). */
function borrows(ops: Ops<Value>, width: Width, a: Value, b: Value, r: Value): Value {
  const notA = ops.not(width, a);
  return ops.or(width, ops.and(width, notA, b), ops.and(width, ops.or(width, notA, b), r));
}

function addition(ops: Ops<Value>, bit: FlagBit, width: Width, a: Value, b: Value, r: Value): Value {
  if (bit === CF) return signBit(ops, width, carries(ops, width, a, b, r));
  if (bit === OF) return signBit(ops, width, ops.and(width, ops.xor(width, a, r), ops.xor(width, b, r)));
  if (bit === AF) return bitAt(ops, width, ops.xor(width, ops.xor(width, a, b), r), 4);
  return ofResult(bit, ops, width, r);
}

function subtraction(ops: Ops<Value>, bit: FlagBit, width: Width, a: Value, b: Value, r: Value): Value {
  if (bit === CF) return signBit(ops, width, borrows(ops, width, a, b, r));
  if (bit === OF) return signBit(ops, width, ops.and(width, ops.xor(width, a, b), ops.xor(width, a, r)));
  if (bit === AF) return bitAt(ops, width, ops.xor(width, ops.xor(width, a, b), r), 4);
  return ofResult(bit, ops, width, r);
}

/** OF of a right shift or rotation: the two top bits of the result differ. */
function topBitsDiffer(ops: Ops<Value>, width: Width, r: Value): Value {
  return ops.xor(width, signBit(ops, width, r), bitAt(ops, width, r, width - 2));
}

const RESULT = RFLAGS_SF | RFLAGS_ZF | RFLAGS_PF;
const CARRY_OVERFLOW = RFLAGS_CF | RFLAGS_OF;

let ids = 0;
const rule = (name: string, mask: number, flag: FlagRule['flag'], condition?: FlagRule['condition']): FlagRule => ({
  name,
  id: ids++,
  mask,
  flag,
  ...(condition === undefined ? {} : { condition }),
});

/** Pairs of condition codes that compare: B, E, BE, L, LE. */
const PAIR_B = 1;
const PAIR_E = 2;
const PAIR_BE = 3;
const PAIR_L = 6;
const PAIR_LE = 7;

/** r = a + b. */
export const FLAGS_ADD = rule('add', RFLAGS_STATUS, addition, (ops, pair, width, a, _b, r) =>
  pair === PAIR_B ? ops.lessUnsigned(width, r, a) : undefined,
);
/** r = a + b + carry. */
export const FLAGS_ADC = rule('adc', RFLAGS_STATUS, addition);
/** r = a - b: the conditions compare a with b. */
export const FLAGS_SUB = rule('sub', RFLAGS_STATUS, subtraction, (ops, pair, width, a, b) => {
  if (pair === PAIR_B) return ops.lessUnsigned(width, a, b);
  if (pair === PAIR_E) return ops.equal(width, a, b);
  if (pair === PAIR_BE) return notTruth(ops, ops.lessUnsigned(width, b, a));
  if (pair === PAIR_L) return ops.lessSigned(width, a, b);
  if (pair === PAIR_LE) return notTruth(ops, ops.lessSigned(width, b, a));
  return undefined;
});
/** r = a - b - borrow. */
export const FLAGS_SBB = rule('sbb', RFLAGS_STATUS, subtraction);
/** As `add` and `sub`, keeping CF. */
export const FLAGS_INC = rule('inc', RFLAGS_STATUS & ~RFLAGS_CF, addition);
export const FLAGS_DEC = rule('dec', RFLAGS_STATUS & ~RFLAGS_CF, subtraction);
/** AND, OR, XOR, TEST: CF = OF = 0; AF, undefined, is 0. */
export const FLAGS_LOGIC = rule(
  'logic',
  RFLAGS_STATUS,
  (ops, bit, width, _a, _b, r) => (bit === CF || bit === OF || bit === AF ? ops.constant(width, 0n) : ofResult(bit, ops, width, r)),
  (ops, pair, width, _a, _b, r) => {
    if (pair === PAIR_BE) return isZero(ops, width, r);
    if (pair === PAIR_L) return signBit(ops, width, r);
    if (pair === PAIR_LE) return notTruth(ops, ops.lessSigned(width, ops.constant(width, 0n), r));
    return undefined;
  },
);
/** SF, ZF and PF of r. */
export const FLAGS_RESULT = rule('result', RESULT, (ops, bit, width, _a, _b, r) => ofResult(bit, ops, width, r));

/** MUL: CF = OF = the upper half of a × b counts. The others are undefined and keep their values. */
export const FLAGS_MUL = rule('mul', CARRY_OVERFLOW, (ops, _bit, width, a, b) =>
  notTruth(ops, isZero(ops, width, ops.mulHighUnsigned(width, a, b))),
);
/** IMUL: CF = OF = the signed product a × b does not fit its lower half r. */
export const FLAGS_IMUL = rule('imul', CARRY_OVERFLOW, (ops, _bit, width, a, b, r) => {
  const sign = ops.shiftRightSigned(width, r, ops.constant(width, COUNTS[width - 1]!));
  return notTruth(ops, ops.equal(width, ops.mulHighSigned(width, a, b), sign));
});

/** SHL of a by b (not 0). AF, undefined, keeps its value. */
export const FLAGS_SHL = rule('shl', RESULT | CARRY_OVERFLOW, (ops, bit, width, a, b, r) => {
  if (bit !== CF && bit !== OF) return ofResult(bit, ops, width, r);
  const out = ops.shiftRight(width, a, ops.sub(width, ops.constant(width, COUNTS[width]!), b));
  const carry = ops.and(width, out, ops.constant(width, 1n));
  return bit === CF ? carry : ops.xor(width, carry, signBit(ops, width, r));
});
/** SHR of a by b (not 0). */
export const FLAGS_SHR = rule('shr', RESULT | CARRY_OVERFLOW, (ops, bit, width, a, b, r) => {
  if (bit === CF) return bitAt(ops, width, ops.shiftRight(width, a, ops.sub(width, b, ops.constant(width, 1n))), 0);
  if (bit === OF) return topBitsDiffer(ops, width, r);
  return ofResult(bit, ops, width, r);
});
/** SAR of a by b (not 0). */
export const FLAGS_SAR = rule('sar', RESULT | CARRY_OVERFLOW, (ops, bit, width, a, b, r) => {
  if (bit === CF) return bitAt(ops, width, ops.shiftRightSigned(width, a, ops.sub(width, b, ops.constant(width, 1n))), 0);
  if (bit === OF) return ops.constant(width, 0n);
  return ofResult(bit, ops, width, r);
});
/** Rotation left with result r; a = the carry out (0 or 1). */
export const FLAGS_ROTATE_LEFT = rule('rotate-left', CARRY_OVERFLOW, (ops, bit, width, a, _b, r) =>
  bit === CF ? a : ops.xor(width, a, signBit(ops, width, r)),
);
/** Rotation right with result r; a = the carry out (0 or 1). */
export const FLAGS_ROTATE_RIGHT = rule('rotate-right', CARRY_OVERFLOW, (ops, bit, width, a, _b, r) =>
  bit === CF ? a : topBitsDiffer(ops, width, r),
);
/** SHLD and SHRD: a = the carry out, b = the old destination; OF tells a change of sign. */
export const FLAGS_DOUBLE_SHIFT = rule('double-shift', RESULT | CARRY_OVERFLOW, (ops, bit, width, a, b, r) => {
  if (bit === CF) return a;
  if (bit === OF) return signBit(ops, width, ops.xor(width, b, r));
  return ofResult(bit, ops, width, r);
});

/** BT family: CF = a. The others are undefined (ZF is not) and keep their values. */
export const FLAGS_CARRY = rule('carry', RFLAGS_CF, (_ops, _bit, _width, a) => a);
/** ZF tells r = 0. */
export const FLAGS_ZERO = rule('zero', RFLAGS_ZF, (ops, _bit, width, _a, _b, r) => isZero(ops, width, r));
/** TZCNT and LZCNT: CF tells a = 0, ZF r = 0. */
export const FLAGS_COUNT = rule('count', RFLAGS_CF | RFLAGS_ZF, (ops, bit, width, a, _b, r) => isZero(ops, width, bit === CF ? a : r));
/** POPCNT: ZF tells r = 0, the other flags are clear. */
export const FLAGS_POPCNT = rule('popcnt', RFLAGS_STATUS, (ops, bit, width, _a, _b, r) =>
  bit === ZF ? isZero(ops, width, r) : ops.constant(width, 0n),
);
/** BMI1 and BMI2 with a carry: CF = a, OF = 0, ZF and SF from r. */
export const FLAGS_BIT_FIELD = rule('bit-field', RFLAGS_CF | RFLAGS_OF | RFLAGS_ZF | RFLAGS_SF, (ops, bit, width, a, _b, r) => {
  if (bit === CF) return a;
  if (bit === OF) return ops.constant(width, 0n);
  return ofResult(bit, ops, width, r);
});

/** All rules, by id. */
export const FLAG_RULES: readonly FlagRule[] = [
  FLAGS_ADD,
  FLAGS_ADC,
  FLAGS_SUB,
  FLAGS_SBB,
  FLAGS_INC,
  FLAGS_DEC,
  FLAGS_LOGIC,
  FLAGS_RESULT,
  FLAGS_MUL,
  FLAGS_IMUL,
  FLAGS_SHL,
  FLAGS_SHR,
  FLAGS_SAR,
  FLAGS_ROTATE_LEFT,
  FLAGS_ROTATE_RIGHT,
  FLAGS_DOUBLE_SHIFT,
  FLAGS_CARRY,
  FLAGS_ZERO,
  FLAGS_COUNT,
  FLAGS_POPCNT,
  FLAGS_BIT_FIELD,
];
