/** Which instructions a processor has: the decoder's feature names, and the CPUID bits that advertise them. */
import type { CpuidTable } from './cpuid.ts';

/** Features that every x86-64 processor has, or whose encodings are NOPs or judge for themselves where they are missing. */
const ALWAYS: ReadonlySet<string> = new Set([
  ...['INTEL8086', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'X64', 'CPUID', 'PAUSE', 'RDPMC', 'SMM'],
  // Hints in the space of reserved NOPs, and WBNOINVD, which is WBINVD where it is not known.
  ...['MULTIBYTENOP', 'PREFETCHW', 'PREFETCHWT1', 'CLDEMOTE', 'CET_IBT', 'PREFETCHITI', 'WBNOINVD'],
  // They leave a guest whatever its CPUID says; elsewhere their operations raise #UD.
  ...['VMX', 'INVEPT', 'INVVPID'],
]);

/** Forms of CET that are NOPs where CET is missing; the other ones of their feature are invalid. */
const NOP_MNEMONICS: ReadonlySet<string> = new Set(['Rdsspd', 'Rdsspq']);

const EAX = 0;
const EBX = 1;
const ECX = 2;
const EDX = 3;

/** Leaf, register and bit of each feature, by the decoder's name. SDM: Vol. 2, "CPUID—CPU Identification". */
const BITS: Readonly<Record<string, readonly [leaf: number, register: number, bit: number, subleaf?: number]>> = {
  FPU: [1, EDX, 0],
  FPU287: [1, EDX, 0],
  FPU387: [1, EDX, 0],
  TSC: [1, EDX, 4],
  MSR: [1, EDX, 5],
  CX8: [1, EDX, 8],
  SEP: [1, EDX, 11],
  CMOV: [1, EDX, 15],
  CLFSH: [1, EDX, 19],
  MMX: [1, EDX, 23],
  FXSR: [1, EDX, 24],
  SSE: [1, EDX, 25],
  SSE2: [1, EDX, 26],
  SSE3: [1, ECX, 0],
  PCLMULQDQ: [1, ECX, 1],
  MONITOR: [1, ECX, 3],
  SMX: [1, ECX, 6],
  SSSE3: [1, ECX, 9],
  FMA: [1, ECX, 12],
  CMPXCHG16B: [1, ECX, 13],
  SSE4_1: [1, ECX, 19],
  SSE4_2: [1, ECX, 20],
  MOVBE: [1, ECX, 22],
  POPCNT: [1, ECX, 23],
  AES: [1, ECX, 25],
  XSAVE: [1, ECX, 26],
  AVX: [1, ECX, 28],
  F16C: [1, ECX, 29],
  RDRAND: [1, ECX, 30],
  FSGSBASE: [7, EBX, 0],
  BMI1: [7, EBX, 3],
  AVX2: [7, EBX, 5],
  BMI2: [7, EBX, 8],
  INVPCID: [7, EBX, 10],
  RDSEED: [7, EBX, 18],
  ADX: [7, EBX, 19],
  SMAP: [7, EBX, 20],
  CLFLUSHOPT: [7, EBX, 23],
  CLWB: [7, EBX, 24],
  SHA: [7, EBX, 29],
  RDPID: [7, ECX, 22],
  INVLPGB: [0x8000_0008, EBX, 3],
  XSAVEOPT: [0xd, EAX, 0, 1],
  XSAVEC: [0xd, EAX, 1, 1],
  XSAVES: [0xd, EAX, 3, 1],
  LZCNT: [0x8000_0001, ECX, 5],
  SYSCALL: [0x8000_0001, EDX, 11],
  RDTSCP: [0x8000_0001, EDX, 27],
};

/** True iff an instruction of these features exists on a processor that answers CPUID like this; where not, it raises #UD. */
export function isAdvertised(mnemonic: string, features: readonly string[], cpuid: CpuidTable): boolean {
  if (NOP_MNEMONICS.has(mnemonic)) return true;
  return features.every((feature) => {
    if (ALWAYS.has(feature)) return true;
    const place = BITS[feature];
    if (place === undefined) return false;
    const [leaf, register, bit, subleaf = 0] = place;
    return ((cpuid.query(leaf, subleaf, 0)[register]! >>> bit) & 1) === 1;
  });
}
