/** The unit itself: control word, status word, stack pointer. SDM: Vol. 1, "x87 FPU Control Instructions". */
import { X87_BUSY, X87_C1, X87_CONTROL_DEFINED, X87_CONTROL_FIXED, X87_ES, X87_EXCEPTIONS, X87_SF, X87_TOP } from '../../../arch/x87.ts';
import type { X87Step } from '../x87Ops.ts';

/** FNINIT. */
export const initialize: X87Step = (unit) => {
  unit.initialize();
  return 0n;
};

/** FNCLEX. */
export const clearExceptions: X87Step = (unit) => {
  unit.change(X87_EXCEPTIONS | X87_SF | X87_ES | X87_BUSY, 0);
  return 0n;
};

/** FLDCW: exceptions that it unmasks are pending from then on. */
export const loadControl: X87Step = (unit, _insn, operand) => {
  unit.control = (Number(operand) & X87_CONTROL_DEFINED) | X87_CONTROL_FIXED;
  return 0n;
};

/** FNSTCW. */
export const storeControl: X87Step = (unit) => BigInt(unit.control);

/** FNSTSW. */
export const storeStatus: X87Step = (unit) => BigInt(unit.status);

/** FFREE. */
export const free: X87Step = (unit, insn) => {
  unit.change(X87_C1, 0);
  unit.free(insn.operands[0]!.register);
  return 0n;
};

/** FFREEP, which no manual but the processors know: and TOP moves on. */
export const freeAndPop: X87Step = (unit, insn, operand) => {
  free(unit, insn, operand);
  unit.pop();
  return 0n;
};

/** FINCSTP and FDECSTP: registers stay as they are. */
export const turn =
  (by: 1 | -1): X87Step =>
  (unit) => {
    unit.change(X87_C1, 0);
    unit.turn(by);
    return 0n;
  };

/** FNOP. */
export const nothing: X87Step = () => 0n;

/** EMMS: every register is empty. SDM: Vol. 3, "Effect of MMX Instructions on X87 FPU State". */
export const emptyAll: X87Step = (unit) => {
  unit.change(X87_TOP, 0);
  unit.emptyAll();
  return 0n;
};
