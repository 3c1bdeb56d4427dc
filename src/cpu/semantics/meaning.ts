import type { Instruction } from '../decode/instruction.ts';
import type { Ops, Value } from './ops.ts';

/** What an instruction does, once for every engine. Instruction facts are ordinary data; values are opaque. */
export type Meaning = (ops: Ops<Value>, insn: Instruction) => void;
