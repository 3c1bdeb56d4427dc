import type { Core } from '../core.ts';

/**
 * An engine executes blocks. Blocks are architectural (they end at a branch, a system operation or a page end), and every engine looks
 * at the clock and at `core.attention` between blocks only: so all engines stop at the same instruction.
 */
export interface Engine {
  readonly name: string;
  /**
   * Executes at least one block, then more until `state.clock[0] >= core.horizon` or `core.attention` is set. With `core.singleStep` set, executes
   * exactly one instruction. On return the whole state is in the state block.
   */
  run(core: Core): void;
  /**
   * What the engine has done so far, for benchmarks: counts and milliseconds by name, among them `blocks` (executed), and where they exist
   * `compiledModules`, `compileMilliseconds`, `slowAccesses`. No influence on runs, and no part of results.
   */
  statistics?(): Readonly<Record<string, number>>;
}
