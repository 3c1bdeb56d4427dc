/** The memory and the segments that a case runs in: the same on the processor and in the model. */

/** Two writable pages, then one that is read-only; nothing is mapped around them. */
export const DATA = 0x2_0000;
export const WRITABLE_SIZE = 0x2000;
export const DATA_SIZE = 0x3000;
/** One page full of HLT, writable and executable; nothing is mapped behind it. */
export const CODE = 0x4_0000;
export const CODE_SIZE = 0x1000;
/** Where code starts unless a case says otherwise. */
export const ORIGIN = CODE + 0x800;
/** Where code stands that shares its page with others (sharedPage.ts); no case is led into it from elsewhere. */
export const POOL = CODE + 0x680;
export const POOL_END = CODE + 0x900;
export const HLT = 0xf4;

/** Flat segments of level 3, as the kernel's GDT has them. */
export const FLAT_CODE_32 = 0x23;
export const FLAT_DATA = 0x2b;
export const FLAT_CODE_64 = 0x33;

/** The segment whose limit tells the number of the processor, and the limit that the model gives it. */
export const PROCESSOR_NUMBER = 0x7b;
export const PROCESSOR_NUMBER_LIMIT = 0xa_bcde;

/** A descriptor of level 3 as modify_ldt takes it. */
export interface LocalDescriptor {
  readonly base: number;
  readonly limit: number;
  /** D/B. */
  readonly big: boolean;
  /** 0 data, 1 data that grows down, 2 code, 3 conforming code. */
  readonly contents: number;
  /** Data that cannot be written, code that cannot be read. */
  readonly readOnly: boolean;
  readonly inPages: boolean;
  readonly absent: boolean;
}

const local = (base: number, limit: number, more: Partial<LocalDescriptor> = {}): LocalDescriptor => ({
  base,
  limit,
  big: false,
  contents: 0,
  readOnly: false,
  inPages: false,
  absent: false,
  ...more,
});

/** The local descriptor table. */
export const LOCAL_DESCRIPTORS: readonly LocalDescriptor[] = [
  local(CODE, 0xffff, { contents: 2 }),
  local(DATA, 0xffff),
  local(DATA + 0x100, 0x17ff, { big: true }),
  local(DATA, 0xfff, { big: true, contents: 1 }),
  local(0, 0xf_ffff, { big: true, contents: 2, inPages: true }),
  local(DATA + 0x80, 0x7ff, { readOnly: true }),
  local(DATA, 0xffff, { absent: true }),
  local(CODE, 0xfff, { big: true, contents: 3, absent: true }),
  local(CODE, 0xffff, { contents: 2, readOnly: true }),
  local(0, 0xf_ffff, { contents: 2, absent: true }),
  local(DATA, 0x17ff, { contents: 1 }),
  local(DATA, 0xffff, { big: true }),
];

/** Selector of a local descriptor at level 3. */
export const localSelector = (index: number): number => index * 8 + 7;
export const CODE_16 = localSelector(0);
export const DATA_16 = localSelector(1);
/** As DATA_16, with a stack pointer of 32 bits. */
export const DATA_BIG = localSelector(11);
export const FS_SELECTOR = localSelector(2);
export const GS_SELECTOR = localSelector(3);
export const FS_BASE = LOCAL_DESCRIPTORS[2]!.base;
export const GS_BASE = LOCAL_DESCRIPTORS[3]!.base;

/** Selector of SS when a case has a stack pointer of 16 bits. */
export const SMALL_STACK = DATA_16;

/** Selectors with which code of each size starts. */
export const SELECTORS = {
  16: { cs: CODE_16, ss: DATA_BIG, ds: DATA_16, es: DATA_16, fs: FS_SELECTOR, gs: GS_SELECTOR },
  32: { cs: FLAT_CODE_32, ss: FLAT_DATA, ds: FLAT_DATA, es: FLAT_DATA, fs: FS_SELECTOR, gs: GS_SELECTOR },
  64: { cs: FLAT_CODE_64, ss: FLAT_DATA, ds: FLAT_DATA, es: FLAT_DATA, fs: FS_SELECTOR, gs: GS_SELECTOR },
} as const;

/** Selectors with which a case starts. */
export function selectorsOf({ codeSize, smallStack, localTable }: { codeSize: 16 | 32 | 64; smallStack: boolean; localTable: boolean }): {
  readonly [segment in 'cs' | 'ss' | 'ds' | 'es' | 'fs' | 'gs']: number;
} {
  const usual = SELECTORS[codeSize];
  if (!localTable) return { ...usual, fs: 0, gs: 0 };
  return smallStack ? { ...usual, ss: SMALL_STACK } : usual;
}

/** Bases of code and data segments by code size. */
export const CODE_BASES = { 16: CODE, 32: 0, 64: 0 } as const;
export const DATA_BASES = { 16: DATA, 32: 0, 64: 0 } as const;

/** Number of different contents of the data pages. */
export const TEMPLATES = 8;

const EDGES = [
  0n,
  1n,
  ~0n,
  1n << 63n,
  ~(1n << 63n),
  0x8000_0000n,
  0x7fff_ffffn,
  0xffff_ffffn,
  0x8000n,
  0x7fffn,
  0x80n,
  0x7fn,
  0x8080_8080_8080_8080n,
];

/** Contents of the three data pages, `TEMPLATES` times; the last page is the same in all of them. */
export function dataTemplates(): Uint8Array {
  const bytes = new Uint8Array(TEMPLATES * DATA_SIZE);
  const words = new BigUint64Array(bytes.buffer);
  let state = 0x1234_5678_9abc_def1n;
  const next = (): bigint => {
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 7n;
    state ^= BigInt.asUintN(64, state << 17n);
    return state;
  };
  for (let i = 0; i < words.length; i++) {
    const random = next();
    words[i] = random % 3n === 0n ? EDGES[Number((random >> 8n) % BigInt(EDGES.length))]! : next();
  }
  const last = bytes.slice(WRITABLE_SIZE, DATA_SIZE);
  for (let t = 1; t < TEMPLATES; t++) bytes.set(last, t * DATA_SIZE + WRITABLE_SIZE);
  return bytes;
}
