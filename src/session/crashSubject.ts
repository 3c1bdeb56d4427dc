import type { Core } from '../cpu/core.ts';
import { blockTag } from '../cpu/engines/reference/referenceEngine.ts';
import { deriveMode } from '../cpu/mode.ts';
import { CORE_STATE_SIZE, CoreState, I32_CPL } from '../cpu/state.ts';
import { loadGuestState } from '../cpu/vmx/guestState.ts';
import { type PagingContext, resetPagingContext } from '../mmu/pagingContext.ts';
import type { Vcpu } from '../vmm/vcpu.ts';

/** Whose crash it was: a core, or a vCPU as its VMCS and its record hold it. */
export interface CrashSubject {
  readonly title: string;
  readonly core: Core;
  readonly state: CoreState;
  readonly context: PagingContext;
  /** Tag of its blocks in the engine's record. */
  readonly tag: number;
}

/** A core outside VMX. */
export function crashedCore(core: Core): CrashSubject {
  const { state } = core;
  const { context } = core.mmu;
  const title = `core ${core.id}, cycle ${Math.floor(core.clock)}, CPL ${state.i32[I32_CPL]}`;
  return { title, core, state, context, tag: blockTag(core.id, context.vpid) };
}

/** A vCPU that a fault ended: the core itself has the host's registers by now. */
export function crashedVcpu(vcpu: Vcpu): CrashSubject {
  const { core } = vcpu.home;
  const state = new CoreState(new ArrayBuffer(CORE_STATE_SIZE), 0);
  state.u64.set(vcpu.registers);
  loadGuestState(state, vcpu.vmcs);
  const context = resetPagingContext();
  deriveMode(state, context);
  context.vpid = vcpu.vpid;
  context.eptRoot = Math.floor(vcpu.vm.eptp / 4096);
  const title = `VM ${vcpu.vm.id} vCPU ${vcpu.id} on core ${core.id}, cycle ${Math.floor(core.clock)}, CPL ${state.i32[I32_CPL]}`;
  return { title, core, state, context, tag: blockTag(core.id, vcpu.vpid) };
}
