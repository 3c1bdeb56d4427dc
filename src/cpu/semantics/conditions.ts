/** Condition codes. SDM: Vol. 1, "EFLAGS Condition Codes". */
import { CF, notTruth, OF, PF, SF, ZF } from './flags.ts';
import type { Ops, Value } from './ops.ts';

/** 1 when condition code 0–15 holds (O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G). */
export function conditionHolds(ops: Ops<Value>, condition: number): Value {
  const positive = positiveCondition(ops, condition >> 1);
  return condition & 1 ? notTruth(ops, positive) : positive;
}

function positiveCondition(ops: Ops<Value>, pair: number): Value {
  switch (pair) {
    case 0:
      return ops.readFlag(OF);
    case 1:
      return ops.readFlag(CF);
    case 2:
      return ops.readFlag(ZF);
    case 3:
      return ops.or(8, ops.readFlag(CF), ops.readFlag(ZF));
    case 4:
      return ops.readFlag(SF);
    case 5:
      return ops.readFlag(PF);
    case 6:
      return ops.xor(8, ops.readFlag(SF), ops.readFlag(OF));
    default:
      return ops.or(8, ops.readFlag(ZF), ops.xor(8, ops.readFlag(SF), ops.readFlag(OF)));
  }
}
