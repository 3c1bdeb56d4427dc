/** Condition codes. SDM: Vol. 1, "EFLAGS Condition Codes". */
import { RFLAGS_CF, RFLAGS_OF, RFLAGS_PF, RFLAGS_SF, RFLAGS_ZF } from '../../arch/rflags.ts';
import { CF, notTruth, OF, PF, SF, ZF } from './flags.ts';
import type { FlagBit, Ops, Value } from './ops.ts';

/** By number of the pair (O, B, E, BE, S, P, L, LE): the flags that it depends on. */
const FLAGS_OF_PAIRS: readonly number[] = [
  RFLAGS_OF,
  RFLAGS_CF,
  RFLAGS_ZF,
  RFLAGS_CF | RFLAGS_ZF,
  RFLAGS_SF,
  RFLAGS_PF,
  RFLAGS_SF | RFLAGS_OF,
  RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF,
];

/** RFLAGS mask of the flags that condition code 0–15 depends on. */
export const conditionFlags = (condition: number): number => FLAGS_OF_PAIRS[condition >> 1]!;

/**
 * 1 when condition code 0–15 holds (O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G), from the flags one by one. Engines answer
 * `Ops.readCondition` with this, or with something equal and shorter.
 */
export function conditionOfFlags(ops: Ops<Value>, condition: number, flag: (bit: FlagBit) => Value): Value {
  const positive = positiveCondition(ops, condition >> 1, flag);
  return condition & 1 ? notTruth(ops, positive) : positive;
}

function positiveCondition(ops: Ops<Value>, pair: number, flag: (bit: FlagBit) => Value): Value {
  switch (pair) {
    case 0:
      return flag(OF);
    case 1:
      return flag(CF);
    case 2:
      return flag(ZF);
    case 3:
      return ops.or(8, flag(CF), flag(ZF));
    case 4:
      return flag(SF);
    case 5:
      return flag(PF);
    case 6:
      return ops.xor(8, flag(SF), flag(OF));
    default:
      return ops.or(8, flag(ZF), ops.xor(8, flag(SF), flag(OF)));
  }
}
