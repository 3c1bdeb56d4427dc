/** Arithmetic on the register stack. SDM: Vol. 1, "Basic Arithmetic Instructions". */
import { X87_C0, X87_C1, X87_C2, X87_C3 } from '../../../arch/x87.ts';
import { type Instruction, OPERAND_MEMORY } from '../../decode/instruction.ts';
import { fromInteger, INDEFINITE, signOf } from '../../x87/extended.ts';
import type { ExtendedArithmetic } from '../../x87/extendedArithmetic.ts';
import { fromNarrow } from '../../x87/narrowFormats.ts';
import type { X87Step } from '../x87Ops.ts';

/** A result of the destination and the source. */
export type BinaryOperation = (float: ExtendedArithmetic, a: bigint, b: bigint) => bigint;

export const ADD: BinaryOperation = (float, a, b) => float.add(a, b);
export const SUBTRACT: BinaryOperation = (float, a, b) => float.add(a, b, true);
export const SUBTRACT_REVERSED: BinaryOperation = (float, a, b) => float.add(b, a, true);
export const MULTIPLY: BinaryOperation = (float, a, b) => float.multiply(a, b);
export const DIVIDE: BinaryOperation = (float, a, b) => float.divide(a, b);
export const DIVIDE_REVERSED: BinaryOperation = (float, a, b) => float.divide(b, a);

/** A loaded operand as an extended number, by how it lies in memory. */
export type Conversion = (float: ExtendedArithmetic, insn: Instruction, bits: bigint) => bigint;
export const FROM_FLOAT: Conversion = (float, insn, bits) => fromNarrow(float, insn.operands[0]!.width as 32 | 64, bits);
export const FROM_INTEGER: Conversion = (_float, insn, bits) => fromInteger(BigInt.asIntN(insn.operands[0]!.width, bits));

/** FADD to FDIVR: the destination with a register or with what was loaded. @param pops as FADDP to FDIVRP do. */
export const binary =
  (operation: BinaryOperation, conversion: Conversion, pops: boolean): X87Step =>
  (unit, insn, operand) => {
    const [first, second] = insn.operands;
    const memory = first!.kind === OPERAND_MEMORY;
    const [destination, source] = memory ? [0, 0] : [first!.register, second!.register];
    unit.begin();
    if (unit.isEmpty(destination) || unit.isEmpty(source)) unit.underflow(destination, pops);
    else {
      const b = memory ? conversion(unit.float, insn, operand) : unit.read(source);
      unit.replace(destination, operation(unit.float, unit.read(destination), b), pops);
    }
    return 0n;
  };

/** An operation on ST(0). */
export const unary =
  (operation: (float: ExtendedArithmetic, a: bigint) => bigint): X87Step =>
  (unit) => {
    unit.begin();
    if (unit.isEmpty(0)) unit.underflow(0);
    else unit.replace(0, operation(unit.float, unit.read(0)));
    return 0n;
  };

export const SQUARE_ROOT = unary((float, a) => float.squareRoot(a));
export const ROUND_TO_INTEGRAL = unary((float, a) => float.roundToIntegral(a));
export const CHANGE_SIGN = unary((_float, a) => a ^ signOf(true));
export const ABSOLUTE = unary((_float, a) => a & ~signOf(true));

/** FSCALE. */
export const scale: X87Step = (unit) => {
  unit.begin();
  if (unit.isEmpty(0) || unit.isEmpty(1)) unit.underflow(0);
  else unit.replace(0, unit.float.scale(unit.read(0), unit.read(1)));
  return 0n;
};

/** FXTRACT: the exponent in place of the number, and its significand on top. */
export const extract: X87Step = (unit) => {
  unit.begin();
  const [empty, full] = [unit.isEmpty(0), !unit.isEmpty(7)];
  if (empty || full) {
    if (!unit.stackFault(!empty)) return 0n;
    unit.write(0, INDEFINITE);
    unit.push(INDEFINITE);
    return 0n;
  }
  const [exponent, significand] = unit.float.extract(unit.read(0));
  if (!unit.accept()) return 0n;
  unit.write(0, exponent);
  unit.push(significand);
  return 0n;
};

/** FPREM, FPREM1: C2 tells that the remainder is partial; C0, C3, C1 are bits 2, 1 and 0 of the quotient. */
export const remainder =
  (nearest: boolean): X87Step =>
  (unit) => {
    unit.begin();
    unit.change(X87_C2, 0);
    if (unit.isEmpty(0) || unit.isEmpty(1)) {
      unit.underflow(0);
      return 0n;
    }
    const { bits, quotient } = unit.float.remainder(unit.read(0), unit.read(1), nearest);
    unit.float.up = false;
    if (!unit.accept()) return 0n;
    unit.write(0, bits);
    if (quotient === undefined) return 0n;
    const codes =
      quotient < 0
        ? X87_C2
        : ((quotient & 4) !== 0 ? X87_C0 : 0) | ((quotient & 2) !== 0 ? X87_C3 : 0) | ((quotient & 1) !== 0 ? X87_C1 : 0);
    unit.change(X87_C0 | X87_C1 | X87_C2 | X87_C3, codes);
    return 0n;
  };
