/**
 * What leaves a guest: for each event and instruction that a VMM can intercept, one function that performs the VM exit when the
 * controls ask for it and answers whether it did. In root operation all answer false.
 * SDM: Vol. 3, "Instructions That Cause VM Exits"; "Other Causes of VM Exits".
 */
import { CR0_TS } from '../../arch/controlRegisters.ts';
import {
  EXIT_CPUID,
  EXIT_CR_ACCESS,
  EXIT_EPT_MISCONFIGURATION,
  EXIT_EPT_VIOLATION,
  EXIT_EXCEPTION_OR_NMI,
  EXIT_EXTERNAL_INTERRUPT,
  EXIT_HLT,
  EXIT_INTERRUPT_WINDOW,
  EXIT_INVLPG,
  EXIT_INVPCID,
  EXIT_IO,
  EXIT_MONITOR,
  EXIT_MOV_DR,
  EXIT_MWAIT,
  EXIT_NMI_WINDOW,
  EXIT_PAUSE,
  EXIT_PREEMPTION_TIMER,
  EXIT_RDMSR,
  EXIT_RDPMC,
  EXIT_RDTSC,
  EXIT_TASK_SWITCH,
  EXIT_TRIPLE_FAULT,
  EXIT_WBINVD,
  EXIT_WRMSR,
  EXIT_XSETBV,
} from '../../arch/exitReasons.ts';
import { VECTOR_DB, VECTOR_NMI, VECTOR_PF } from '../../arch/vectors.ts';
import {
  VMCS_CR0_GUEST_HOST_MASK,
  VMCS_CR0_READ_SHADOW,
  VMCS_CR3_TARGET_COUNT,
  VMCS_CR4_GUEST_HOST_MASK,
  VMCS_CR4_READ_SHADOW,
  VMCS_EXIT_CONTROLS,
  VMCS_EXIT_INSTRUCTION_INFO,
  VMCS_EXIT_INTERRUPTION_ERROR_CODE,
  VMCS_GUEST_LINEAR_ADDRESS,
  VMCS_GUEST_PHYSICAL_ADDRESS,
  VMCS_IO_BITMAP_A,
  VMCS_IO_BITMAP_B,
  VMCS_MSR_BITMAPS,
  VMCS_PAGE_FAULT_MASK,
  VMCS_PAGE_FAULT_MATCH,
} from '../../arch/vmcs.ts';
import {
  EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT,
  INTERRUPTION_EXTERNAL,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PRIMARY_CR3_LOAD_EXITING,
  PRIMARY_CR3_STORE_EXITING,
  PRIMARY_CR8_LOAD_EXITING,
  PRIMARY_CR8_STORE_EXITING,
  PRIMARY_HLT_EXITING,
  PRIMARY_INTERRUPT_WINDOW_EXITING,
  PRIMARY_INVLPG_EXITING,
  PRIMARY_MONITOR_EXITING,
  PRIMARY_MOV_DR_EXITING,
  PRIMARY_MWAIT_EXITING,
  PRIMARY_NMI_WINDOW_EXITING,
  PRIMARY_RDPMC_EXITING,
  PRIMARY_RDTSC_EXITING,
  PRIMARY_UNCONDITIONAL_IO_EXITING,
  PRIMARY_USE_IO_BITMAPS,
  PRIMARY_USE_MSR_BITMAPS,
  SECONDARY_WBINVD_EXITING,
} from '../../arch/vmxControls.ts';
import { FAULT_EPT_VIOLATION } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, REPEAT_NONE } from '../decode/instruction.ts';
import type { EventOrigin } from '../events/delivery.ts';
import type { GuestFault } from '../guestFault.ts';
import {
  BLOCKING_BY_NMI,
  F64_PLE_FIRST,
  F64_PLE_GAP,
  F64_PLE_LAST,
  F64_PLE_WINDOW,
  I32_CPL,
  I32_INTERRUPTIBILITY,
  I32_PAUSE_INTERCEPTED,
  PAUSE_EXITS,
  PAUSE_LOOP_EXITS,
  U64_RIP,
} from '../state.ts';
import { vmExit } from './exit.ts';
import { interruptionInfo } from './vectoring.ts';

