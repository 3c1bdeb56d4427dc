/** One case: a piece of code in a state, run to its first exception; and what that shows. */
import { CODE, CODE_SIZE, HLT } from './surroundings.ts';

export type CodeSize = 16 | 32 | 64;

/** The whole page that code stands in. */
export interface CodePage {
  readonly bytes: Uint8Array;
  /** Linear address from where jumps lead to every piece in it. */
  readonly entry: number;
}

export interface SiliconCase {
  readonly codeSize: CodeSize;
  /** The stack pointer is SP, in a segment that begins with the data. */
  readonly smallStack: boolean;
  /** FS and GS are segments of a local descriptor table; else there is none, 64-bit segments are all there are, and FS and GS have null selectors. */
  readonly localTable: boolean;
  /** Linear address of the first byte. */
  readonly origin: number;
  readonly code: Uint8Array;
  /** The code's page when there are others in it; else the rest is HLT. */
  readonly page?: CodePage | undefined;
  /** Sixteen registers; in 16- and 32-bit code the upper halves are 0. */
  readonly gpr: readonly bigint[];
  readonly flags: number;
  /** Which contents the data pages have, and what differs from them: eight bytes each. */
  readonly template: number;
  readonly patches: readonly { readonly address: number; readonly value: bigint }[];
}

/** A page full of HLT. */
export const emptyPage = (): Uint8Array => new Uint8Array(CODE_SIZE).fill(HLT);

/** The page of a case's code is in `page`. */
export function fillPage(page: Uint8Array, one: SiliconCase): void {
  if (one.page !== undefined) page.set(one.page.bytes);
  else page.fill(HLT).set(one.code, one.origin - CODE);
}

/** The state in which the first exception left the program. */
export interface Outcome {
  readonly vector: number;
  readonly errorCode: number;
  /** 0 unless the exception is #PF. */
  readonly cr2: bigint;
  readonly rip: bigint;
  readonly flags: number;
  readonly gpr: readonly bigint[];
  /** Selectors of ES, CS, SS, DS, FS, GS. */
  readonly selectors: readonly number[];
  readonly bases: readonly [fs: bigint, gs: bigint];
  /** Eight-byte words of the writable pages that changed. */
  readonly changes: readonly { readonly address: number; readonly value: bigint }[];
}

/** The vector of a case that did not come to an end. */
export const TIMED_OUT = 255;

/** A case as JSON: numbers in hexadecimal. */
export interface CaseText {
  readonly codeSize: CodeSize;
  readonly smallStack: boolean;
  /** true where it is missing. */
  readonly localTable?: boolean;
  readonly origin: string;
  readonly code: string;
  readonly gpr: readonly string[];
  readonly flags: string;
  readonly template: number;
  readonly patches: readonly (readonly [address: string, value: string])[];
}

const hex = (value: bigint | number): string => value.toString(16);
const unhex = (text: string): bigint => BigInt(`0x${text}`);

export const caseText = (one: SiliconCase): CaseText => ({
  codeSize: one.codeSize,
  smallStack: one.smallStack,
  localTable: one.localTable,
  origin: hex(one.origin),
  code: Buffer.from(one.code).toString('hex'),
  gpr: one.gpr.map(hex),
  flags: hex(one.flags),
  template: one.template,
  patches: one.patches.map(({ address, value }) => [hex(address), hex(value)] as const),
});

export const parseCase = (text: CaseText): SiliconCase => ({
  codeSize: text.codeSize,
  smallStack: text.smallStack,
  localTable: text.localTable ?? true,
  origin: Number(unhex(text.origin)),
  code: Uint8Array.from(Buffer.from(text.code, 'hex')),
  gpr: text.gpr.map(unhex),
  flags: Number(unhex(text.flags)),
  template: text.template,
  patches: text.patches.map(([address, value]) => ({ address: Number(unhex(address)), value: unhex(value) })),
});

/** An outcome as JSON. */
export interface OutcomeText {
  readonly vector: number;
  readonly errorCode: string;
  readonly cr2: string;
  readonly rip: string;
  readonly flags: string;
  readonly gpr: readonly string[];
  readonly selectors: readonly string[];
  readonly bases: readonly string[];
  readonly changes: readonly (readonly [address: string, value: string])[];
}

export const outcomeText = (outcome: Outcome): OutcomeText => ({
  vector: outcome.vector,
  errorCode: hex(outcome.errorCode),
  cr2: hex(outcome.cr2),
  rip: hex(outcome.rip),
  flags: hex(outcome.flags),
  gpr: outcome.gpr.map(hex),
  selectors: outcome.selectors.map(hex),
  bases: outcome.bases.map(hex),
  changes: outcome.changes.map(({ address, value }) => [hex(address), hex(value)] as const),
});

export const parseOutcome = (text: OutcomeText): Outcome => ({
  vector: text.vector,
  errorCode: Number(unhex(text.errorCode)),
  cr2: unhex(text.cr2),
  rip: unhex(text.rip),
  flags: Number(unhex(text.flags)),
  gpr: text.gpr.map(unhex),
  selectors: text.selectors.map((value) => Number(unhex(value))),
  bases: [unhex(text.bases[0]!), unhex(text.bases[1]!)],
  changes: text.changes.map(([address, value]) => ({ address: Number(unhex(address)), value: unhex(value) })),
});
