/** Comparison and examination. SDM: Vol. 1, "Comparison and Classification Instructions". */
import { RFLAGS_CF, RFLAGS_PF, RFLAGS_ZF } from '../../../arch/rflags.ts';
import { X87_C0, X87_C1, X87_C2, X87_C3 } from '../../../arch/x87.ts';
import { type Instruction, OPERAND_MEMORY } from '../../decode/instruction.ts';
import { unpackExtended } from '../../x87/extended.ts';
import type { Ordering } from '../../x87/extendedArithmetic.ts';
import type { X87Unit } from '../../x87/x87Unit.ts';
import { X87_NOTHING, type X87Step } from '../x87Ops.ts';
import type { Conversion } from './arithmetic.ts';

const CODES = X87_C0 | X87_C2 | X87_C3;
const CODES_OF: Readonly<Record<Ordering, number>> = { greater: 0, less: X87_C0, equal: X87_C3, unordered: CODES };
const FLAGS_OF: Readonly<Record<Ordering, number>> = {
  greater: 0,
  less: RFLAGS_CF,
  equal: RFLAGS_ZF,
  unordered: RFLAGS_ZF | RFLAGS_PF | RFLAGS_CF,
};

/** The outcome, exceptions signalled; undefined when an unmasked one hides it. */
function outcome(unit: X87Unit, empty: boolean, compare: () => Ordering): Ordering | undefined {
  unit.begin();
  if (empty) return unit.stackFault(false) ? 'unordered' : undefined;
  const order = compare();
  return unit.accept() ? order : undefined;
}

const pop = (unit: X87Unit, pops: number): void => {
  for (let i = 0; i < pops; i++) unit.pop();
};

/** The register that ST(0) is compared with: the second operand, or ST(1) when none is named. */
const otherOf = (insn: Instruction): number => insn.operands[1]?.register ?? 1;

/** FCOM and FUCOM with their kind: to the condition codes. @param pops how many registers leave the stack. */
export const compare =
  (signalling: boolean, pops: number, conversion?: Conversion): X87Step =>
  (unit, insn, operand) => {
    const memory = insn.operands[0]?.kind === OPERAND_MEMORY;
    const other = memory ? 0 : otherOf(insn);
    const order = outcome(unit, unit.isEmpty(0) || unit.isEmpty(other), () =>
      unit.float.compare(unit.read(0), memory ? conversion!(unit.float, insn, operand) : unit.read(other), signalling),
    );
    if (order === undefined) return 0n;
    unit.change(CODES, CODES_OF[order]);
    pop(unit, pops);
    return 0n;
  };

/** FCOMI and FUCOMI with their kind: the result is the status flags, at their places in RFLAGS. */
export const compareToFlags =
  (signalling: boolean, pops: number): X87Step =>
  (unit, insn) => {
    const other = otherOf(insn);
    const order = outcome(unit, unit.isEmpty(0) || unit.isEmpty(other), () =>
      unit.float.compare(unit.read(0), unit.read(other), signalling),
    );
    if (order === undefined) return X87_NOTHING;
    pop(unit, pops);
    return BigInt(FLAGS_OF[order]);
  };

/** FTST: with +0. */
export const test: X87Step = (unit) => {
  const order = outcome(unit, unit.isEmpty(0), () => unit.float.compare(unit.read(0), 0n, true));
  if (order !== undefined) unit.change(CODES, CODES_OF[order]);
  return 0n;
};

const CLASS_CODES = { unsupported: 0, nan: X87_C0, finite: X87_C2, infinity: X87_C2 | X87_C0, zero: X87_C3 } as const;

/** FXAM: sign in C1, even of an empty register; class in the others. */
export const examine: X87Step = (unit) => {
  const x = unpackExtended(unit.read(0));
  const kind = unit.isEmpty(0) ? X87_C3 | X87_C0 : x.denormal ? X87_C3 | X87_C2 : CLASS_CODES[x.kind];
  unit.change(CODES | X87_C1, kind | (x.negative ? X87_C1 : 0));
  return 0n;
};
