import type { Core } from './core.ts';
import type { Instruction } from './decode/instruction.ts';

/**
 * A long operation: plain TypeScript that every engine calls as the last instruction of a block, with registers, flags and RIP (of this
 * instruction) in the state. It moves RIP itself: `core.retire(insn)` past the instruction, or elsewhere. Faults are thrown (`core.raise…`).
 */
export type Operation = (core: Core, insn: Instruction) => void;