/** An instruction that exits whenever it is executed in a guest, or under a primary control. */
function exitOnInstruction(core: Core, insn: Instruction, control: number, reason: number, qualification = 0): boolean {
  if (!core.nonRoot || (control !== 0 && !(core.vmx.primary & control))) return false;
  vmExit(core, reason, qualification, insn.length);
  return true;
}

export const exitOnCpuid = (core: Core, insn: Instruction): boolean => exitOnInstruction(core, insn, 0, EXIT_CPUID);
export const exitOnHlt = (core: Core, insn: Instruction): boolean => exitOnInstruction(core, insn, PRIMARY_HLT_EXITING, EXIT_HLT);
export const exitOnRdtsc = (core: Core, insn: Instruction): boolean => exitOnInstruction(core, insn, PRIMARY_RDTSC_EXITING, EXIT_RDTSC);
export const exitOnRdpmc = (core: Core, insn: Instruction): boolean => exitOnInstruction(core, insn, PRIMARY_RDPMC_EXITING, EXIT_RDPMC);
export const exitOnInvlpg = (core: Core, insn: Instruction, la: number): boolean =>
  exitOnInstruction(core, insn, PRIMARY_INVLPG_EXITING, EXIT_INVLPG, la);
export const exitOnInvpcid = (core: Core, insn: Instruction): boolean =>
  exitOnInstruction(core, insn, PRIMARY_INVLPG_EXITING, EXIT_INVPCID);
export const exitOnMonitor = (core: Core, insn: Instruction): boolean =>
  exitOnInstruction(core, insn, PRIMARY_MONITOR_EXITING, EXIT_MONITOR);
/** Qualification: whether an address range was monitored. */
export const exitOnMwait = (core: Core, insn: Instruction): boolean =>
  exitOnInstruction(core, insn, PRIMARY_MWAIT_EXITING, EXIT_MWAIT, core.monitor.armed ? 1 : 0);
export const exitOnXsetbv = (core: Core, insn: Instruction): boolean => exitOnInstruction(core, insn, 0, EXIT_XSETBV);
export const exitOnVmxInstruction = (core: Core, insn: Instruction, reason: number): boolean => exitOnInstruction(core, insn, 0, reason);

export function exitOnWbinvd(core: Core, insn: Instruction): boolean {
  return (core.vmx.secondary & SECONDARY_WBINVD_EXITING) !== 0 && exitOnInstruction(core, insn, 0, EXIT_WBINVD);
}

/**
 * PAUSE exiting, or PAUSE-loop exiting: at CPL 0, a PAUSE no more than PLE_Gap after the last belongs to the same loop, and a loop older than
 * PLE_Window exits. `engines/jit/pauseEmitter` computes the same.
 *
 * The gap is counted from the end of the last PAUSE, which the manual leaves open: processors whose PAUSE alone takes longer than the usual gap find
 * loops, too. SDM: Vol. 3, "Instructions That Cause VM Exits Conditionally" (PAUSE).
 */
export function exitOnPause(core: Core, insn: Instruction): boolean {
  const { f64, i32 } = core.state;
  const intercepted = i32[I32_PAUSE_INTERCEPTED];
  if (intercepted === PAUSE_EXITS) return exitOnInstruction(core, insn, 0, EXIT_PAUSE);
  if (intercepted !== PAUSE_LOOP_EXITS || i32[I32_CPL] !== 0) return false;
  const now = core.clock;
  if (now - f64[F64_PLE_LAST]! > f64[F64_PLE_GAP]!) f64[F64_PLE_FIRST] = now;
  if (now - f64[F64_PLE_FIRST]! > f64[F64_PLE_WINDOW]!) return exitOnInstruction(core, insn, 0, EXIT_PAUSE);
  f64[F64_PLE_LAST] = now + insn.cycles;
  return false;
}

