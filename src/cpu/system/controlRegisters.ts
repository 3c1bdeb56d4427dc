import {
  CR0_CD,
  CR0_ET,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR3_NO_INVALIDATE_BIT,
  CR4_DE,
  CR4_FSGSBASE,
  CR4_MCE,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_PCE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  CR4_TSD,
  CR4_UMIP,
  EFER_LMA,
  EFER_LME,
} from '../../arch/controlRegisters.ts';
import { CS } from '../../arch/registers.ts';
import { AR_L } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import { PHYSICAL_ADDRESS_BITS } from '../../mmu/tlbEntry.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_CONTROL } from '../decode/instruction.ts';
import { updateMode } from '../mode.ts';
import { I32_SEGMENT_ACCESS, U64_CR0, U64_CR2, U64_CR3, U64_CR4, U64_EFER } from '../state.ts';
import { exitOnClts, exitOnControlRegister } from '../vmx/intercepts.ts';
import { requirePrivilege } from './privilege.ts';

const CR4_SUPPORTED =
  CR4_TSD |
  CR4_DE |
  CR4_PSE |
  CR4_PAE |
  CR4_MCE |
  CR4_PGE |
  CR4_PCE |
  CR4_OSFXSR |
  CR4_OSXMMEXCPT |
  CR4_OSXSAVE |
  CR4_FSGSBASE |
  CR4_PCIDE |
  CR4_SMEP |
  CR4_SMAP |
  CR4_UMIP;

/**
 * MOV to and from control registers.
 * Raises: #GP(0) at CPL > 0 or for reserved bits and forbidden combinations; #UD for registers that do not exist.
 * SDM: Vol. 2, "MOV—Move to/from Control Registers".
 */
export function movControl(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const [destination, source] = insn.operands;
  const write = destination!.kind === OPERAND_CONTROL;
  const control = write ? destination!.register : source!.register;
  const gpr = write ? source!.register : destination!.register;
  if (control !== 0 && control !== 2 && control !== 3 && control !== 4 && control !== 8) core.raise(VECTOR_UD);
  if (exitOnControlRegister(core, insn, control, gpr, write)) return;
  const { u64 } = core.state;
  if (!write) {
    const value = readControlRegister(core, control);
    u64[gpr] = core.codeSize === 64 ? value : value & 0xffff_ffffn;
    core.charge(core.costs.segmentLoad);
  } else {
    let value = core.codeSize === 64 ? u64[gpr]! : u64[gpr]! & 0xffff_ffffn;
    if (core.nonRoot && (control === 0 || control === 4))
      value = core.vmx.keepOwned(control, u64[control === 0 ? U64_CR0 : U64_CR4]!, value);
    writeControlRegister(core, control, value);
    core.charge(control === 3 ? core.costs.writeCr3 : core.costs.controlRegisterWrite);
  }
  core.retire(insn);
}

/** What MOV from a control register reads; in a guest, CR0 and CR4 show the shadows where the VMM owns the bit. */
export function readControlRegister(core: Core, control: number): bigint {
  const { u64 } = core.state;
  switch (control) {
    case 0:
      return core.vmx.shadowedCr0(core, u64[U64_CR0]!);
    case 2:
      return u64[U64_CR2]!;
    case 3:
      return u64[U64_CR3]!;
    case 4:
      return core.vmx.shadowedCr4(core, u64[U64_CR4]!);
    default:
      return BigInt(core.apic.taskPriorityClass);
  }
}

/** The control register holds `value`, with everything that follows from it: mode, invalidations. */
export function writeControlRegister(core: Core, control: number, value: bigint): void {
  switch (control) {
    case 0:
      writeCr0(core, value);
      break;
    case 2:
      core.state.u64[U64_CR2] = value;
      break;
    case 3:
      writeCr3(core, value);
      break;
    case 4:
      writeCr4(core, value);
      break;
    default:
      if (value > 15n) core.raise(VECTOR_GP, 0);
      core.apic.taskPriorityClass = Number(value);
  }
  core.attention = true;
}

