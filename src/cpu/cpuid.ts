import {
  CPUID_1_ECX_AES,
  CPUID_1_ECX_CX16,
  CPUID_1_ECX_MONITOR,
  CPUID_1_ECX_MOVBE,
  CPUID_1_ECX_PCID,
  CPUID_1_ECX_PCLMULQDQ,
  CPUID_1_ECX_POPCNT,
  CPUID_1_ECX_RDRAND,
  CPUID_1_ECX_SSE3,
  CPUID_1_ECX_SSE4_1,
  CPUID_1_ECX_SSE4_2,
  CPUID_1_ECX_SSSE3,
  CPUID_1_ECX_TSC_DEADLINE,
  CPUID_1_ECX_X2APIC,
  CPUID_1_ECX_XSAVE,
  CPUID_1_EDX_APIC,
  CPUID_1_EDX_CLFSH,
  CPUID_1_EDX_CMOV,
  CPUID_1_EDX_CX8,
  CPUID_1_EDX_DE,
  CPUID_1_EDX_FPU,
  CPUID_1_EDX_FXSR,
  CPUID_1_EDX_MMX,
  CPUID_1_EDX_MSR,
  CPUID_1_EDX_PAE,
  CPUID_1_EDX_PAT,
  CPUID_1_EDX_PGE,
  CPUID_1_EDX_PSE,
  CPUID_1_EDX_SEP,
  CPUID_1_EDX_SSE,
  CPUID_1_EDX_SSE2,
  CPUID_1_EDX_TSC,
  CPUID_5_ECX_EXTENSIONS,
  CPUID_5_ECX_MASKED_BREAKS,
  CPUID_5_EDX_C1,
  CPUID_7_EBX_ADX,
  CPUID_7_EBX_BMI1,
  CPUID_7_EBX_BMI2,
  CPUID_7_EBX_CLFLUSHOPT,
  CPUID_7_EBX_CLWB,
  CPUID_7_EBX_ERMS,
  CPUID_7_EBX_FCS_FDS,
  CPUID_7_EBX_FSGSBASE,
  CPUID_7_EBX_INVPCID,
  CPUID_7_EBX_RDSEED,
  CPUID_7_EBX_SMAP,
  CPUID_7_EBX_SMEP,
  CPUID_7_ECX_RDPID,
  CPUID_7_ECX_UMIP,
  CPUID_80000001_ECX_LAHF,
  CPUID_80000001_ECX_LZCNT,
  CPUID_80000001_ECX_PREFETCHW,
  CPUID_80000001_EDX_LM,
  CPUID_80000001_EDX_NX,
  CPUID_80000001_EDX_PAGE1GB,
  CPUID_80000001_EDX_RDTSCP,
  CPUID_80000001_EDX_SYSCALL,
  CPUID_80000007_EDX_INVARIANT_TSC,
  CPUID_D_1_EAX_XSAVEOPT,
} from '../arch/cpuidBits.ts';
import { XCR0_SUPPORTED, XSAVE_AREA_SIZE } from '../arch/extendedState.ts';
import { CPUID_80000008_EBX_INVLPGB, INVLPGB_COUNT_MAX } from '../arch/invlpgb.ts';
import type { ProcessorFeature } from '../arch/processorFeatures.ts';
import { CPUID_7_EDX_CORE_CAPABILITIES } from '../arch/remoteActions.ts';
import { PHYSICAL_ADDRESS_BITS } from '../mmu/tlbEntry.ts';
import { MONITOR_LINE_BYTES } from './addressMonitor.ts';

/** EAX, EBX, ECX, EDX as unsigned 32-bit numbers. */
export type CpuidResult = [eax: number, ebx: number, ecx: number, edx: number];

/** What a profile says about the processor's identity. */
export interface CpuIdentity {
  /** Twelve characters. */
  readonly vendor: string;
  /** Up to 48 characters. */
  readonly brand: string;
  /** CPUID.1:EAX. */
  readonly signature: number;
  /** Features that not every profile has; none by default. */
  readonly features?: readonly ProcessorFeature[];
}

/** As the MMU has them (mmu/tlbEntry, PHYSICAL_ADDRESS_BITS). */
const PHYSICAL_BITS = PHYSICAL_ADDRESS_BITS;
const LINEAR_BITS = 48;

/**
 * What CPUID answers. A feature is advertised if and only if it is implemented.
 * SDM: Vol. 2, "CPUID—CPU Identification".
 */
export class CpuidTable {
  private readonly identity: CpuIdentity;
  private readonly tscHz: number;
  private readonly cores: number;

  constructor(identity: CpuIdentity, tscHz: number, cores: number) {
    this.identity = identity;
    this.tscHz = tscHz;
    this.cores = cores;
  }

