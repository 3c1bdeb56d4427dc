/** Cases for the processor at hand, and what it and the model make of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { I32_RFLAGS } from '../../src/cpu/state.ts';
import type { FlatCore } from '../cpu/flatCore.ts';

export const DATA = 0x2_0000;
export const DATA_SIZE = 512;
export const CODE = 0x4_0000;
/** Distance from the next instruction to the branch target that a case may use. */
export const BRANCH_DELTA = 0x20;
const CODE_SIZE = 128;
const CASE_SIZE = CODE_SIZE + 17 * 8 + DATA_SIZE;
const RESULT_SIZE = 19 * 8 + DATA_SIZE;

export interface SiliconCase {
  readonly code: Uint8Array;
  readonly gpr: readonly bigint[];
  readonly flags: number;
  readonly data: Uint8Array;
}

export interface Outcome {
  /** '' or the class of the exception. */
  readonly fault: string;
  /** True when the branch target was reached. */
  readonly branched: boolean;
  readonly gpr: readonly bigint[];
  readonly flags: number;
  readonly data: Uint8Array;
}

const SIGNALS: Readonly<Record<number, string>> = { 4: 'UD', 5: 'trap', 7: 'memory', 8: 'DE', 11: 'memory' };
const VECTORS: Readonly<Record<number, string>> = { 0: 'DE', 6: 'UD', 12: 'memory', 13: 'memory', 14: 'memory' };
const FAULTED = { branched: false, gpr: [], flags: 0, data: new Uint8Array(0) };

/** Compiles the harness; undefined when this host cannot (no gcc, or another architecture). */
export function compileHarness(source: string): { run(cases: readonly SiliconCase[]): Outcome[]; remove(): void } | undefined {
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

/** What goes on the instruction's two exits: note which one it was, and leave. */
function stub(outcome: number): number[] {
  // mov qword [0x50090], outcome; jmp [0x50100]
  return [0x48, 0xc7, 0x04, 0x25, 0x90, 0x00, 0x05, 0x00, outcome, 0, 0, 0, 0xff, 0x24, 0x25, 0x00, 0x01, 0x05, 0x00];
}

function encodeCase(test: SiliconCase, into: Uint8Array, at: number): void {
  const view = new DataView(into.buffer, at, CASE_SIZE);
  into.set(test.code, at);
  into.set(stub(0), at + test.code.length);
  into.set(stub(1), at + test.code.length + BRANCH_DELTA);
  test.gpr.forEach((value, i) => {
    view.setBigUint64(CODE_SIZE + 8 * i, value, true);
  });
  view.setBigUint64(CODE_SIZE + 16 * 8, BigInt(test.flags), true);
  into.set(test.data, at + CODE_SIZE + 17 * 8);
}

function decodeResult(view: DataView): Outcome {
  const signal = Number(view.getBigUint64(0, true));
  if (signal !== 0) return { ...FAULTED, fault: SIGNALS[signal] ?? `signal ${signal}` };
  return {
    fault: '',
    branched: view.getBigUint64(8, true) === 1n,
    gpr: Array.from({ length: 16 }, (_, i) => view.getBigUint64(16 + 8 * i, true)),
    flags: Number(view.getBigUint64(16 + 16 * 8, true)),
    data: new Uint8Array(view.buffer.slice(view.byteOffset + 19 * 8, view.byteOffset + RESULT_SIZE)),
  };
}

/** What the reference engine makes of a case. */
export function runModel(core: FlatCore, test: SiliconCase): Outcome {
  const { u64, i32 } = core.state;
  core.memory.write(DATA, test.data);
  core.loadCode(CODE, test.code);
  const next = CODE + test.code.length;
  core.memory.write(next, Uint8Array.of(0xf4));
  core.memory.write(next + BRANCH_DELTA, Uint8Array.of(0xf4));
  test.gpr.forEach((value, i) => {
    u64[i] = value;
  });
  i32[I32_RFLAGS] = test.flags;
  core.faults.length = 0;
  core.run();
  const fault = core.faults[0];
  if (fault !== undefined) return { ...FAULTED, fault: VECTORS[fault.vector] ?? `vector ${fault.vector}` };
  return {
    fault: '',
    branched: core.rip === next + BRANCH_DELTA + 1,
    gpr: [...u64.subarray(0, 16)],
    flags: i32[I32_RFLAGS]!,
    data: core.memory.bytes.slice(DATA, DATA + DATA_SIZE),
  };
}

export const harnessSource = new URL('./harness.c', import.meta.url).pathname;
