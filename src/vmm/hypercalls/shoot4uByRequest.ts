import type { Pcpu } from '../pcpu.ts';
import { FLUSH_CEILING_PAGES, flushOfContext, flushOfPages, flushTranslations } from '../translationFlush.ts';
import type { HypercallCall } from './hypercall.ts';
import { rangeOf } from './shoot4uPolicies.ts';
import { shoot4uTargets } from './shoot4uTargets.ts';

/**
 * A call of Shoot4U served by remote action requests: one to each core where targets last ran, then polling until all have acted; further targets of a
 * core follow. `call.progress`: bit n says that vCPU n has been dealt with. False while it waits.
 */
export function flushByRequest(call: HypercallCall, pcpu: Pcpu): boolean {
  const { vmm, core } = pcpu;
  const { remoteFlushes } = vmm;
  if (remoteFlushes === undefined) throw new Error('a processor without remote action requests');
  if (pcpu.requested.some((target) => !remoteFlushes.isDone(pcpu, target))) return poll(pcpu);
  pcpu.requested.length = 0;
  const { la, pages } = rangeOf(call.arguments[1], call.arguments[2]);
  for (const { target, where } of shoot4uTargets(call, 0)) {
    const bit = 1n << BigInt(target.id);
    if (call.progress & bit || pcpu.requested.includes(where)) continue;
    call.progress |= bit;
    const flush = pages <= FLUSH_CEILING_PAGES ? flushOfPages(target, la, pages) : flushOfContext(target);
    if (where === pcpu) flushTranslations(core, flush);
    else {
      remoteFlushes.send(pcpu, where, flush);
      pcpu.requested.push(where);
    }
  }
  return pcpu.requested.length === 0 || poll(pcpu);
}

/** Looks again when the line of an action vector could have come over. */
function poll(pcpu: Pcpu): false {
  pcpu.calls.waitUntil(pcpu.core.clock + pcpu.vmm.costs.cacheLineTransfer);
  return false;
}