  /** @param apicId of the core that executes the instruction. */
  query(leaf: number, subleaf: number, apicId: number): CpuidResult {
    switch (leaf) {
      case 0:
        return [0x16, ...vendorWords(this.identity.vendor)];
      case 1:
        return [
          this.identity.signature,
          ((apicId & 0xff) << 24) | (Math.min(this.cores, 255) << 16) | (8 << 8),
          FEATURES_1_ECX,
          FEATURES_1_EDX,
        ];
      case 5:
        return [MONITOR_LINE_BYTES, MONITOR_LINE_BYTES, CPUID_5_ECX_EXTENSIONS | CPUID_5_ECX_MASKED_BREAKS, CPUID_5_EDX_C1];
      case 7:
        return subleaf === 0
          ? [
              0,
              FEATURES_7_EBX,
              CPUID_7_ECX_UMIP | CPUID_7_ECX_RDPID,
              this.identity.features?.includes('rar') ? CPUID_7_EDX_CORE_CAPABILITIES : 0,
            ]
          : [0, 0, 0, 0];
      case 0xb:
        return this.topology(subleaf, apicId);
      case 0xd:
        // All components lie in the legacy region: the size is the same whatever XCR0 enables.
        if (subleaf === 0) return [XCR0_SUPPORTED, XSAVE_AREA_SIZE, XSAVE_AREA_SIZE, 0];
        return [subleaf === 1 ? CPUID_D_1_EAX_XSAVEOPT : 0, 0, 0, 0];
      case 0x15:
        // Crystal ratio 1:1 at the TSC frequency.
        return [1, 1, this.tscHz, 0];
      case 0x16: {
        const mhz = Math.round(this.tscHz / 1e6);
        return [mhz, mhz, 100, 0];
      }
      case 0x8000_0000:
        return [0x8000_0008, 0, 0, 0];
      case 0x8000_0001:
        return [0, 0, CPUID_80000001_ECX_LAHF | CPUID_80000001_ECX_LZCNT | CPUID_80000001_ECX_PREFETCHW, FEATURES_EXTENDED_EDX];
      case 0x8000_0002:
      case 0x8000_0003:
      case 0x8000_0004:
        return words(this.identity.brand.padEnd(48, '\0').slice((leaf - 0x8000_0002) * 16)) as CpuidResult;
      case 0x8000_0007:
        return [0, 0, 0, CPUID_80000007_EDX_INVARIANT_TSC];
      case 0x8000_0008:
        return this.identity.features?.includes('invlpgb')
          ? [PHYSICAL_BITS | (LINEAR_BITS << 8), CPUID_80000008_EBX_INVLPGB, 0, INVLPGB_COUNT_MAX]
          : [PHYSICAL_BITS | (LINEAR_BITS << 8), 0, 0, 0];
      default:
        return [0, 0, 0, 0];
    }
  }

  /** One thread a core, all cores in one package. */
  private topology(subleaf: number, apicId: number): CpuidResult {
    if (subleaf === 0) return [0, 1, 1 << 8, apicId];
    if (subleaf === 1) return [Math.ceil(Math.log2(Math.max(this.cores, 2))), this.cores, (2 << 8) | 1, apicId];
    return [0, 0, subleaf, apicId];
  }
}

const VECTOR_1_ECX =
  CPUID_1_ECX_SSE3 | CPUID_1_ECX_PCLMULQDQ | CPUID_1_ECX_SSSE3 | CPUID_1_ECX_SSE4_1 | CPUID_1_ECX_SSE4_2 | CPUID_1_ECX_AES;
const FEATURES_1_ECX =
  VECTOR_1_ECX |
  CPUID_1_ECX_MONITOR |
  CPUID_1_ECX_CX16 |
  CPUID_1_ECX_PCID |
  CPUID_1_ECX_X2APIC |
  CPUID_1_ECX_MOVBE |
  CPUID_1_ECX_POPCNT |
  CPUID_1_ECX_TSC_DEADLINE |
  CPUID_1_ECX_XSAVE |
  CPUID_1_ECX_RDRAND;
const FEATURES_1_EDX =
  CPUID_1_EDX_DE |
  CPUID_1_EDX_SEP |
  CPUID_1_EDX_CLFSH |
  CPUID_1_EDX_FPU |
  CPUID_1_EDX_PSE |
  CPUID_1_EDX_TSC |
  CPUID_1_EDX_MSR |
  CPUID_1_EDX_PAE |
  CPUID_1_EDX_CX8 |
  CPUID_1_EDX_APIC |
  CPUID_1_EDX_PGE |
  CPUID_1_EDX_CMOV |
  CPUID_1_EDX_PAT |
  CPUID_1_EDX_MMX |
  CPUID_1_EDX_FXSR |
  CPUID_1_EDX_SSE |
  CPUID_1_EDX_SSE2;
const FEATURES_7_EBX =
  CPUID_7_EBX_RDSEED |
  CPUID_7_EBX_CLFLUSHOPT |
  CPUID_7_EBX_CLWB |
  CPUID_7_EBX_FSGSBASE |
  CPUID_7_EBX_BMI1 |
  CPUID_7_EBX_SMEP |
  CPUID_7_EBX_BMI2 |
  CPUID_7_EBX_ERMS |
  CPUID_7_EBX_FCS_FDS |
  CPUID_7_EBX_INVPCID |
  CPUID_7_EBX_ADX |
  CPUID_7_EBX_SMAP;
const FEATURES_EXTENDED_EDX =
  CPUID_80000001_EDX_SYSCALL | CPUID_80000001_EDX_NX | CPUID_80000001_EDX_PAGE1GB | CPUID_80000001_EDX_RDTSCP | CPUID_80000001_EDX_LM;

/** Little-endian words of 16 characters. */
function words(text: string): number[] {
  return [0, 4, 8, 12].map((at) => [3, 2, 1, 0].reduce((word, i) => word * 256 + text.charCodeAt(at + i), 0));
}

/** EBX, ECX, EDX of leaf 0: the vendor's characters go to EBX, EDX, ECX. */
function vendorWords(vendor: string): [number, number, number] {
  const [ebx = 0, edx = 0, ecx = 0] = words(vendor.padEnd(16, '\0'));
  return [ebx, ecx, edx];
}

/** EBX, ECX, EDX of the hypervisor leaf, in this order. */
export function hypervisorWords(signature: string): [number, number, number] {
  const [ebx = 0, ecx = 0, edx = 0] = words(signature.padEnd(16, '\0'));
  return [ebx, ecx, edx];
}
