import { PENDING_DEBUG_ENABLED_BREAKPOINT } from '../../arch/debugRegisters.ts';
import { EXIT_ENTRY_FAILURE, EXIT_INVALID_GUEST_STATE } from '../../arch/exitReasons.ts';
import { EPTP_AD } from '../../arch/paging.ts';
import {
  VMCS_ENTRY_EXCEPTION_ERROR_CODE,
  VMCS_ENTRY_INSTRUCTION_LENGTH,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EPTP,
  VMCS_EXCEPTION_BITMAP,
  VMCS_EXIT_QUALIFICATION,
  VMCS_EXIT_REASON,
  VMCS_GUEST_PENDING_DEBUG,
  VMCS_INSTRUCTION_ERROR,
  VMCS_PIN_BASED_CONTROLS,
  VMCS_PLE_GAP,
  VMCS_PLE_WINDOW,
  VMCS_PREEMPTION_TIMER,
  VMCS_PRIMARY_CONTROLS,
  VMCS_SECONDARY_CONTROLS,
  VMCS_TSC_OFFSET,
  VMCS_VPID,
} from '../../arch/vmcs.ts';
import {
  INTERRUPTION_ERROR_CODE_VALID,
  INTERRUPTION_EXTERNAL,
  INTERRUPTION_HARDWARE_EXCEPTION,
  INTERRUPTION_NMI,
  INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
  INTERRUPTION_VECTOR,
  PIN_PREEMPTION_TIMER,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_INVLPG_EXITING,
  PRIMARY_PAUSE_EXITING,
  PRIMARY_TSC_OFFSETTING,
  SECONDARY_EPT,
  SECONDARY_PLE,
  SECONDARY_VPID,
} from '../../arch/vmxControls.ts';
import { COUNTER_INTERRUPTS, COUNTER_VM_ENTRIES } from '../../trace/counters.ts';
import type { Core } from '../core.ts';
import { deliverEvent } from '../events/exceptions.ts';
import { restoreMode } from '../mode.ts';
import {
  ACTIVITY_ACTIVE,
  BLOCKING_BY_NMI,
  F64_PLE_FIRST,
  F64_PLE_GAP,
  F64_PLE_LAST,
  F64_PLE_WINDOW,
  I32_INTERRUPTIBILITY,
  I32_INVLPG_INTERCEPTED,
  I32_NON_ROOT,
  I32_PAUSE_INTERCEPTED,
  PAUSE_EXITS,
  PAUSE_LOOP_EXITS,
  U64_RIP,
  U64_TSC_OFFSET,
} from '../state.ts';
import { checkControls, checkGuestState } from './entryChecks.ts';
import { loadGuestState } from './guestState.ts';
import { checkHostState } from './hostStateChecks.ts';
import type { Vmcs } from './vmcs.ts';
import { PREEMPTION_TIMER_SHIFT } from './vmx.ts';

/** VM-instruction error 7: VM entry with invalid control fields. SDM: Vol. 3, "VM Instruction Error Numbers". */
const ERROR_INVALID_CONTROLS = 7;
/** 8: VM entry with invalid host-state fields. */
const ERROR_INVALID_HOST_STATE = 8;

/**
 * VM entry (VMLAUNCH or VMRESUME) with the current VMCS. On success the core runs the guest, with the event of the entry
 * interruption-information field delivered. Otherwise the answer says what is wrong, the VM-instruction error or the exit reason is in
 * the VMCS, and the core stays in root operation.
 *
 * Cost: `vmEntry`. SDM: Vol. 3, "VM Entries".
 */
