/** The processor at hand as a runner of single instructions with FXSAVE state: compiles a harness (stateHarness.h) and talks to it in records. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes of a case's code, the way back to the harness included. */
export const CODE_SIZE = 64;
/** jmp [0x50f00]: back to the harness. */
export const LEAVE = [0xff, 0x24, 0x25, 0x00, 0x0f, 0x05, 0x00];

/** Records of one kind of harness. */
export interface HarnessRecords<Case, Outcome> {
  readonly caseSize: number;
  readonly resultSize: number;
  encode(test: Case, into: Uint8Array, at: number): void;
  decode(view: DataView): Outcome;
}

export interface Harness<Case, Outcome> {
  run(cases: readonly Case[]): Outcome[];
  remove(): void;
}

/**
 * Compiles the harness; undefined when this host cannot (no gcc, or another architecture).
 * @param source from the repository's root, where the tests and the long runs start.
 */
export function compileHarness<Case, Outcome>(
  source: string,
  { caseSize, resultSize, encode, decode }: HarnessRecords<Case, Outcome>,
): Harness<Case, Outcome> | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'silicon-'));
  const binary = join(directory, 'harness');
  try {
    execFileSync('gcc', ['-O1', '-static', '-no-pie', '-o', binary, source], { stdio: 'ignore' });
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  return {
    run: (cases) => {
      const input = new Uint8Array(cases.length * caseSize);
      cases.forEach((test, i) => {
        encode(test, input, i * caseSize);
      });
      const output = execFileSync(binary, { input, maxBuffer: cases.length * resultSize + 4096 });
      return cases.map((_, i) => decode(new DataView(output.buffer, output.byteOffset + i * resultSize, resultSize)));
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
