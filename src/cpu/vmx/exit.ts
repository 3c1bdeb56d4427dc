import { PENDING_DEBUG_ENABLED_BREAKPOINT } from '../../arch/debugRegisters.ts';
import {
  VMCS_ENTRY_CONTROLS,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EXIT_CONTROLS,
  VMCS_EXIT_INSTRUCTION_LENGTH,
  VMCS_EXIT_INTERRUPTION_INFO,
  VMCS_EXIT_QUALIFICATION,
  VMCS_EXIT_REASON,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_PENDING_DEBUG,
  VMCS_IDT_VECTORING_ERROR_CODE,
  VMCS_IDT_VECTORING_INFO,
  VMCS_PREEMPTION_TIMER,
} from '../../arch/vmcs.ts';
import {
  ENTRY_CONTROL_IA32E_GUEST,
  EXIT_CONTROL_SAVE_PREEMPTION_TIMER,
  INTERRUPTION_SOFTWARE_INTERRUPT,
  INTERRUPTION_TYPE,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
  PIN_PREEMPTION_TIMER,
  SECONDARY_EPT,
  SECONDARY_UNRESTRICTED_GUEST,
  SECONDARY_VPID,
} from '../../arch/vmxControls.ts';
import { COUNTER_VM_EXITS } from '../../trace/counters.ts';
import { EVENT_VM_EXIT } from '../../trace/events.ts';
import type { Core } from '../core.ts';
import { restoreMode } from '../mode.ts';
import {
  ACTIVITY_ACTIVE,
  ACTIVITY_MWAIT,
  BLOCKING_BY_MOV_SS,
  I32_ACTIVITY,
  I32_INVLPG_INTERCEPTED,
  I32_NON_ROOT,
  I32_PAUSE_INTERCEPTED,
  U64_TSC_OFFSET,
} from '../state.ts';
import { saveGuestState } from './guestState.ts';
import { loadHostState } from './hostState.ts';
import type { Vmcs } from './vmcs.ts';
import { PREEMPTION_TIMER_SHIFT } from './vmx.ts';

/**
 * A VM exit: the guest's state is in the VMCS with the reason, the core is in root operation with the host's state.
 * Translations stay where they are when VPIDs are on; without VPIDs those of VPID 0 go.
 *
 * @param qualification exit qualification; addresses as signed numbers.
 * @param instructionLength for exits caused by an instruction, else 0.
 * Cost: `vmExit`. Emits: `vm-exit`. SDM: Vol. 3, "VM Exits".
 */
export function vmExit(core: Core, reason: number, qualification: number, instructionLength = 0, interruption = 0): void {
  const { vmx, state } = core;
  const vmcs = vmx.current!;
  const { context } = core.mmu;
  if (core.watch !== null) core.watch.interrupted = true;

  // 1. Exit information.
  vmcs.writeNumber(VMCS_EXIT_REASON, reason);
  vmcs.write(VMCS_EXIT_QUALIFICATION, BigInt.asUintN(64, BigInt(qualification)));
  // During the delivery of a software interrupt: that of its INT.
  const softwareVectoring =
    vmx.vectoringInfo !== 0 && (vmx.vectoringInfo & INTERRUPTION_TYPE) >>> INTERRUPTION_TYPE_SHIFT >= INTERRUPTION_SOFTWARE_INTERRUPT;
  vmcs.writeNumber(VMCS_EXIT_INSTRUCTION_LENGTH, softwareVectoring ? vmx.softwareInterruptLength : instructionLength);
  vmcs.writeNumber(VMCS_EXIT_INTERRUPTION_INFO, interruption);
  vmcs.writeNumber(VMCS_IDT_VECTORING_INFO, vmx.vectoringInfo);
  vmcs.writeNumber(VMCS_IDT_VECTORING_ERROR_CODE, vmx.vectoringErrorCode);
  vmx.vectoringInfo = 0;
  // The valid bit of the injected event is cleared by every exit.
  vmcs.writeNumber(VMCS_ENTRY_INTERRUPTION_INFO, vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO) % INTERRUPTION_VALID);

  // 2. Guest state. No field says that the guest waited in MWAIT: the wait is over.
  core.monitor.disarm();
  if (state.i32[I32_ACTIVITY] === ACTIVITY_MWAIT) core.setActivity(ACTIVITY_ACTIVE);
  const rip = core.rip;
  saveGuestState(state, vmcs);
  savePendingDebug(core, vmcs);
  if (vmx.secondary & SECONDARY_UNRESTRICTED_GUEST) {
    // An unrestricted guest may have changed its mode: the next entry must agree.
    const controls = vmcs.readNumber(VMCS_ENTRY_CONTROLS);
    vmcs.writeNumber(VMCS_ENTRY_CONTROLS, context.longMode ? controls | ENTRY_CONTROL_IA32E_GUEST : controls & ~ENTRY_CONTROL_IA32E_GUEST);
  }
  if (vmx.pin & PIN_PREEMPTION_TIMER && vmcs.readNumber(VMCS_EXIT_CONTROLS) & EXIT_CONTROL_SAVE_PREEMPTION_TIMER) {
    const left = Math.max(0, Math.ceil((vmx.preemptionDeadline - core.clock) / 2 ** PREEMPTION_TIMER_SHIFT));
    vmcs.writeNumber(VMCS_PREEMPTION_TIMER, Number.isFinite(left) ? left : 0);
  }
  vmx.preemptionDeadline = Number.POSITIVE_INFINITY;

  // 3. Host state.
  const vpid = context.vpid;
  loadHostState(core, vmcs);
  state.u64[U64_TSC_OFFSET] = vmx.hostTscOffset;
  state.i32[I32_NON_ROOT] = 0;
  state.i32[I32_PAUSE_INTERCEPTED] = 0;
  state.i32[I32_INVLPG_INTERCEPTED] = 0;
  if (!(vmx.secondary & SECONDARY_VPID)) core.mmu.invalidate.vmTransition();
  if (vmx.secondary & SECONDARY_EPT) context.eptRoot = 0;
  context.vpid = 0;
  vmx.pin = 0;
  vmx.primary = 0;
  vmx.secondary = 0;
  vmx.exceptionBitmap = 0;
  restoreMode(core);

  core.charge(core.costs.vmExit);
  state.counters[COUNTER_VM_EXITS]!++;
  vmx.exited = true;
  core.attention = true;
  if (core.probe.mask & (1 << EVENT_VM_EXIT)) core.probe.event(EVENT_VM_EXIT, core.id, core.clock, reason, qualification, rip, vpid);
}

/**
 * Breakpoints that MOV SS has put off are in the guest-state area, where the next entry finds them. The shadow of MOV SS, which ended with the
 * instruction that exits, is there again. SDM: Vol. 3, "Saving Non-Register State".
 */
function savePendingDebug(core: Core, vmcs: Vmcs): void {
  const { pendingDebug } = core;
  vmcs.writeNumber(VMCS_GUEST_PENDING_DEBUG, pendingDebug === 0 ? 0 : pendingDebug | PENDING_DEBUG_ENABLED_BREAKPOINT);
  if (pendingDebug === 0) return;
  vmcs.writeNumber(VMCS_GUEST_INTERRUPTIBILITY, vmcs.readNumber(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_BY_MOV_SS);
  core.pendingDebug = 0;
}
