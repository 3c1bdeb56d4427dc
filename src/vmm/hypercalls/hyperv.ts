import { HYPERCALL_UNKNOWN } from '../../arch/hypercalls.ts';
import {
  HV_FLUSH_ALL_PROCESSORS,
  HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES,
  HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY,
  HV_STATUS_INVALID_ALIGNMENT,
  HV_STATUS_INVALID_HYPERCALL_CODE,
  HV_STATUS_INVALID_HYPERCALL_INPUT,
  HV_STATUS_INVALID_PARAMETER,
  HV_STATUS_SUCCESS,
  HVCALL_FAST,
  HVCALL_FLUSH_LIST,
  HVCALL_FLUSH_SPACE,
  HVFLUSH_FLAGS,
  HVFLUSH_LIST,
  HVFLUSH_PROCESSORS,
  HYPERCALL_HYPERV,
} from '../../arch/hyperv.ts';
import { signedNumber } from '../../cpu/linearMemory.ts';
import { isInGuest } from '../guestEntry.ts';
import type { Pcpu } from '../pcpu.ts';
import { flushOfContext, flushOfPages, type TranslationFlush } from '../translationFlush.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Hypercall, HypercallCall } from './hypercall.ts';

const FLAGS = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES | HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY;
/** A list entry with more pages counts as everything: the host's time is not the guest's. */
const MOST_PAGES = 64;

/**
 * Hyper-V's flush calls, served as KVM serves them: what to flush is put into a queue of each target, and those that are in their guest are taken
 * out by a host interrupt. All empty their queues before they enter their guests again, so it is enough to wait until those have left: never
 * for one that is preempted, and no core is disturbed that runs somebody else.
 *
 * Address spaces and the flag for global mappings are not told apart: a flush by VPID is one for all of them.
 *
 * Deviation: calls with register input (fast) and the Ex variants are refused with HV_STATUS_INVALID_HYPERCALL_INPUT and …_CODE; so are all
 * other calls.
 */
export const hyperv: Hypercall = {
  number: HYPERCALL_HYPERV,
  name: 'hyperv',
  doc: "Hyper-V's interface, by its hypercall page: HvFlushVirtualAddressSpace and …List (RCX control, RDX input)",
  advance(call, pcpu) {
    // Called again when those that were in their guests have left them.
    if (call.progress !== 0n) return true;
    call.progress = 1n;
    call.result = start(call, pcpu);
    return !pcpu.calls.waiting;
  },
};

/** Queues what the call asks for and interrupts whom it must. Returns the result of the call. */
function start({ vcpu, arguments: [, control, input] }: HypercallCall, pcpu: Pcpu): bigint {
  const { vm } = vcpu;
  if (!vm.hyperv.takesHypercalls) return HYPERCALL_UNKNOWN;
  const code = Number(control & 0xffffn);
  const reps = Number((control >> 32n) & 0xfffn);
  const first = Number((control >> 48n) & 0xfffn);
  if (code !== HVCALL_FLUSH_SPACE && code !== HVCALL_FLUSH_LIST) return HV_STATUS_INVALID_HYPERCALL_CODE;
  const list = code === HVCALL_FLUSH_LIST;
  if (control & HVCALL_FAST || list !== reps > 0 || first > reps) return HV_STATUS_INVALID_HYPERCALL_INPUT;
  const bytes = BigInt(HVFLUSH_LIST + 8 * reps);
  if ((input & 7n) !== 0n || (input & 0xfffn) + bytes > 4096n) return HV_STATUS_INVALID_ALIGNMENT;
  if (input + bytes > BigInt(vm.size)) return HV_STATUS_INVALID_PARAMETER;
  const at = vm.base + Number(input);
  const load = (offset: number): bigint => pcpu.core.loadPhysical(8, at + offset);
  const flags = load(HVFLUSH_FLAGS);
  if (flags & ~FLAGS) return HV_STATUS_INVALID_PARAMETER;

  const mask = flags & HV_FLUSH_ALL_PROCESSORS ? ~0n : load(HVFLUSH_PROCESSORS);
  const entries = Array.from({ length: reps - first }, (_, entry) => load(HVFLUSH_LIST + 8 * (first + entry)));
  const kicked = new Set<Pcpu>();
  for (const target of vm.vcpus) {
    // One that never ran has nothing to flush.
    if (!(mask & (1n << BigInt(target.id))) || target.lastRan === undefined) continue;
    pcpu.core.charge(pcpu.vmm.costs.sharedExchange);
    const all = flushOfContext(target);
    for (const flush of list ? entries.map((entry) => flushOfEntry(target, entry)) : [all]) target.flushes.add(flush, all);
    if (target !== vcpu && isInGuest(target)) kicked.add(target.lastRan);
  }
  for (const where of kicked) pcpu.calls.call(where, []);
  return HV_STATUS_SUCCESS | (BigInt(reps) << 32n);
}

function flushOfEntry(target: Vcpu, entry: bigint): TranslationFlush {
  const pages = Number(entry & 0xfffn) + 1;
  return pages > MOST_PAGES ? flushOfContext(target) : flushOfPages(target, signedNumber(entry & ~0xfffn), pages);
}
