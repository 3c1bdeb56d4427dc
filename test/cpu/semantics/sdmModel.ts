/**
 * A second opinion: operations as the SDM's pseudo-code spells them, bit by bit on bigints, sharing nothing with the rules under test.
 * Flags come as an RFLAGS word; `known` masks those that the manual defines.
 */
export const CF = 1;
export const PF = 4;
export const AF = 0x10;
export const ZF = 0x40;
export const SF = 0x80;
export const OF = 0x800;
export const STATUS = CF | PF | AF | ZF | SF | OF;

export interface Computed {
  readonly value: bigint;
  readonly flags: number;
  readonly known: number;
}

const bit = (value: bigint, n: number): number => Number((value >> BigInt(n)) & 1n);

/** SF, ZF and PF of a result. */
export function resultFlags(width: number, value: bigint): number {
  let ones = 0;
  for (let i = 0; i < 8; i++) ones += bit(value, i);
  return (value === 0n ? ZF : 0) | (bit(value, width - 1) === 1 ? SF : 0) | (ones % 2 === 0 ? PF : 0);
}

/** A ripple-carry adder: carries are looked at where they occur. */
export function addWithCarry(width: number, a: bigint, b: bigint, carryIn: number): Computed {
  let carry = carryIn;
  let value = 0n;
  let halfCarry = 0;
  let carryIntoSign = 0;
  for (let i = 0; i < width; i++) {
    if (i === 4) halfCarry = carry;
    if (i === width - 1) carryIntoSign = carry;
    const sum = bit(a, i) + bit(b, i) + carry;
    value |= BigInt(sum & 1) << BigInt(i);
    carry = sum >> 1;
  }
  const flags = (carry ? CF : 0) | (halfCarry ? AF : 0) | (carry !== carryIntoSign ? OF : 0) | resultFlags(width, value);
  return { value, flags, known: STATUS };
}

/** Subtraction as addition of the complement; CF and AF are borrows, the opposite of carries. */
export function subtractWithBorrow(width: number, a: bigint, b: bigint, borrowIn: number): Computed {
  const complement = b ^ ((1n << BigInt(width)) - 1n);
  const sum = addWithCarry(width, a, complement, 1 - borrowIn);
  return { value: sum.value, flags: sum.flags ^ (CF | AF), known: STATUS };
}

export function logic(width: number, value: bigint): Computed {
  return { value, flags: resultFlags(width, value), known: STATUS & ~AF };
}

export type ShiftName = 'rol' | 'ror' | 'rcl' | 'rcr' | 'shl' | 'shr' | 'sar';

/** Shifts and rotations one bit per step. */
export function shift(name: ShiftName, width: number, operand: bigint, rawCount: number, flagsIn: number): Computed {
  const count = rawCount & (width === 64 ? 63 : 31);
  if (count === 0) return { value: operand, flags: flagsIn, known: STATUS };
  const top = BigInt(width - 1);
  const mask = (1n << BigInt(width)) - 1n;
  let value = operand;
  let carry = flagsIn & CF;
  for (let step = 0; step < count; step++) {
    const low = bit(value, 0);
    const high = bit(value, width - 1);
    const carryIn = BigInt(carry);
    switch (name) {
      case 'shl':
        value = (value << 1n) & mask;
        carry = high;
        break;
      case 'rol':
        value = ((value << 1n) & mask) | BigInt(high);
        carry = high;
        break;
      case 'rcl':
        value = ((value << 1n) & mask) | carryIn;
        carry = high;
        break;
      case 'shr':
        value >>= 1n;
        carry = low;
        break;
      case 'sar':
        value = (value >> 1n) | (BigInt(high) << top);
        carry = low;
        break;
      case 'ror':
        value = (value >> 1n) | (BigInt(low) << top);
        carry = low;
        break;
      case 'rcr':
        value = (value >> 1n) | (carryIn << top);
        carry = low;
        break;
    }
  }
  const left = name === 'shl' || name === 'rol' || name === 'rcl';
  const sign = bit(value, width - 1);
  let overflow = left ? sign ^ carry : sign ^ bit(value, width - 2);
  if (name === 'shr') overflow = bit(operand, width - 1);
  if (name === 'sar') overflow = 0;
  const shifts = name === 'shl' || name === 'shr' || name === 'sar';
  const others = shifts ? resultFlags(width, value) : flagsIn & (SF | ZF | PF | AF);
  let known = CF | (count === 1 ? OF : 0) | SF | ZF | PF | (shifts ? 0 : AF);
  // A logical shift by more than the width leaves CF undefined; rotations do not.
  if ((name === 'shl' || name === 'shr') && count >= width) known &= ~CF;
  return { value, flags: (carry ? CF : 0) | (overflow ? OF : 0) | others, known };
}

/** SHLD and SHRD one bit per step; counts up to the width. */
export function doubleShift(
  left: boolean,
  width: number,
  destination: bigint,
  source: bigint,
  rawCount: number,
  flagsIn: number,
): Computed {
  const count = rawCount & (width === 64 ? 63 : 31);
  if (count === 0) return { value: destination, flags: flagsIn, known: STATUS };
  const mask = (1n << BigInt(width)) - 1n;
  let value = destination;
  let other = source;
  let carry = 0;
  for (let step = 0; step < count; step++) {
    if (left) {
      carry = bit(value, width - 1);
      value = ((value << 1n) & mask) | BigInt(bit(other, width - 1));
      other = (other << 1n) & mask;
    } else {
      carry = bit(value, 0);
      value = (value >> 1n) | (BigInt(bit(other, 0)) << BigInt(width - 1));
      other >>= 1n;
    }
  }
  const overflow = bit(value, width - 1) !== bit(destination, width - 1);
  const flags = (carry ? CF : 0) | (overflow ? OF : 0) | resultFlags(width, value);
  return { value, flags, known: STATUS & ~AF & ~(count === 1 ? 0 : OF) };
}

/** The sixteen conditions, as the table of condition codes lists them. */
export const CONDITION_HOLDS: readonly ((flags: number) => boolean)[] = [
  (f) => (f & OF) !== 0,
  (f) => (f & OF) === 0,
  (f) => (f & CF) !== 0,
  (f) => (f & CF) === 0,
  (f) => (f & ZF) !== 0,
  (f) => (f & ZF) === 0,
  (f) => (f & (CF | ZF)) !== 0,
  (f) => (f & (CF | ZF)) === 0,
  (f) => (f & SF) !== 0,
  (f) => (f & SF) === 0,
  (f) => (f & PF) !== 0,
  (f) => (f & PF) === 0,
  (f) => ((f & SF) !== 0) !== ((f & OF) !== 0),
  (f) => ((f & SF) !== 0) === ((f & OF) !== 0),
  (f) => (f & ZF) !== 0 || ((f & SF) !== 0) !== ((f & OF) !== 0),
  (f) => (f & ZF) === 0 && ((f & SF) !== 0) === ((f & OF) !== 0),
];