/** RDMSR and WRMSR: by the MSR bitmaps, or always without them. The four 1 KB bitmaps: read low, read high, write low, write high. */
export function exitOnMsr(core: Core, insn: Instruction, msr: number, write: boolean): boolean {
  if (!core.nonRoot) return false;
  const { vmx } = core;
  if (vmx.primary & PRIMARY_USE_MSR_BITMAPS) {
    const low = msr <= 0x1fff;
    const high = msr >= 0xc000_0000 && msr <= 0xc000_1fff;
    if (low || high) {
      const bit = msr & 0x1fff;
      const byte = vmx.current!.readNumber(VMCS_MSR_BITMAPS) + (write ? 2048 : 0) + (high ? 1024 : 0) + (bit >> 3);
      if (!(core.memory.bytes[byte]! & (1 << (bit & 7)))) return false;
    }
  }
  return exitOnInstruction(core, insn, 0, write ? EXIT_WRMSR : EXIT_RDMSR);
}

/** Whether the controls ask for an exit when these ports are accessed. */
function interceptsPorts({ vmx, memory }: Core, port: number, bytes: number): boolean {
  if (!(vmx.primary & PRIMARY_USE_IO_BITMAPS)) return (vmx.primary & PRIMARY_UNCONDITIONAL_IO_EXITING) !== 0;
  let intercepted = port + bytes > 0x1_0000;
  for (let p = port; p < port + bytes && !intercepted; p++) {
    const bitmap = vmx.current!.readNumber(p < 0x8000 ? VMCS_IO_BITMAP_A : VMCS_IO_BITMAP_B);
    intercepted = (memory.bytes[bitmap + ((p & 0x7fff) >> 3)]! & (1 << (p & 7))) !== 0;
  }
  return intercepted;
}

/** IN and OUT. Qualification: size - 1 in 2:0, direction in 3, immediate in 6, port in 31:16. */
export function exitOnIo(core: Core, insn: Instruction, port: number, bytes: number, input: boolean): boolean {
  if (!core.nonRoot || !interceptsPorts(core, port, bytes)) return false;
  const immediate = insn.operands[input ? 1 : 0]!.kind === 2 ? 1 << 6 : 0;
  return exitOnInstruction(core, insn, 0, EXIT_IO, (bytes - 1) | (input ? 8 : 0) | immediate | ((port << 16) >>> 0));
}

/**
 * INS and OUTS. Qualification as for IN and OUT, with 4 set, and 5 under a repeat prefix. Instruction information: address size in 9:7, segment of
 * OUTS in 17:15. SDM: Vol. 3, "Exit Qualification for I/O Instructions"; "Format of the VM-Exit Instruction-Information Field as Used for INS and OUTS".
 * @param la linear address of the element in memory, 64 bits, not checked.
 */
export function exitOnStringIo(core: Core, insn: Instruction, port: number, bytes: number, input: boolean, la: bigint): boolean {
  if (!core.nonRoot || !interceptsPorts(core, port, bytes)) return false;
  const vmcs = core.vmx.current!;
  vmcs.write(VMCS_GUEST_LINEAR_ADDRESS, la);
  vmcs.writeNumber(VMCS_EXIT_INSTRUCTION_INFO, ((insn.addressWidth >> 5) << 7) | (input ? 0 : insn.segment << 15));
  const repeated = insn.repeat === REPEAT_NONE ? 0 : 1 << 5;
  return exitOnInstruction(core, insn, 0, EXIT_IO, (bytes - 1) | (input ? 8 : 0) | (1 << 4) | repeated | ((port << 16) >>> 0));
}

/**
 * MOV to and from CRn. Writes of CR0 and CR4 exit when they would change a bit that the VMM owns from what its shadow shows.
 * Qualification: register in 3:0, access type in 5:4 (0 to, 1 from), general register in 11:8.
 */
