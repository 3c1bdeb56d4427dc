/** Loads, stores and moves within the register stack. SDM: Vol. 1, "Data Transfer Instructions" (x87 FPU). */
import { ROUND_TO_ZERO } from '../../../arch/mxcsr.ts';
import { X87_C1 } from '../../../arch/x87.ts';
import { fromInteger, INDEFINITE } from '../../x87/extended.ts';
import { fromBcd, fromNarrow, loaded, toBcd, toInteger, toNarrow } from '../../x87/narrowFormats.ts';
import type { X87Unit } from '../../x87/x87Unit.ts';
import { X87_NOTHING, type X87Step } from '../x87Ops.ts';

/** FLD of a single or a double. */
export const loadFloat: X87Step = (unit, insn, operand) => {
  unit.begin();
  unit.pushResult(() => loaded(unit.float, fromNarrow(unit.float, insn.operands[0]!.width as 32 | 64, operand)));
  return 0n;
};

/** FLD of an extended number: any 80 bits. */
export const loadExtended: X87Step = (unit, _insn, operand) => {
  unit.begin();
  unit.pushResult(() => operand);
  return 0n;
};

/** FILD. */
export const loadInteger: X87Step = (unit, insn, operand) => {
  unit.begin();
  unit.pushResult(() => fromInteger(BigInt.asIntN(insn.operands[0]!.width, operand)));
  return 0n;
};

/** FBLD. */
export const loadBcd: X87Step = (unit, _insn, operand) => {
  unit.begin();
  unit.pushResult(() => fromBcd(operand));
  return 0n;
};

/** FLD of a register. */
export const loadRegister: X87Step = (unit, insn) => {
  unit.begin();
  const from = insn.operands[0]!.register;
  if (unit.isEmpty(from)) {
    if (unit.stackFault(false)) unit.push(INDEFINITE);
  } else if (!unit.isEmpty(7)) {
    if (unit.stackFault(true)) unit.push(INDEFINITE);
  } else {
    unit.push(unit.read(from));
  }
  return 0n;
};

/** FST and FSTP to a register. */
export const storeRegister =
  (pops: boolean): X87Step =>
  (unit, insn) => {
    const to = insn.operands[0]!.register;
    unit.begin();
    if (unit.isEmpty(0)) unit.underflow(to, pops);
    else unit.replace(to, unit.read(0), pops);
    return 0n;
  };

/** FSTPNCE, an encoding of FSTP that no manual names: an empty register is popped without a word. */
export const storeRegisterQuietly: X87Step = (unit, insn) => {
  unit.change(X87_C1, 0);
  if (!unit.isEmpty(0)) unit.write(insn.operands[0]!.register, unit.read(0));
  unit.pop();
  return 0n;
};

/** ST(0) in another form, for memory. @param empty what stands for an empty register. */
const store =
  (empty: (width: number) => bigint, convert: (unit: X87Unit, width: number, value: bigint) => bigint, pops: boolean): X87Step =>
  (unit, insn) => {
    const { width } = insn.operands[0]!;
    unit.begin();
    let result: bigint;
    if (unit.isEmpty(0)) {
      if (!unit.stackFault(false)) return X87_NOTHING;
      result = empty(width);
    } else {
      result = convert(unit, width, unit.read(0));
      if (!unit.acceptStore()) return X87_NOTHING;
    }
    if (pops) unit.pop();
    return result;
  };

const indefiniteFloat = (width: number): bigint => (width === 32 ? 0xffc0_0000n : 0xfff8_0000_0000_0000n);
const indefiniteInteger = (width: number): bigint => 1n << BigInt(width - 1);

/** FST and FSTP to a single or a double. */
export const storeFloat = (pops: boolean): X87Step =>
  store(indefiniteFloat, (unit, width, value) => toNarrow(unit.float, width as 32 | 64, value), pops);

/** FSTP of all 80 bits. */
export const storeExtended = store(
  () => INDEFINITE,
  (_unit, _width, value) => value,
  true,
);

/** FIST and FISTP. */
export const storeInteger = (pops: boolean): X87Step =>
  store(indefiniteInteger, (unit, width, value) => toInteger(unit.float, width, value), pops);

/** FISTTP: rounded toward zero, whatever the rounding control. */
export const storeTruncated = store(indefiniteInteger, (unit, width, value) => toInteger(unit.float, width, value, ROUND_TO_ZERO), true);

/** FBSTP. */
export const storeBcd = store(
  () => 0xffff_c000_0000_0000_0000n,
  (unit, _width, value) => toBcd(unit.float, value),
  true,
);

/** FXCH. */
export const exchange: X87Step = (unit, insn) => {
  const other = insn.operands[1]!.register;
  unit.begin();
  if (unit.isEmpty(0) || unit.isEmpty(other)) {
    if (!unit.stackFault(false)) return 0n;
    for (const i of [0, other]) if (unit.isEmpty(i)) unit.write(i, INDEFINITE);
  }
  const [a, b] = [unit.read(0), unit.read(other)];
  unit.write(0, b);
  unit.write(other, a);
  return 0n;
};

/** FCMOVcc: `operand` tells whether the condition holds. */
export const moveIf: X87Step = (unit, insn, operand) => {
  const from = insn.operands[1]!.register;
  if (unit.isEmpty(0) || unit.isEmpty(from)) {
    unit.underflow(0);
  } else if (operand !== 0n) {
    unit.write(0, unit.read(from));
  }
  return 0n;
};
