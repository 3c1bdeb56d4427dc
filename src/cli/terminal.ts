import type { ChalkInstance } from 'chalk';

/** The part of a writable stream that the command line uses. */
export interface Output {
  write(content: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
}

/** Where a command reads and writes. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** True iff text for this stream may be coloured: a terminal, and NO_COLOR unset or empty (no-color.org). */
export function mayColour(output: Output, env: Terminal['env']): boolean {
  return output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Colours that are colours only where they may be; chalk itself does not ask NO_COLOR. */
export async function coloursFor(output: Output, env: Terminal['env']): Promise<ChalkInstance> {
  const { Chalk } = await import('chalk');
  return new Chalk({ level: mayColour(output, env) ? 1 : 0 });
}
