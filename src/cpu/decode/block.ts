import type { CodeMode } from './codeMode.ts';
import type { Instruction } from './instruction.ts';

/**
 * A block: the instructions from one physical address up to and including the first branch or system operation, or up to the page end. An
 * instruction that crosses a page end is a block of its own. Blocks are architectural: every engine has the same ones.
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
}
