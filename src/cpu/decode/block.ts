import type { CodeMode } from './codeMode.ts';
import type { Instruction } from './instruction.ts';

/**
 * Most instructions of one block. Engines look at the clock and at events between blocks only, so this bounds how far a core can run past
 * its horizon; and a jump into data does not decode a whole page of it.
 */
export const MAX_BLOCK_INSTRUCTIONS = 64;

/**
 * A block: the instructions from one physical address up to and including the first branch or system operation, or up to the page end, or up to
 * MAX_BLOCK_INSTRUCTIONS. An instruction that crosses a page end is a block of its own. Blocks are architectural: every engine has the
 * same ones.
 */
export interface Block {
  /** Host-physical address of the first instruction. */
  readonly hpa: number;
  readonly mode: CodeMode;
  /** Host page number, and the page's version when it was decoded. */
  readonly page: number;
  readonly version: number;
  /** The page that holds the rest of an instruction that crosses the page end; -1 otherwise. */
  readonly secondPage: number;
  readonly secondVersion: number;
  /** Bytes of all instructions. */
  readonly length: number;
  readonly instructions: readonly Instruction[];
  /** What an engine that compiles keeps about it: how often it ran, and its compiled form. */
  heat: number;
  compiled: object | null;
}
