import { EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from '../../arch/controlRegisters.ts';
import {
  IA32_APIC_BASE,
  IA32_BIOS_SIGN_ID,
  IA32_CSTAR,
  IA32_EFER,
  IA32_FEATURE_CONTROL,
  IA32_FMASK,
  IA32_FS_BASE,
  IA32_GS_BASE,
  IA32_KERNEL_GS_BASE,
  IA32_LSTAR,
  IA32_MISC_ENABLE,
  IA32_MTRR_DEF_TYPE,
  IA32_MTRRCAP,
  IA32_PAT,
  IA32_STAR,
  IA32_SYSENTER_CS,
  IA32_SYSENTER_EIP,
  IA32_SYSENTER_ESP,
  IA32_TSC,
  IA32_TSC_AUX,
  IA32_TSC_DEADLINE,
  X2APIC_MSR_FIRST,
  X2APIC_MSR_LAST,
} from '../../arch/msr.ts';
import { FS, GS, RAX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { updateMode } from '../mode.ts';
import {
  U64_CSTAR,
  U64_EFER,
  U64_FEATURE_CONTROL,
  U64_FMASK,
  U64_KERNEL_GS_BASE,
  U64_LSTAR,
  U64_MISC_ENABLE,
  U64_PAT,
  U64_SEGMENT_BASE,
  U64_STAR,
  U64_SYSENTER_CS,
  U64_SYSENTER_EIP,
  U64_SYSENTER_ESP,
  U64_TSC_AUX,
  U64_TSC_OFFSET,
} from '../state.ts';
import { exitOnMsr } from '../vmx/intercepts.ts';
import { readApicMsr, writeApicBase, writeApicMsr } from './apicMsr.ts';
import { requirePrivilege } from './privilege.ts';
import { readTsc, readTscDeadline, writeTscDeadline } from './time.ts';

/** MSRs that are nothing but a 64-bit field of the state block; those in CANONICAL take canonical addresses only. */
const PLAIN = new Map<number, number>([
  [IA32_STAR, U64_STAR],
  [IA32_LSTAR, U64_LSTAR],
  [IA32_CSTAR, U64_CSTAR],
  [IA32_FMASK, U64_FMASK],
  [IA32_FS_BASE, U64_SEGMENT_BASE + FS],
  [IA32_GS_BASE, U64_SEGMENT_BASE + GS],
  [IA32_KERNEL_GS_BASE, U64_KERNEL_GS_BASE],
  [IA32_TSC_AUX, U64_TSC_AUX],
  [IA32_SYSENTER_CS, U64_SYSENTER_CS],
  [IA32_SYSENTER_ESP, U64_SYSENTER_ESP],
  [IA32_SYSENTER_EIP, U64_SYSENTER_EIP],
  [IA32_MISC_ENABLE, U64_MISC_ENABLE],
  [IA32_FEATURE_CONTROL, U64_FEATURE_CONTROL],
]);
const CANONICAL = new Set([IA32_LSTAR, IA32_CSTAR, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP]);

/** RDMSR. Raises: #GP(0) at CPL > 0 and for MSRs that do not exist. SDM: Vol. 2, "RDMSR—Read From Model Specific Register". */
export function rdmsr(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const { u64 } = core.state;
  const msr = Number(u64[RCX]! & 0xffff_ffffn);
  if (exitOnMsr(core, insn, msr, false)) return;
  const value = readMsr(core, msr);
  u64[RAX] = value & 0xffff_ffffn;
  u64[RDX] = value >> 32n;
  core.charge(core.costs.msrAccess);
  core.retire(insn);
}

/** WRMSR. Raises: #GP(0) at CPL > 0, for MSRs that do not exist and for values they do not take. SDM: Vol. 2, "WRMSR—Write to Model Specific Register". */
export function wrmsr(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const { u64 } = core.state;
  const msr = Number(u64[RCX]! & 0xffff_ffffn);
  if (exitOnMsr(core, insn, msr, true)) return;
  writeMsr(core, msr, ((u64[RDX]! & 0xffff_ffffn) << 32n) | (u64[RAX]! & 0xffff_ffffn));
  core.charge(core.costs.msrAccess);
  core.attention = true;
  core.retire(insn);
}

/** The value of an MSR. Raises: #GP(0) when it does not exist. */
export function readMsr(core: Core, msr: number): bigint {
  const field = PLAIN.get(msr);
  if (field !== undefined) return core.state.u64[field]!;
  if (msr >= X2APIC_MSR_FIRST && msr <= X2APIC_MSR_LAST) return readApicMsr(core, msr);
  switch (msr) {
    case IA32_EFER:
      return core.state.u64[U64_EFER]!;
    case IA32_PAT:
      return core.state.u64[U64_PAT]!;
    case IA32_APIC_BASE:
      return BigInt(core.apic.base);
    case IA32_TSC:
      return readTsc(core);
    case IA32_TSC_DEADLINE:
      return readTscDeadline(core);
    case IA32_BIOS_SIGN_ID:
    case IA32_MTRRCAP:
      return 0n;
    case IA32_MTRR_DEF_TYPE:
      return 6n;
    default:
      return core.remoteActions?.readMsr(msr) ?? core.raise(VECTOR_GP, 0);
  }
}

/** The MSR holds `value`. Raises: #GP(0). */
export function writeMsr(core: Core, msr: number, value: bigint): void {
  const { u64 } = core.state;
  const field = PLAIN.get(msr);
  if (field !== undefined) {
    if (CANONICAL.has(msr) && !isCanonicalBits(value)) core.raise(VECTOR_GP, 0);
    if ((msr === IA32_FMASK || msr === IA32_TSC_AUX) && value >> 32n !== 0n) core.raise(VECTOR_GP, 0);
    u64[field] = value;
    return;
  }
  if (msr >= X2APIC_MSR_FIRST && msr <= X2APIC_MSR_LAST) return writeApicMsr(core, msr, value);
  switch (msr) {
    case IA32_EFER:
      return writeEfer(core, value);
    case IA32_PAT:
      for (let i = 0n; i < 64n; i += 8n) {
        const type = (value >> i) & 0xffn;
        if (type > 7n || type === 2n || type === 3n) core.raise(VECTOR_GP, 0);
      }
      u64[U64_PAT] = value;
      return;
    case IA32_APIC_BASE:
      return writeApicBase(core, value);
    case IA32_TSC:
      u64[U64_TSC_OFFSET] = BigInt.asUintN(64, value - BigInt(Math.floor(core.clock)));
      return;
    case IA32_TSC_DEADLINE:
      return writeTscDeadline(core, value);
    case IA32_BIOS_SIGN_ID:
    case IA32_MTRR_DEF_TYPE:
      return;
    default:
      if (!core.remoteActions?.writeMsr(msr, value)) core.raise(VECTOR_GP, 0);
  }
}

/** Raises: #GP(0) for reserved bits, and for a change of LME while paging is on. LMA is read-only. */
function writeEfer(core: Core, value: bigint): void {
  const { u64 } = core.state;
  const old = u64[U64_EFER]!;
  const writable = BigInt(EFER_SCE | EFER_LME | EFER_NXE);
  if (value & ~(writable | BigInt(EFER_LMA))) core.raise(VECTOR_GP, 0);
  if ((old ^ value) & BigInt(EFER_LME) && core.mmu.context.paging) core.raise(VECTOR_GP, 0);
  u64[U64_EFER] = (old & ~writable) | (value & writable);
  updateMode(core);
}