export function vmEntry(core: Core): string | undefined {
  const { vmx, state } = core;
  const vmcs = vmx.current;
  if (vmcs === undefined) throw new Error(`core ${core.id}: VM entry without a current VMCS`);

  // 1. Checks on controls, host state and guest state.
  const badControl = checkControls(vmcs);
  if (badControl !== undefined) {
    vmcs.writeNumber(VMCS_INSTRUCTION_ERROR, ERROR_INVALID_CONTROLS);
    return badControl;
  }
  const badHost = checkHostState(vmcs);
  if (badHost !== undefined) {
    vmcs.writeNumber(VMCS_INSTRUCTION_ERROR, ERROR_INVALID_HOST_STATE);
    return badHost;
  }
  const badState = checkGuestState(vmcs);
  if (badState !== undefined) {
    vmcs.writeNumber(VMCS_EXIT_REASON, EXIT_ENTRY_FAILURE + EXIT_INVALID_GUEST_STATE);
    vmcs.writeNumber(VMCS_EXIT_QUALIFICATION, 0);
    return badState;
  }

  // 2. Controls and guest state.
  vmx.pin = vmcs.readNumber(VMCS_PIN_BASED_CONTROLS);
  vmx.primary = vmcs.readNumber(VMCS_PRIMARY_CONTROLS);
  vmx.secondary = vmx.primary & PRIMARY_ACTIVATE_SECONDARY ? vmcs.readNumber(VMCS_SECONDARY_CONTROLS) : 0;
  vmx.exceptionBitmap = vmcs.readNumber(VMCS_EXCEPTION_BITMAP) | 0;
  watchPauses(core, vmcs);
  state.i32[I32_INVLPG_INTERCEPTED] = vmx.primary & PRIMARY_INVLPG_EXITING ? 1 : 0;
  vmx.exited = false;
  // SDM: Vol. 3, "Clearing Address-Range Monitoring".
  core.monitor.disarm();
  vmx.hostTscOffset = state.u64[U64_TSC_OFFSET]!;
  loadGuestState(state, vmcs);
  if (vmx.primary & PRIMARY_TSC_OFFSETTING) state.u64[U64_TSC_OFFSET] = BigInt.asUintN(64, vmx.hostTscOffset + vmcs.read(VMCS_TSC_OFFSET));
  state.i32[I32_NON_ROOT] = 1;

  // 3. Translations: the guest's tags apply from here on.
  const { context } = core.mmu;
  const eptp = vmx.secondary & SECONDARY_EPT ? vmcs.readNumber(VMCS_EPTP) : 0;
  context.eptRoot = Math.floor(eptp / 4096);
  context.eptAccessedDirty = (eptp & EPTP_AD) !== 0;
  context.vpid = vmx.secondary & SECONDARY_VPID ? vmcs.readNumber(VMCS_VPID) : 0;
  if (!(vmx.secondary & SECONDARY_VPID)) core.mmu.invalidate.vmTransition();
  restoreMode(core);

  core.charge(core.costs.vmEntry);
  state.counters[COUNTER_VM_ENTRIES]!++;
  vmx.preemptionDeadline =
    vmx.pin & PIN_PREEMPTION_TIMER
      ? core.clock + vmcs.readNumber(VMCS_PREEMPTION_TIMER) * 2 ** PREEMPTION_TIMER_SHIFT
      : Number.POSITIVE_INFINITY;
  core.attention = true;

  // 4. Event injection.
  const info = vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO);
  core.pendingDebug = info >= INTERRUPTION_VALID ? 0 : vmcs.readNumber(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_ENABLED_BREAKPOINT;
  if (info >= INTERRUPTION_VALID)
    inject(core, info, vmcs.readNumber(VMCS_ENTRY_EXCEPTION_ERROR_CODE), vmcs.readNumber(VMCS_ENTRY_INSTRUCTION_LENGTH));
  return undefined;
}

/** The first PAUSE after an entry is the first of a loop. "PAUSE exiting" goes before "PAUSE-loop exiting". */
function watchPauses({ vmx, state }: Core, vmcs: Vmcs): void {
  if (vmx.primary & PRIMARY_PAUSE_EXITING) state.i32[I32_PAUSE_INTERCEPTED] = PAUSE_EXITS;
  else if (vmx.secondary & SECONDARY_PLE) {
    state.i32[I32_PAUSE_INTERCEPTED] = PAUSE_LOOP_EXITS;
    state.f64[F64_PLE_GAP] = vmcs.readNumber(VMCS_PLE_GAP);
    state.f64[F64_PLE_WINDOW] = vmcs.readNumber(VMCS_PLE_WINDOW);
    state.f64[F64_PLE_FIRST] = Number.NEGATIVE_INFINITY;
    state.f64[F64_PLE_LAST] = Number.NEGATIVE_INFINITY;
  } else state.i32[I32_PAUSE_INTERCEPTED] = 0;
}

/** The event is delivered through the guest's IDT as if it had happened in the guest. SDM: Vol. 3, "Event Injection". */
function inject(core: Core, info: number, errorCode: number, instructionLength: number): void {
  const vector = info & INTERRUPTION_VECTOR;
  const type = (info >>> INTERRUPTION_TYPE_SHIFT) & 7;
  core.setActivity(ACTIVITY_ACTIVE);
  if (type === INTERRUPTION_EXTERNAL) core.state.counters[COUNTER_INTERRUPTS]!++;
  if (type === INTERRUPTION_NMI) core.state.i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_NMI;
  const software = type >= 4;
  if (software) {
    core.vmx.softwareInterruptRip = core.state.u64[U64_RIP]!;
    core.vmx.softwareInterruptLength = instructionLength;
    core.state.u64[U64_RIP]! += BigInt(instructionLength);
  }
  const origin =
    type === INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION
      ? 'privileged'
      : software
        ? 'software'
        : type === INTERRUPTION_HARDWARE_EXCEPTION
          ? 'exception'
          : 'external';
  deliverEvent(core, vector, info & INTERRUPTION_ERROR_CODE_VALID ? errorCode : -1, origin);
}
