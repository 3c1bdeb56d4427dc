/** Whether an operand fits a place in an instruction form. */
import { OpCodeOperandKind as Kind } from './iced.ts';
import type { Immediate, Operand } from './operand.ts';

const REGISTER_WIDTH = new Map<Kind, number>([
  [Kind.r8_or_mem, 8],
  [Kind.r16_or_mem, 16],
  [Kind.r32_or_mem, 32],
  [Kind.r64_or_mem, 64],
  [Kind.r8_reg, 8],
  [Kind.r8_opcode, 8],
  [Kind.r16_reg, 16],
  [Kind.r16_reg_mem, 16],
  [Kind.r16_rm, 16],
  [Kind.r16_opcode, 16],
  [Kind.r32_reg, 32],
  [Kind.r32_reg_mem, 32],
  [Kind.r32_rm, 32],
  [Kind.r32_opcode, 32],
  [Kind.r64_reg, 64],
  [Kind.r64_reg_mem, 64],
  [Kind.r64_rm, 64],
  [Kind.r64_opcode, 64],
]);
const OR_MEMORY: ReadonlySet<Kind> = new Set([Kind.r8_or_mem, Kind.r16_or_mem, Kind.r32_or_mem, Kind.r64_or_mem]);
const FIXED_REGISTER = new Map<Kind, string>([
  [Kind.al, 'al'],
  [Kind.cl, 'cl'],
  [Kind.ax, 'ax'],
  [Kind.dx, 'dx'],
  [Kind.eax, 'eax'],
  [Kind.rax, 'rax'],
  [Kind.es, 'es'],
  [Kind.cs, 'cs'],
  [Kind.ss, 'ss'],
  [Kind.ds, 'ds'],
  [Kind.fs, 'fs'],
  [Kind.gs, 'gs'],
]);

/** Immediates: bits encoded, and bits of the operand they are extended to. */
const IMMEDIATE = new Map<Kind, readonly [encoded: number, operand: number]>([
  [Kind.imm8, [8, 8]],
  [Kind.imm8sex16, [8, 16]],
  [Kind.imm8sex32, [8, 32]],
  [Kind.imm8sex64, [8, 64]],
  [Kind.imm16, [16, 16]],
  [Kind.imm32, [32, 32]],
  [Kind.imm32sex64, [32, 64]],
  [Kind.imm64, [64, 64]],
]);

/** Bits that the immediate takes in this place; 0 when it is no place for an immediate. */
export const immediateBits = (kind: Kind): number => (kind === Kind.imm8_const_1 ? 8 : (IMMEDIATE.get(kind)?.[0] ?? 0));

/**
 * The immediate as a signed number of the place's operand width; undefined when it does not fit. A value may be given signed or as
 * the unsigned pattern of the operand's width.
 */
export function fitImmediate(value: number | bigint, kind: Kind): bigint | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined;
  const wide = BigInt(value);
  if (kind === Kind.imm8_const_1) return wide === 1n ? 1n : undefined;
  const bits = IMMEDIATE.get(kind);
  if (bits === undefined) return undefined;
  const [encoded, operand] = bits;
  if (wide >= 1n << BigInt(operand) || wide < -(1n << BigInt(operand - 1))) return undefined;
  const signed = BigInt.asIntN(operand, wide);
  return BigInt.asIntN(encoded, signed) === signed ? signed : undefined;
}

const isImmediate = (operand: Operand): operand is Immediate => typeof operand !== 'object' || operand.kind === 'symbol';

/** True when the operand may stand in a place of this kind. */
export function fits(operand: Operand, kind: Kind): boolean {
  if (isImmediate(operand)) {
    // A symbol's value is not known yet: it takes a place wide enough for any address of an image.
    return typeof operand === 'object' ? immediateBits(kind) >= 16 : fitImmediate(operand, kind) !== undefined;
  }
  if (operand.kind === 'memory') {
    if (operand.width === 0 || kind === Kind.mem) return kind === Kind.mem;
    return OR_MEMORY.has(kind) && REGISTER_WIDTH.get(kind) === operand.width;
  }
  if (operand.kind === 'register') {
    const fixed = FIXED_REGISTER.get(kind);
    return fixed === undefined ? REGISTER_WIDTH.get(kind) === operand.width : fixed === operand.name;
  }
  if (operand.kind === 'segment') return kind === Kind.seg_reg || FIXED_REGISTER.get(kind) === operand.name;
  if (operand.kind === 'control') return kind === Kind.cr_reg;
  return kind === Kind.dr_reg;
}
