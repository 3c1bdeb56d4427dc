/**
 * Record layouts: the fields of a structure in guest memory, by name, at naturally aligned offsets.
 *
 *   const Lock = record({ next: u16, owner: u16 });
 *   a.mov(ax, at(rdi, Lock.owner));     // a 16-bit operand at [rdi + 2]
 */
import type { Width } from './register.ts';

/** The type of a field: `count` elements of `width` bits. Width 0 is plain space, to be addressed with `mem…`. */
export interface FieldType<W extends Width | 0 = Width | 0> {
  readonly width: W;
  readonly bytes: number;
  readonly alignment: number;
}

/** A field in its record. */
export interface Field<W extends Width | 0 = Width | 0> extends FieldType<W> {
  readonly kind: 'field';
  readonly name: string;
  readonly offset: number;
}

export const u8: FieldType<8> = { width: 8, bytes: 1, alignment: 1 };
export const u16: FieldType<16> = { width: 16, bytes: 2, alignment: 2 };
export const u32: FieldType<32> = { width: 32, bytes: 4, alignment: 4 };
export const u64: FieldType<64> = { width: 64, bytes: 8, alignment: 8 };

/** `count` elements; the field names the first one. */
export const array = <W extends Width>(element: FieldType<W>, count: number): FieldType<W> => ({
  width: element.width,
  bytes: element.bytes * count,
  alignment: element.alignment,
});

/** Plain space. */
export const space = (bytes: number, alignment = 8): FieldType<0> => ({ width: 0, bytes, alignment });

/** The same field, starting on a boundary of `alignment` bytes (a cache line, a page). */
export const aligned = <W extends Width | 0>(alignment: number, type: FieldType<W>): FieldType<W> => ({ ...type, alignment });

const SIZE: unique symbol = Symbol('size');

export type RecordLayout<T extends Record<string, FieldType>> = {
  readonly [K in keyof T]: T[K] extends FieldType<infer W> ? Field<W> : never;
} & { readonly [SIZE]: number };

/** A layout with the fields in the order given. The size is a multiple of the largest alignment. */
export function record<const T extends Record<string, FieldType>>(types: T): RecordLayout<T> {
  const fields: Record<string, Field> = {};
  let offset = 0;
  let alignment = 1;
  for (const [name, type] of Object.entries(types)) {
    offset = Math.ceil(offset / type.alignment) * type.alignment;
    alignment = Math.max(alignment, type.alignment);
    fields[name] = { ...type, kind: 'field', name, offset };
    offset += type.bytes;
  }
  return { ...fields, [SIZE]: Math.ceil(offset / alignment) * alignment } as unknown as RecordLayout<T>;
}

/** Bytes a record occupies. */
export const sizeOf = (layout: { readonly [SIZE]: number }): number => layout[SIZE];
