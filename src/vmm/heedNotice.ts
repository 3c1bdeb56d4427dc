import type { Notice } from './notice.ts';
import type { Pcpu } from './pcpu.ts';
import type { Vcpu } from './vcpu.ts';
import { giveTo } from './vcpuMove.ts';

/** The core has done what a notice asks for, and the others can read how long its run queue is now. */
export function heedNotice(pcpu: Pcpu, notice: Notice): void {
  const { scheduler, core, vmm } = pcpu;
  switch (notice.kind) {
    case 'changed':
      heedChange(pcpu, notice.vcpu);
      break;
    case 'boost':
      if (notice.vcpu.state === 'runnable') scheduler.boost(notice.vcpu, core.clock);
      break;
    case 'pull': {
      const to = vmm.pcpus[notice.core]!;
      if (scheduler.load > 1) giveTo(pcpu, to, (vcpu) => vmm.placement.mayMove(vcpu, to));
      break;
    }
    case 'word':
      scheduler.told?.(notice.word, core.clock);
      break;
  }
  pcpu.postLoad();
}

function heedChange(pcpu: Pcpu, vcpu: Vcpu): void {
  const { scheduler, core } = pcpu;
  const here = vcpu.home === pcpu;
  if (here && (vcpu.state === 'runnable' || vcpu.state === 'running')) {
    pcpu.residents.add(vcpu);
    scheduler.enqueue(vcpu, core.clock);
    if (scheduler.load > 1) pcpu.vmm.placement.crowded(pcpu);
  } else scheduler.remove(vcpu, core.clock);
}