export function exitOnControlRegister(core: Core, insn: Instruction, control: number, gpr: number, write: boolean): boolean {
  if (!core.nonRoot) return false;
  const { primary, current } = core.vmx;
  let exits = false;
  if (control === 3)
    exits = write ? (primary & PRIMARY_CR3_LOAD_EXITING) !== 0 && !isCr3Target(core) : (primary & PRIMARY_CR3_STORE_EXITING) !== 0;
  else if (control === 8) exits = (primary & (write ? PRIMARY_CR8_LOAD_EXITING : PRIMARY_CR8_STORE_EXITING)) !== 0;
  else if (write && (control === 0 || control === 4)) {
    const mask = current!.read(control === 0 ? VMCS_CR0_GUEST_HOST_MASK : VMCS_CR4_GUEST_HOST_MASK);
    const shadow = current!.read(control === 0 ? VMCS_CR0_READ_SHADOW : VMCS_CR4_READ_SHADOW);
    exits = ((core.state.u64[gpr]! ^ shadow) & mask) !== 0n;
  }
  return exits && exitOnInstruction(core, insn, 0, EXIT_CR_ACCESS, control | (write ? 0 : 1 << 4) | (gpr << 8));
}

/** LMSW exits when it would change a bit that the VMM owns from what its shadow shows; PE only when it sets it. Access type 3. */
export function exitOnLmsw(core: Core, insn: Instruction, source: number): boolean {
  if (!core.nonRoot) return false;
  const { current } = core.vmx;
  const mask = current!.readNumber(VMCS_CR0_GUEST_HOST_MASK);
  const shadow = current!.readNumber(VMCS_CR0_READ_SHADOW);
  const changed = ((source ^ shadow) & mask & 0xe) | (source & ~shadow & mask & 1);
  return changed !== 0 && exitOnInstruction(core, insn, 0, EXIT_CR_ACCESS, (3 << 4) | ((source << 16) >>> 0));
}

/** MOV to and from DRn. Qualification: register in 2:0, direction in 4 (1 from), general register in 11:8. */
export const exitOnDebugRegister = (core: Core, insn: Instruction, number: number, gpr: number, write: boolean): boolean =>
  exitOnInstruction(core, insn, PRIMARY_MOV_DR_EXITING, EXIT_MOV_DR, number | (write ? 0 : 1 << 4) | (gpr << 8));

/** A task switch always leaves a guest. Qualification: selector in 15:0, source in 31:30. SDM: Vol. 3, "Exit Qualification for Task Switches". */
export function exitOnTaskSwitch(core: Core, selector: number, source: 'call' | 'iret' | 'jump' | 'interrupt', length: number): boolean {
  if (!core.nonRoot) return false;
  vmExit(core, EXIT_TASK_SWITCH, selector + ['call', 'iret', 'jump', 'interrupt'].indexOf(source) * 2 ** 30, length);
  return true;
}

/** CLTS exits when the VMM owns CR0.TS and its shadow shows it set. Access type 2. */
export function exitOnClts(core: Core, insn: Instruction): boolean {
  if (!core.nonRoot) return false;
  const { current } = core.vmx;
  const owned = current!.read(VMCS_CR0_GUEST_HOST_MASK) & current!.read(VMCS_CR0_READ_SHADOW) & BigInt(CR0_TS);
  return owned !== 0n && exitOnInstruction(core, insn, 0, EXIT_CR_ACCESS, 2 << 4);
}

/** CR3-target values are not offered (CR3-target count 0). */
function isCr3Target(core: Core): boolean {
  if (core.vmx.current!.readNumber(VMCS_CR3_TARGET_COUNT) !== 0) throw new Error('CR3-target values are not implemented');
  return false;
}

/**
 * Exceptions by the exception bitmap; #PF also by its error code against mask and match.
 * @param detail the linear address of a #PF, signed; the causes of a #DB as in DR6: the exit qualification.
 */
