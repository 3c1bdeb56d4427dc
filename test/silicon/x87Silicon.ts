/** x87 and MMX cases for the processor at hand, and what it and the model make of them. */
import { MXCSR_DEFINED } from '../../src/arch/mxcsr.ts';
import { CODE_SIZE, compileHarness, type Harness, LEAVE } from './stateHarness.ts';

export const DATA = 0x2_0000;
export const DATA_SIZE = 1024;
const AREA_SIZE = 512;
const REGISTERS_SIZE = 17 * 8 + AREA_SIZE;
const CASE_SIZE = CODE_SIZE + REGISTERS_SIZE + DATA_SIZE;
const RESULT_SIZE = 8 + REGISTERS_SIZE + DATA_SIZE;

/** The unit, registers and memory before or after. */
export interface X87State {
  readonly gpr: readonly bigint[];
  readonly flags: number;
  readonly control: number;
  readonly status: number;
  /** A bit for every register, by its number. */
  readonly inUse: number;
  readonly instruction: bigint;
  readonly data: bigint;
  readonly mxcsr: number;
  /** ST(0)–ST(7): 80 bits each. */
  readonly stack: readonly bigint[];
  /** 32 halves, low ones first. */
  readonly xmm: readonly bigint[];
  readonly memory: Uint8Array;
}

export interface X87Case extends X87State {
  readonly code: Uint8Array;
}

export interface X87Outcome extends X87State {
  /** '' or the class of the exception; general-purpose registers and flags count only without one. */
  readonly fault: string;
}

const SIGNALS: Readonly<Record<number, string>> = { 4: 'UD', 5: 'trap', 7: 'memory', 8: 'floating', 11: 'memory' };
/** Classes of exceptions by vector, as signals tell them apart. */
export const X87_EXCEPTION_CLASSES: Readonly<Record<number, string>> = {
  6: 'UD',
  12: 'memory',
  13: 'memory',
  14: 'memory',
  16: 'floating',
  19: 'floating',
};

/** The harness; undefined when this host cannot compile it. */
export const compileX87Harness = (): Harness<X87Case, X87Outcome> | undefined =>
  compileHarness('test/silicon/x87Harness.c', { caseSize: CASE_SIZE, resultSize: RESULT_SIZE, encode: encodeCase, decode: decodeResult });

function encodeCase(test: X87Case, into: Uint8Array, at: number): void {
  into.set([...test.code, ...LEAVE], at);
  const view = new DataView(into.buffer, at + CODE_SIZE);
  [...test.gpr, BigInt(test.flags)].forEach((value, i) => {
    view.setBigUint64(8 * i, value, true);
  });
  const area = new DataView(into.buffer, at + CODE_SIZE + 17 * 8, AREA_SIZE);
  area.setUint16(0, test.control, true);
  area.setUint16(2, test.status, true);
  area.setUint8(4, test.inUse);
  area.setBigUint64(8, test.instruction, true);
  area.setBigUint64(16, test.data, true);
  area.setUint32(24, test.mxcsr, true);
  area.setUint32(28, MXCSR_DEFINED, true);
  test.stack.forEach((bits, i) => {
    area.setBigUint64(32 + 16 * i, BigInt.asUintN(64, bits), true);
    area.setUint16(40 + 16 * i, Number(bits >> 64n), true);
  });
  test.xmm.forEach((half, i) => {
    area.setBigUint64(160 + 8 * i, half, true);
  });
  into.set(test.memory, at + CODE_SIZE + REGISTERS_SIZE);
}

function decodeResult(view: DataView): X87Outcome {
  const signal = Number(view.getBigUint64(0, true));
  const words = Array.from({ length: 17 }, (_, i) => view.getBigUint64(8 + 8 * i, true));
  const area = new DataView(view.buffer, view.byteOffset + 8 + 17 * 8, AREA_SIZE);
  return {
    fault: signal === 0 ? '' : (SIGNALS[signal] ?? `signal ${signal}`),
    gpr: words.slice(0, 16),
    flags: Number(words[16]!),
    control: area.getUint16(0, true),
    status: area.getUint16(2, true),
    inUse: area.getUint8(4),
    instruction: area.getBigUint64(8, true),
    data: area.getBigUint64(16, true),
    mxcsr: area.getUint32(24, true),
    stack: Array.from({ length: 8 }, (_, i) => (BigInt(area.getUint16(40 + 16 * i, true)) << 64n) | area.getBigUint64(32 + 16 * i, true)),
    xmm: Array.from({ length: 32 }, (_, i) => area.getBigUint64(160 + 8 * i, true)),
    memory: new Uint8Array(view.buffer.slice(view.byteOffset + 8 + REGISTERS_SIZE, view.byteOffset + RESULT_SIZE)),
  };
}
