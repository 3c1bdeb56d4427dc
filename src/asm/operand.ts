/** Operands of instructions: memory operands are put together from a base, an index, displacements, fields and symbols. */
import type { Field } from './record.ts';
import type { ControlRegister, DebugRegister, Register, ScaledIndex, SegmentRegister, Width } from './register.ts';
import { formatSymbolValue, type SymbolValue } from './symbolValue.ts';

/** A memory operand of W bits; 0 where the instruction has no operand size (LEA, INVLPG, LGDT). */
export interface Memory<W extends Width | 0 = Width | 0> {
  readonly kind: 'memory';
  readonly width: W;
  readonly segment: SegmentRegister | undefined;
  readonly base: Register | undefined;
  readonly index: ScaledIndex | undefined;
  readonly displacement: number;
  readonly symbol: SymbolValue | undefined;
}

/** An immediate: a number, a bigint (a pattern of the operand's width, signed or not), or a symbol's value. */
export type Immediate = number | bigint | SymbolValue;

export type Operand = Register | Memory | SegmentRegister | ControlRegister | DebugRegister | Immediate;

/** What a memory operand adds up: at most one base, one scaled index and one symbol; numbers and field offsets are summed. */
export type AddressPart = Register | ScaledIndex | SegmentRegister | number | string | SymbolValue | Field;

function memory<W extends Width | 0>(width: W, parts: readonly AddressPart[]): Memory<W> {
  let segment: SegmentRegister | undefined;
  let base: Register | undefined;
  let index: ScaledIndex | undefined;
  let displacement = 0;
  let symbol: SymbolValue | undefined;
  const once = (present: unknown, what: string): void => {
    if (present !== undefined) throw new Error(`memory operand with two ${what}`);
  };
  for (const part of parts) {
    if (typeof part === 'number') displacement += part;
    else if (typeof part === 'string') {
      once(symbol, 'symbols');
      symbol = { kind: 'symbol', symbol: part, minus: undefined, addend: 0 };
    } else if (part.kind === 'field') displacement += part.offset;
    else if (part.kind === 'index') {
      once(index, 'indices');
      index = part;
    } else if (part.kind === 'symbol') {
      once(symbol, 'symbols');
      symbol = part;
    } else if (part.kind === 'segment') {
      once(segment, 'segments');
      segment = part;
    } else if (base === undefined) base = part;
    else {
      once(index, 'indices');
      index = part.times(1);
    }
  }
  return { kind: 'memory', width, segment, base, index, displacement, symbol };
}

export const mem = (...parts: AddressPart[]): Memory<0> => memory(0, parts);
export const mem8 = (...parts: AddressPart[]): Memory<8> => memory(8, parts);
export const mem16 = (...parts: AddressPart[]): Memory<16> => memory(16, parts);
export const mem32 = (...parts: AddressPart[]): Memory<32> => memory(32, parts);
export const mem64 = (...parts: AddressPart[]): Memory<64> => memory(64, parts);

/** A field of the record at `base`, with the width of the field. */
export const at = <W extends Width | 0>(base: Register | string, field: Field<W>, ...more: AddressPart[]): Memory<W> =>
  memory(field.width, [base, field, ...more]);

/** A field of the record that a segment's base points to (per-core areas: `inSegment(gs, PerCpu.number)`). */
export const inSegment = <W extends Width | 0>(segment: SegmentRegister, field: Field<W>, ...more: AddressPart[]): Memory<W> =>
  memory(field.width, [segment, field, ...more]);

export function formatOperand(operand: Operand): string {
  if (typeof operand === 'number' || typeof operand === 'bigint')
    return operand < 0 ? `-0x${(-operand).toString(16)}` : `0x${operand.toString(16)}`;
  if (operand.kind === 'symbol') return formatSymbolValue(operand);
  if (operand.kind !== 'memory') return operand.name;
  const parts = [
    operand.base?.name,
    operand.index === undefined ? undefined : `${operand.index.register.name}*${operand.index.scale}`,
    operand.symbol === undefined ? undefined : formatSymbolValue(operand.symbol),
    operand.displacement === 0 ? undefined : formatOperand(operand.displacement),
  ];
  const text = parts.filter((part) => part !== undefined).join(' + ');
  const size = operand.width === 0 ? '' : `mem${operand.width} `;
  return `${size}[${operand.segment === undefined ? '' : `${operand.segment.name}: `}${text === '' ? '0' : text}]`;
}
