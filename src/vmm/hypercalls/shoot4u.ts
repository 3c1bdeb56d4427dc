import { HYPERCALL_SHOOT4U } from '../../arch/hypercalls.ts';
import { flushOfRange, flushTranslations } from '../translationFlush.ts';
import type { Hypercall } from './hypercall.ts';

/**
 * Shoot4U: the VMM invalidates the TLB entries of the target vCPUs itself, on the physical cores where they last ran, whatever runs there now.
 * One target after the other, as in the published code: each a host IPI and a wait for its function to return.
 */
export const shoot4u: Hypercall = {
  number: HYPERCALL_SHOOT4U,
  name: 'shoot4u',
  doc: 'invalidate [start, end) in the TLBs of the vCPUs in a bitmap, running or not (RBX bitmap, RCX start, RDX end; end 0: one page, ~0: all)',
  advance(call, pcpu) {
    const [mask, start, end] = call.arguments;
    const { vm, id } = call.vcpu;
    for (let target = Number(call.progress); target < vm.vcpus.length; target++) {
      if (target === id || !(mask & (1n << BigInt(target)))) continue;
      const { lastRan, vpid } = vm.vcpus[target]!;
      // A vCPU that never ran has no translations anywhere.
      if (lastRan === undefined) continue;
      const flush = flushOfRange(vpid, start, end);
      if (lastRan === pcpu) flushTranslations(pcpu.core, flush);
      else {
        call.progress = BigInt(target + 1);
        pcpu.callRemote(lastRan, flush);
        return false;
      }
    }
    call.result = 0n;
    return true;
  },
};
