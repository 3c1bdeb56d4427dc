/**
 * The contract of a spinlock: 64 bits of memory, 8-byte aligned, zero when new, and three procedures:
 *
 *   lock_acquire(RDI = lock)        returns holding it
 *   lock_try(RDI = lock) → EAX      1: it is held now; 0: it was not free, or somebody was faster; never waits
 *   lock_release(RDI = lock)        on the core that acquired it
 *
 * `lock_setup` runs once, on core 0 at boot, and ends the run with a message when the algorithm lacks something.
 *
 * A lock orders memory: what its holder wrote is seen by the next holder. A core may hold several locks, released in any order. A lock that an
 * interrupt handler takes is taken with interrupts off everywhere else; handlers run with interrupts off, and may take locks while what they
 * interrupted waits for others. RFLAGS.IF comes out of each procedure as it went in. A holder is not moved to another core.
 *
 * Marks (arch/marks) tell observers who waits and who holds: two NOPs, so two cycles, for an uncontended acquisition and release, which the
 * parameter `lock-marks=0` leaves out; and those of the wait loop, off the fast path.
 */
import { KVM_FEATURE_PV_UNHALT, KVM_SIGNATURE } from '../../../arch/hypervisorCpuid.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { eax, edi, rbx } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import type { GuestParameter, ParameterValues } from '../../parameter.ts';
import { hypervisor, requireBit, requireInterface } from '../hypervisor.ts';

export interface LockAlgorithm {
  readonly name: string;
  readonly doc: string;
  /** The hypercall it cannot do without (arch/hypercalls), or undefined when it runs on bare cores too. */
  readonly hypercall?: number | undefined;
  readonly parameters: readonly GuestParameter[];
  /** Writes `lock_acquire`, `lock_try` and `lock_release`. */
  readonly write: (a: Assembler, parameters: ParameterValues) => void;
}

/** A lock algorithm whose parameters have values. */
export interface ChosenLock {
  readonly name: string;
  /** Writes its procedures and `lock_setup`. */
  readonly write: (a: Assembler) => void;
}

/** @param values one for each of the algorithm's parameters; others do no harm. */
export function chooseLock(algorithm: LockAlgorithm, values: ParameterValues): ChosenLock {
  return {
    name: algorithm.name,
    write(a) {
      algorithm.write(a, values);
      writeSetup(a, algorithm);
    },
  };
}

function writeSetup(a: Assembler, { name, hypercall }: LockAlgorithm): void {
  if (hypercall === undefined) {
    a.proc('lock_setup', {}, () => {});
    return;
  }
  a.include(hypervisor);
  a.proc('lock_setup', { saves: [rbx] }, () => {
    a.comment('halted cores are woken by a hypercall that the hypervisor has to offer');
    requireInterface(a, name, KVM_SIGNATURE, 1);
    requireBit(a, name, eax, KVM_FEATURE_PV_UNHALT);
  });
}

/** The lock at a symbol is held. */
export function acquire(a: Assembler, symbol: string): void {
  a.mov(edi, addr(symbol));
  a.call('lock_acquire');
}

/** EAX = 1 and the lock at a symbol is held, or EAX = 0 and it is not. */
export function tryAcquire(a: Assembler, symbol: string): void {
  a.mov(edi, addr(symbol));
  a.call('lock_try');
}

/** The lock at a symbol, which this core held, is free. */
export function release(a: Assembler, symbol: string): void {
  a.mov(edi, addr(symbol));
  a.call('lock_release');
}
