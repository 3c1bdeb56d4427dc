import { VECTOR_GP } from '../../arch/vectors.ts';
import { writeExtendedControl } from '../../cpu/system/extendedControl.ts';
import { injectException } from '../injection.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

/** XSETBV: the vCPU's XCR0 is what the machine's may be; what the processor would refuse is #GP(0). */
export function handleXsetbv(pcpu: Pcpu, vcpu: Vcpu): void {
  const { core, vmm } = pcpu;
  core.charge(vmm.costs.msrEmulation);
  if (writeExtendedControl(core)) skipInstruction(vcpu);
  else injectException(vcpu, VECTOR_GP, 0);
}
