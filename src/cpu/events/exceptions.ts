import { formatLinear } from '../../arch/addresses.ts';
import { DR7_GD } from '../../arch/debugRegisters.ts';
import {
  formatVector,
  VECTOR_DB,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from '../../arch/vectors.ts';
import { COUNTER_EXCEPTIONS, COUNTER_PAGE_FAULTS } from '../../trace/counters.ts';
import { EVENT_EXCEPTION } from '../../trace/events.ts';
import type { Core } from '../core.ts';
import { FAULT_STOP, GuestFault } from '../guestFault.ts';
import { ACTIVITY_SHUTDOWN, U64_CR2, U64_DR6, U64_DR7, U64_RIP } from '../state.ts';
import { exitOnEptFault, exitOnException, exitOnTripleFault } from '../vmx/intercepts.ts';
import { clearVectoring, setVectoring } from '../vmx/vectoring.ts';
import { deliverThroughIdt, type EventOrigin } from './delivery.ts';

const CONTRIBUTORY = (1 << VECTOR_DE) | (1 << VECTOR_TS) | (1 << VECTOR_NP) | (1 << VECTOR_SS) | (1 << VECTOR_GP);

/**
 * What a second exception during the delivery of a first one makes: the vector to deliver, or -1 for a triple fault.
 *
 *   first \ second   benign   contributory   page fault
 *   benign           second   second         second
 *   contributory     second   #DF            second
 *   page fault       second   #DF            #DF
 *   double fault     second   shutdown       shutdown
 *
 * SDM: Vol. 3, "Interrupt 8—Double Fault Exception (#DF)". `first` is -1 for interrupts, which are benign.
 */
export function combineExceptions(first: number, second: number): number {
  const contributory = second < 32 && (CONTRIBUTORY & (1 << second)) !== 0;
  if (first === VECTOR_DF) return contributory || second === VECTOR_PF ? -1 : second;
  if (first === VECTOR_PF) return contributory || second === VECTOR_PF ? VECTOR_DF : second;
  if (first >= 0 && first < 32 && CONTRIBUTORY & (1 << first)) return contributory ? VECTOR_DF : second;
  return second;
}

/**
 * A fault of the current instruction is delivered (RIP is still that of the instruction), or leaves the guest.
 * @param detail the linear address of a #PF, signed; the causes of a #DB as in DR6.
 * Emits: `exception`.
 */
export function raiseFault(core: Core, vector: number, errorCode: number, detail: number): void {
  raiseException(core, vector, errorCode, detail, 'exception');
}

/**
 * Delivers an exception with RIP already where the handler shall return to.
 * @param detail the linear address of a #PF, signed; the causes of a #DB, which DR6 tells unless the exception leaves a guest.
 */
export function raiseException(core: Core, vector: number, errorCode: number, detail: number, origin: EventOrigin): void {
  if (exitOnException(core, vector, errorCode, detail, origin)) return;
  if (core.stopped) return;
  if (vector === VECTOR_DB) {
    core.state.u64[U64_DR6]! |= BigInt(detail);
    core.state.u64[U64_DR7]! &= ~BigInt(DR7_GD);
  }
  if (vector === VECTOR_PF) {
    core.state.u64[U64_CR2] = BigInt.asUintN(64, BigInt(detail));
    core.state.counters[COUNTER_PAGE_FAULTS]!++;
  }
  core.state.counters[COUNTER_EXCEPTIONS]!++;
  if (core.probe.mask & (1 << EVENT_EXCEPTION)) {
    core.probe.event(EVENT_EXCEPTION, core.id, core.clock, vector, Math.max(errorCode, 0), core.rip, detail);
  }
  deliverEvent(core, vector, errorCode, origin);
}

/**
 * Delivers an event through the IDT; faults on the way become the exception, double fault or triple fault that the SDM's table says.
 */
export function deliverEvent(core: Core, vector: number, errorCode: number, origin: EventOrigin): void {
  if (core.watch !== null) core.watch.interrupted = true;
  setVectoring(core, vector, errorCode, origin);
  try {
    deliverThroughIdt(core, vector, origin, errorCode);
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    if (fault.vector === FAULT_STOP) return;
    // The program's own interrupt is restarted: what follows happens at its INT.
    if (origin === 'software' || origin === 'privileged') core.state.u64[U64_RIP] = core.vmx.softwareInterruptRip;
    if (fault.vector >= 0x100) {
      exitOnEptFault(core, fault);
      return;
    }
    const next = combineExceptions(origin === 'exception' ? vector : -1, fault.vector);
    // Exits by a double or triple fault do not count as exits during the delivery.
    if (next < 0 || next === VECTOR_DF) clearVectoring(core);
    if (next < 0) {
      tripleFault(core, vector, fault);
      return;
    }
    raiseException(core, next, next === VECTOR_DF ? 0 : fault.errorCode, fault.la, 'exception');
    return;
  }
  clearVectoring(core);
}

/** The core is shut down; a guest's shutdown is a VM exit, a machine's is its end. */
function tripleFault(core: Core, vector: number, fault: GuestFault): void {
  if (exitOnTripleFault(core)) return;
  core.setActivity(ACTIVITY_SHUTDOWN);
  const address = fault.vector === VECTOR_PF ? ` at ${formatLinear(fault.la)}` : '';
  core.stop({
    kind: 'triple-fault',
    core: core.id,
    detail: `${formatVector(fault.vector)}${address} while delivering ${formatVector(vector)}`,
  });
}
