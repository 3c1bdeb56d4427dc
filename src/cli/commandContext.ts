import type { Library } from './library.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly loadLibrary: () => Promise<Library>;
  /** To be called once, with the status that the process is to exit with. */
  readonly finish: (status: number) => void;
}