export function exitOnException(core: Core, vector: number, errorCode: number, detail: number, origin: EventOrigin): boolean {
  if (!core.nonRoot || (origin === 'software' && vector !== 3 && vector !== 4)) return false;
  const { vmx } = core;
  let exits = (vmx.exceptionBitmap & (1 << vector)) !== 0;
  if (vector === VECTOR_PF) {
    const vmcs = vmx.current!;
    const matches = (errorCode & vmcs.readNumber(VMCS_PAGE_FAULT_MASK)) === vmcs.readNumber(VMCS_PAGE_FAULT_MATCH);
    exits = exits === matches;
  }
  if (!exits) return false;
  const software = origin === 'software' || origin === 'privileged';
  if (software) core.state.u64[U64_RIP] = vmx.softwareInterruptRip;
  vmx.current!.writeNumber(VMCS_EXIT_INTERRUPTION_ERROR_CODE, Math.max(errorCode, 0));
  vmExit(
    core,
    EXIT_EXCEPTION_OR_NMI,
    vector === VECTOR_PF || vector === VECTOR_DB ? detail : 0,
    software ? vmx.softwareInterruptLength : 0,
    interruptionInfo(vector, errorCode, origin),
  );
  return true;
}

/** An NMI in a guest exits under NMI exiting. */
export function exitOnNmi(core: Core): boolean {
  if (!core.nonRoot || !(core.vmx.pin & PIN_NMI_EXITING)) return false;
  core.pendingNmi = false;
  vmExit(core, EXIT_EXCEPTION_OR_NMI, 0, 0, interruptionInfo(VECTOR_NMI, -1, 'external'));
  return true;
}

/** An external interrupt in a guest exits under external-interrupt exiting, whatever RFLAGS.IF says; the vector is acknowledged when asked for. */
export function exitOnExternalInterrupt(core: Core): boolean {
  if (!core.nonRoot || !(core.vmx.pin & PIN_EXTERNAL_INTERRUPT_EXITING)) return false;
  let info = 0;
  if (core.vmx.current!.readNumber(VMCS_EXIT_CONTROLS) & EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT) {
    info = INTERRUPTION_VALID + (INTERRUPTION_EXTERNAL << INTERRUPTION_TYPE_SHIFT) + core.apic.acknowledge();
  }
  vmExit(core, EXIT_EXTERNAL_INTERRUPT, 0, 0, info);
  return true;
}

/** Interrupt-window exiting: the guest could take an interrupt now. */
export function exitOnInterruptWindow(core: Core, shadow: boolean): boolean {
  if (!core.nonRoot || !(core.vmx.primary & PRIMARY_INTERRUPT_WINDOW_EXITING) || shadow || !core.interruptsEnabled) return false;
  vmExit(core, EXIT_INTERRUPT_WINDOW, 0);
  return true;
}

/** NMI-window exiting: the guest could take a virtual NMI now. */
export function exitOnNmiWindow(core: Core, shadow: boolean): boolean {
  if (!core.nonRoot || !(core.vmx.primary & PRIMARY_NMI_WINDOW_EXITING) || shadow) return false;
  if (core.state.i32[I32_INTERRUPTIBILITY]! & BLOCKING_BY_NMI) return false;
  vmExit(core, EXIT_NMI_WINDOW, 0);
  return true;
}

export function exitOnTripleFault(core: Core): boolean {
  if (!core.nonRoot) return false;
  vmExit(core, EXIT_TRIPLE_FAULT, 0);
  return true;
}

/** An access left the guest through EPT; the MMU's fault record has the particulars. */
export function exitOnEptFault(core: Core, fault: GuestFault): void {
  const { kind, gpa, qualification } = core.mmu.fault;
  const vmcs = core.vmx.current!;
  vmcs.writeNumber(VMCS_GUEST_PHYSICAL_ADDRESS, gpa);
  vmcs.write(VMCS_GUEST_LINEAR_ADDRESS, BigInt.asUintN(64, BigInt(fault.la)));
  if (kind === FAULT_EPT_VIOLATION) vmExit(core, EXIT_EPT_VIOLATION, qualification);
  else vmExit(core, EXIT_EPT_MISCONFIGURATION, 0);
}

export function preemptionTimerExit(core: Core): void {
  vmExit(core, EXIT_PREEMPTION_TIMER, 0);
}
