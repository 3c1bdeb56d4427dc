/** Logic on whole vectors. SDM: Vol. 1, "SSE Logical Instructions" and their like. */

import type { Width } from '../../decode/instruction.ts';
import type { Meaning } from '../meaning.ts';
import type { LaneOperation } from '../vectorOps.ts';
import { readVector, xmmOf } from './operands.ts';

/** An operation on all lanes of both operands. */
export const lanes =
  (operation: LaneOperation, width: Width): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    ops.writeXmm(xmmOf(insn, 0), ops.lanewise(operation, width, ops.readXmm(xmmOf(insn, 0)), source));
  };