/** SDM: Vol. 3, "Control Registers" (CR0); "Initializing IA-32e Mode". */
export function writeCr0(core: Core, value: bigint): void {
  const { u64, i32 } = core.state;
  const next = (Number(value & 0xffff_ffffn) | CR0_ET) >>> 0;
  const old = Number(u64[U64_CR0]!);
  if (value >> 32n !== 0n) core.raise(VECTOR_GP, 0);
  if (next & CR0_PG && !(next & CR0_PE)) core.raise(VECTOR_GP, 0);
  if (next & CR0_NW && !(next & CR0_CD)) core.raise(VECTOR_GP, 0);
  const cr4 = Number(u64[U64_CR4]!);
  const efer = Number(u64[U64_EFER]!);
  const paging = (next & CR0_PG) !== 0;
  if (paging && !(old & CR0_PG) && efer & EFER_LME) {
    if (!(cr4 & CR4_PAE) || i32[I32_SEGMENT_ACCESS + CS]! & AR_L) core.raise(VECTOR_GP, 0);
    u64[U64_EFER] = BigInt(efer | EFER_LMA);
  } else if (!paging && old & CR0_PG) {
    if (cr4 & CR4_PCIDE || (efer & EFER_LMA && core.codeSize === 64)) core.raise(VECTOR_GP, 0);
    u64[U64_EFER] = BigInt(efer & ~EFER_LMA);
  }
  core.mmu.invalidate.movCr0(old, next);
  u64[U64_CR0] = BigInt(next);
  updateMode(core);
}

/** SDM: Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches" (MOV to CR3). */
export function writeCr3(core: Core, value: bigint): void {
  const { u64 } = core.state;
  const pcide = (Number(u64[U64_CR4]!) & CR4_PCIDE) !== 0;
  const keep = pcide && value >> BigInt(CR3_NO_INVALIDATE_BIT) === 1n;
  const address = pcide ? value & ~(1n << BigInt(CR3_NO_INVALIDATE_BIT)) : value;
  if (address >> BigInt(PHYSICAL_ADDRESS_BITS) !== 0n) core.raise(VECTOR_GP, 0);
  u64[U64_CR3] = address;
  updateMode(core);
  if (!keep) core.mmu.invalidate.movCr3(core.mmu.context.pcid);
}

/** SDM: Vol. 3, "Control Registers" (CR4); "Operations that Invalidate TLBs and Paging-Structure Caches" (MOV to CR4). */
export function writeCr4(core: Core, value: bigint): void {
  const { u64 } = core.state;
  const next = Number(value & 0xffff_ffffn);
  const old = Number(u64[U64_CR4]!);
  const longMode = (Number(u64[U64_EFER]!) & EFER_LMA) !== 0;
  if (value >> 32n !== 0n || next & ~(CR4_SUPPORTED | core.vmx.cr4Allowed)) core.raise(VECTOR_GP, 0);
  if (longMode && !(next & CR4_PAE)) core.raise(VECTOR_GP, 0);
  if (next & CR4_PCIDE && !(old & CR4_PCIDE) && (!longMode || (Number(u64[U64_CR3]!) & 0xfff) !== 0)) core.raise(VECTOR_GP, 0);
  u64[U64_CR4] = BigInt(next);
  updateMode(core);
  core.mmu.invalidate.movCr4(old, next);
}

/** CLTS. Raises: #GP(0) at CPL > 0. */
export function clts(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  if (exitOnClts(core, insn)) return;
  const { u64 } = core.state;
  const cleared = u64[U64_CR0]! & ~BigInt(CR0_TS);
  u64[U64_CR0] = core.nonRoot ? core.vmx.keepOwned(0, u64[U64_CR0]!, cleared) : cleared;
  core.retire(insn);
}
