import { VMCS_PLE_WINDOW } from '../../arch/vmcs.ts';
import { yieldOnSpin } from '../directedYield.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Vmm } from '../vmm.ts';
import { skipInstruction } from './skip.ts';

/** Each exit doubles the window of its vCPU, until it is put on a core again: the more often yielding did not help, the rarer it is tried. As KVM has it. */
const GROWTH = 2;
const LARGEST_WINDOW = 2 ** 32 - 1;

/** PAUSE: the guest has been spinning for a while. A preempted sibling may be what it waits for, and runs instead. */
export function handlePause(pcpu: Pcpu, vcpu: Vcpu): void {
  const { vmcs } = vcpu;
  vmcs.writeNumber(VMCS_PLE_WINDOW, Math.min(LARGEST_WINDOW, vmcs.readNumber(VMCS_PLE_WINDOW) * GROWTH));
  skipInstruction(vcpu);
  vcpu.givesWay = yieldOnSpin(pcpu, vcpu);
  vcpu.passedOver = false;
}

/** The vCPU, which comes to a core, has its window as at first. */
export function resetPauseWindow({ configuration }: Vmm, { vmcs }: Vcpu): void {
  const { pauseLoopExiting } = configuration;
  if (pauseLoopExiting !== undefined) vmcs.writeNumber(VMCS_PLE_WINDOW, pauseLoopExiting.window);
}
