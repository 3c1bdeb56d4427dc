/** SSE cases for the processor at hand, and what it and the model make of them. */
import { CODE_SIZE, compileHarness, type Harness, LEAVE } from './stateHarness.ts';

export const DATA = 0x2_0000;
export const DATA_SIZE = 512;
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

/** The harness; undefined when this host cannot compile it. */
export const compileVectorHarness = (): Harness<VectorCase, VectorOutcome> | undefined =>
  compileHarness('test/silicon/vectorHarness.c', {
    caseSize: CASE_SIZE,
    resultSize: RESULT_SIZE,
    encode: encodeCase,
    decode: decodeResult,
  });

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
