/** A compact writer of WebAssembly binaries: bytes and LEB128 numbers into one growing buffer. Nothing here knows of x86. */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export const VOID_BLOCK = 0x40;

/** Opcodes, by WebAssembly's own names. */
export const op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  call_indirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_load: 0x28,
  i64_load: 0x29,
  f64_load: 0x2b,
  i32_load8_u: 0x2d,
  i32_load16_u: 0x2f,
  i32_store16: 0x3b,
  i64_load8_u: 0x31,
  i64_load16_u: 0x33,
  i64_load32_u: 0x35,
  i32_store: 0x36,
  i64_store: 0x37,
  f64_store: 0x39,
  i64_store8: 0x3c,
  i64_store16: 0x3d,
  i64_store32: 0x3e,
  i32_const: 0x41,
  i64_const: 0x42,
  f32_const: 0x43,
  f64_const: 0x44,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_lt_u: 0x49,
  i32_gt_u: 0x4b,
  i32_le_u: 0x4d,
  i32_ge_u: 0x4f,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_ne: 0x52,
  i64_lt_s: 0x53,
  i64_lt_u: 0x54,
  i64_gt_u: 0x56,
  f32_eq: 0x5b,
  f32_lt: 0x5d,
  f32_gt: 0x5e,
  f32_le: 0x5f,
  f32_ge: 0x60,
  f64_eq: 0x61,
  f64_ne: 0x62,
  f64_lt: 0x63,
  f64_gt: 0x64,
  f64_le: 0x65,
  f64_ge: 0x66,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_and: 0x71,
  i32_or: 0x72,
  i32_xor: 0x73,
  i32_shl: 0x74,
  i32_shr_u: 0x76,
  i64_clz: 0x79,
  i64_ctz: 0x7a,
  i64_popcnt: 0x7b,
  i64_add: 0x7c,
  i64_sub: 0x7d,
  i64_mul: 0x7e,
  i64_div_s: 0x7f,
  i64_div_u: 0x80,
  i64_rem_s: 0x81,
  i64_rem_u: 0x82,
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  f32_abs: 0x8b,
  f32_sqrt: 0x91,
  f32_add: 0x92,
  f32_sub: 0x93,
  f32_mul: 0x94,
  f32_div: 0x95,
  f64_abs: 0x99,
  f64_ceil: 0x9b,
  f64_floor: 0x9c,
  f64_trunc: 0x9d,
  f64_nearest: 0x9e,
  f64_sqrt: 0x9f,
  f64_add: 0xa0,
  f64_sub: 0xa1,
  f64_mul: 0xa2,
  f64_div: 0xa3,
  f64_min: 0xa4,
  i32_wrap_i64: 0xa7,
  i32_trunc_f64_s: 0xaa,
  i64_extend_i32_s: 0xac,
  i64_extend_i32_u: 0xad,
  i64_trunc_f64_s: 0xb0,
  i64_trunc_f64_u: 0xb1,
  f32_convert_i32_s: 0xb2,
  f32_convert_i64_s: 0xb4,
  f32_demote_f64: 0xb6,
  f64_convert_i32_s: 0xb7,
  f64_convert_i32_u: 0xb8,
  f64_convert_i64_s: 0xb9,
  f64_convert_i64_u: 0xba,
  f64_promote_f32: 0xbb,
  i64_extend8_s: 0xc2,
  i64_extend16_s: 0xc3,
  i64_extend32_s: 0xc4,
  /** Prefix of saturating truncations and bulk memory operations, then those. */
  prefix_bulk: 0xfc,
  saturate_i32_f64_u: 0x03,
  bulk_memory_copy: 0x0a,
  bulk_memory_fill: 0x0b,
} as const;

/** Bytes under construction. */
export class ByteWriter {
  private buffer = new Uint8Array(4096);
  length = 0;

  byte(value: number): void {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.buffer.length) this.grow(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Unsigned LEB128, up to 32 bits. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest > 63 || rest < -64) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit pattern. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest > 63n || rest < -64n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** The bytes so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  private grow(more: number): void {
    const next = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    next.set(this.bytes());
    this.buffer = next;
  }
}

export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly type: number;
}

export interface FunctionBody {
  readonly type: number;
  /** Exported under this name, if any. */
  readonly name: string | undefined;
  /** Types of the locals after the parameters, as runs. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: Uint8Array;
  /** Offsets in `code` of branches with what is expected of their condition, in order. */
  readonly hints?: readonly BranchHint[];
}

