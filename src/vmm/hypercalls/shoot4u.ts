import { HYPERCALL_SHOOT4U } from '../../arch/hypercalls.ts';
import type { Pcpu } from '../pcpu.ts';
import { flushTranslations, type TranslationFlush } from '../translationFlush.ts';
import type { Hypercall, HypercallCall } from './hypercall.ts';
import { flushByRequest } from './shoot4uByRequest.ts';
import { rangeOf, SHOOT4U_BEHAVIOURS, type Shoot4uBehaviour } from './shoot4uPolicies.ts';
import { shoot4uTargets } from './shoot4uTargets.ts';

/**
 * Shoot4U: the VMM invalidates the TLB entries of the target vCPUs itself, on the physical cores where they last ran, whatever runs there now.
 * Serial policies take one target after the other, as the published code: each a host IPI and a wait for its function to return.
 */
export const shoot4u: Hypercall = {
  number: HYPERCALL_SHOOT4U,
  name: 'shoot4u',
  doc: 'invalidate [start, end) in the TLBs of the vCPUs in a bitmap, running or not (RBX bitmap, RCX start, RDX end; end 0: one page, ~0: all)',
  advance(call, pcpu) {
    const policy = pcpu.vmm.configuration.shoot4u ?? 'mode2';
    const complete = policy === 'rar' ? flushByRequest(call, pcpu) : flushByIpi(call, pcpu, SHOOT4U_BEHAVIOURS[policy]);
    if (complete) call.result = 0n;
    return complete;
  },
};

const flushByIpi = (call: HypercallCall, pcpu: Pcpu, behaviour: Shoot4uBehaviour): boolean =>
  behaviour.multicast ? multicast(call, pcpu, behaviour) : serial(call, pcpu, behaviour);

function serial(call: HypercallCall, pcpu: Pcpu, { flush }: Shoot4uBehaviour): boolean {
  const { la, pages } = rangeOf(call.arguments[1], call.arguments[2]);
  for (const { target, where } of shoot4uTargets(call, Number(call.progress))) {
    const work = flush(target, la, pages);
    if (where === pcpu) flushTranslations(pcpu.core, work);
    else {
      call.progress = BigInt(target.id + 1);
      pcpu.calls.call(where, [work]);
      return false;
    }
  }
  return true;
}

function multicast(call: HypercallCall, pcpu: Pcpu, { flush }: Shoot4uBehaviour): boolean {
  // Called again when the last core has answered.
  if (call.progress !== 0n) return true;
  call.progress = 1n;
  const { la, pages } = rangeOf(call.arguments[1], call.arguments[2]);
  const work = new Map<Pcpu, TranslationFlush[]>();
  for (const { target, where } of shoot4uTargets(call, 0)) {
    const list = work.get(where);
    if (list === undefined) work.set(where, [flush(target, la, pages)]);
    else list.push(flush(target, la, pages));
  }
  for (const [where, list] of work) if (where !== pcpu) pcpu.calls.call(where, list);
  // Its own share while the others are on their way.
  for (const own of work.get(pcpu) ?? []) flushTranslations(pcpu.core, own);
  return !pcpu.calls.waiting;
}
