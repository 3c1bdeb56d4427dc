/** Runs single instructions on the reference engine, for tests that compare whole results. */
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { I32_RFLAGS } from '../../../src/cpu/state.ts';
import { FlatCore, type RecordedFault } from '../flatCore.ts';

export const CODE = 0x1000;
export const DATA = 0x2_0000;
export const STACK = 0x3_0000;

export interface Before {
  /** Register number → value; the others are 0, RSP is STACK. */
  readonly gpr?: Readonly<Record<number, bigint>>;
  readonly flags?: number;
  /** Bytes at DATA. */
  readonly data?: Uint8Array;
}

export interface After {
  readonly gpr: readonly bigint[];
  readonly flags: number;
  /** RIP relative to the instruction's address. */
  readonly moved: number;
  readonly fault: RecordedFault | undefined;
  readonly core: FlatCore;
}

const cores = { 16: new FlatCore(16), 32: new FlatCore(32), 64: new FlatCore(64) };

/** What one execution of the instruction leaves behind. */
export function execute(mode: 16 | 32 | 64, code: readonly number[], before: Before = {}): After {
  const core = cores[mode];
  const { u64, i32 } = core.state;
  // HLT behind the instruction ends its block.
  core.loadCode(CODE, [...code, 0xf4]);
  for (let i = 0; i < 16; i++) u64[i] = before.gpr?.[i] ?? (i === 4 ? BigInt(mode === 16 ? 0x8000 : STACK) : 0n);
  i32[I32_RFLAGS] = before.flags ?? 2;
  if (before.data !== undefined) core.memory.write(DATA, before.data);
  core.faults.length = 0;
  core.step();
  if (core.unimplemented.length > 0) throw new Error(`not implemented: ${core.unimplemented[0]!.form}`);
  return { gpr: [...u64.subarray(0, 16)], flags: i32[I32_RFLAGS]!, moved: core.rip - CODE, fault: core.faults[0], core };
}

/** Encodes an instruction of 64-bit mode that has one opcode for bytes and one for the other widths, and a ModRM byte. */
export function sized(width: Width, byteOpcode: readonly number[], opcode: readonly number[], ...rest: number[]): number[] {
  if (width === 8) return [0x40, ...byteOpcode, ...rest];
  return [...prefixes(width), ...opcode, ...rest];
}

/** The prefixes of an operand width in 64-bit mode. */
export function prefixes(width: Width): number[] {
  return width === 16 ? [0x66] : width === 64 ? [0x48] : [];
}

/** ModRM with registers on both sides. */
export const registers = (rm: number, reg: number): number => 0xc0 | (reg << 3) | rm;

/** The whole register after a write of `width` bits. */
export function merged(width: Width, old: bigint, value: bigint): bigint {
  if (width >= 32) return value;
  const mask = (1n << BigInt(width)) - 1n;
  return (old & ~mask) | (value & mask);
}
