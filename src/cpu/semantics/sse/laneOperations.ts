/** What happens to lanes: the definitions that packed instructions are made of. SDM: Vol. 1, "Packed Integer Instructions" and others. */
import type { Width } from '../../decode/instruction.ts';
import type { Ops, Value } from '../ops.ts';
import type { LaneOperation } from '../vectorOps.ts';

type Definition = LaneOperation['lane'];
const operation = (name: string, lane: Definition): LaneOperation => ({ name, lane });

/** The value with all bits equal to a truth value. */
const spread = (ops: Ops<Value>, width: Width, truth: Value): Value => ops.negate(width, truth);

export const LANE_AND = operation('and', (ops, width, a, b) => ops.and(width, a, b));
/** NOT a AND b, in the order of PANDN. */
export const LANE_AND_NOT = operation('andNot', (ops, width, a, b) => ops.and(width, ops.not(width, a), b));
export const LANE_OR = operation('or', (ops, width, a, b) => ops.or(width, a, b));
export const LANE_XOR = operation('xor', (ops, width, a, b) => ops.xor(width, a, b));
export const LANE_ADD = operation('add', (ops, width, a, b) => ops.add(width, a, b));
export const LANE_SUBTRACT = operation('subtract', (ops, width, a, b) => ops.sub(width, a, b));
export const LANE_EQUAL = operation('equal', (ops, width, a, b) => spread(ops, width, ops.equal(width, a, b)));
export const LANE_GREATER_SIGNED = operation('greaterSigned', (ops, width, a, b) => spread(ops, width, ops.lessSigned(width, b, a)));