/** An `if` or `br_if` whose condition is expected to be true (1) or false (0). */
export interface BranchHint {
  readonly offset: number;
  readonly likely: 0 | 1;
}

const FUNCREF = 0x70;
const MAGIC = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const SECTION_CUSTOM = 0;
const SECTION_TYPE = 1;
const SECTION_IMPORT = 2;
const SECTION_FUNCTION = 3;
const SECTION_EXPORT = 7;
const SECTION_CODE = 10;

/**
 * A module that imports one memory (`env.memory`) and functions; imported functions come first in the numbering.
 * @param tableSize elements of the table of functions that it imports (`env.table`), or 0 for none.
 */
export function encodeModule(
  types: readonly FunctionType[],
  imports: readonly FunctionImport[],
  memoryPages: number,
  functions: readonly FunctionBody[],
  tableSize = 0,
): Uint8Array {
  const out = new ByteWriter();
  const section = new ByteWriter();
  const finish = (id: number): void => {
    out.byte(id);
    out.unsigned(section.length);
    out.append(section.bytes());
    section.clear();
  };
  out.append(MAGIC);

  section.unsigned(types.length);
  for (const { parameters, results } of types) {
    section.byte(0x60);
    section.unsigned(parameters.length);
    for (const type of parameters) section.byte(type);
    section.unsigned(results.length);
    for (const type of results) section.byte(type);
  }
  finish(SECTION_TYPE);

  section.unsigned(imports.length + (tableSize > 0 ? 2 : 1));
  if (tableSize > 0) {
    section.text('env');
    section.text('table');
    section.byte(1);
    section.byte(FUNCREF);
    section.byte(0);
    section.unsigned(tableSize);
  }
  section.text('env');
  section.text('memory');
  section.byte(2);
  section.byte(1);
  section.unsigned(memoryPages);
  section.unsigned(memoryPages);
  for (const { module, name, type } of imports) {
    section.text(module);
    section.text(name);
    section.byte(0);
    section.unsigned(type);
  }
  finish(SECTION_IMPORT);

  section.unsigned(functions.length);
  for (const { type } of functions) section.unsigned(type);
  finish(SECTION_FUNCTION);

  const exported = functions.flatMap(({ name }, index) => (name === undefined ? [] : [{ name, index: imports.length + index }]));
  section.unsigned(exported.length);
  for (const { name, index } of exported) {
    section.text(name);
    section.byte(0);
    section.unsigned(index);
  }
  finish(SECTION_EXPORT);

  const body = new ByteWriter();
  const bodies = functions.map((code) => encodeBody(body, code));
  appendHints(section, bodies, imports.length);
  if (section.length > 0) finish(SECTION_CUSTOM);

  section.unsigned(functions.length);
  for (const { bytes } of bodies) {
    section.unsigned(bytes.length);
    section.append(bytes);
  }
  finish(SECTION_CODE);
  return out.bytes().slice();
}

/** A function's locals, code and end. */
interface EncodedBody {
  readonly bytes: Uint8Array;
  /** Offsets in `bytes`. */
  readonly hints: readonly BranchHint[];
}

function encodeBody(body: ByteWriter, { locals, code, hints = [] }: FunctionBody): EncodedBody {
  body.clear();
  const runs = locals.filter(([count]) => count > 0);
  body.unsigned(runs.length);
  for (const [count, type] of runs) {
    body.unsigned(count);
    body.byte(type);
  }
  const start = body.length;
  body.append(code);
  body.byte(op.end);
  return { bytes: body.bytes().slice(), hints: hints.map(({ offset, likely }) => ({ offset: offset + start, likely })) };
}

/** The custom section of branch hints; nothing when there are none. WebAssembly: proposal "Branch Hinting". */
function appendHints(section: ByteWriter, bodies: readonly EncodedBody[], firstFunction: number): void {
  const hinted = bodies.map(({ hints }, index) => ({ hints, number: firstFunction + index })).filter(({ hints }) => hints.length > 0);
  if (hinted.length === 0) return;
  section.text('metadata.code.branch_hint');
  section.unsigned(hinted.length);
  for (const { hints, number } of hinted) {
    section.unsigned(number);
    section.unsigned(hints.length);
    for (const { offset, likely } of hints) {
      section.unsigned(offset);
      section.unsigned(1);
      section.byte(likely);
    }
  }
}
