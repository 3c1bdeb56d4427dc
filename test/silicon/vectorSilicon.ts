/** SSE cases for the processor at hand, and what it and the model make of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const DATA = 0x2_0000;
export const DATA_SIZE = 512;
const CODE_SIZE = 64;
const REGISTERS_SIZE = 18 * 8 + 256;
const CASE_SIZE = CODE_SIZE + REGISTERS_SIZE + DATA_SIZE;
const RESULT_SIZE = 8 + REGISTERS_SIZE + DATA_SIZE;

/** Registers and memory before or after. */
export interface VectorState {
  readonly gpr: readonly bigint[];
  readonly flags: number;
  readonly mxcsr: number;
  /** 32 halves, low ones first. */
  readonly xmm: readonly bigint[];
  readonly data: Uint8Array;
}

export interface VectorCase extends VectorState {
  readonly code: Uint8Array;
}

export interface VectorOutcome extends VectorState {
  /** '' or the class of the exception; general-purpose registers and flags count only without one. */
  readonly fault: string;
}

const SIGNALS: Readonly<Record<number, string>> = { 4: 'UD', 5: 'trap', 7: 'memory', 8: 'XM', 11: 'memory' };
/** Classes of exceptions by vector, as signals tell them apart. */
export const EXCEPTION_CLASSES: Readonly<Record<number, string>> = { 6: 'UD', 12: 'memory', 13: 'memory', 14: 'memory', 19: 'XM' };

/** From the repository's root, where the tests and the long runs start. */
export const vectorHarnessSource = 'test/silicon/vectorHarness.c';

/** Compiles the harness; undefined when this host cannot (no gcc, or another architecture). */
export function compileVectorHarness(): { run(cases: readonly VectorCase[]): VectorOutcome[]; remove(): void } | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'silicon-'));
  const binary = join(directory, 'harness');
  try {
    execFileSync('gcc', ['-O1', '-static', '-no-pie', '-o', binary, vectorHarnessSource], { stdio: 'ignore' });
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  return {
    run: (cases) => {
      const input = new Uint8Array(cases.length * CASE_SIZE);
      cases.forEach((test, i) => {
        encodeCase(test, input, i * CASE_SIZE);
      });
      const output = execFileSync(binary, { input, maxBuffer: cases.length * RESULT_SIZE + 4096 });
      return cases.map((_, i) => decodeResult(new DataView(output.buffer, output.byteOffset + i * RESULT_SIZE, RESULT_SIZE)));
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** jmp [0x50f00]: back to the harness. */
const LEAVE = [0xff, 0x24, 0x25, 0x00, 0x0f, 0x05, 0x00];

function encodeCase(test: VectorCase, into: Uint8Array, at: number): void {
  const view = new DataView(into.buffer, at + CODE_SIZE);
  into.set([...test.code, ...LEAVE], at);
  const words = [...test.gpr, BigInt(test.flags), BigInt(test.mxcsr), ...test.xmm];
  words.forEach((value, i) => {
    view.setBigUint64(8 * i, value, true);
  });
  into.set(test.data, at + CODE_SIZE + REGISTERS_SIZE);
}

function decodeResult(view: DataView): VectorOutcome {
  const signal = Number(view.getBigUint64(0, true));
  const words: bigint[] = [];
  for (let at = 8; at < 8 + REGISTERS_SIZE; at += 8) words.push(view.getBigUint64(at, true));
  return {
    fault: signal === 0 ? '' : (SIGNALS[signal] ?? `signal ${signal}`),
    gpr: words.slice(0, 16),
    flags: Number(words[16]!),
    mxcsr: Number(words[17]!),
    xmm: words.slice(18),
    data: new Uint8Array(view.buffer.slice(view.byteOffset + 8 + REGISTERS_SIZE, view.byteOffset + RESULT_SIZE)),
  };
}
