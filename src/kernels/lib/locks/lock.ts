/**
 * The contract of a spinlock: 64 bits of memory, zero when free, and two procedures, `lock_acquire(RDI)` and `lock_release(RDI)`.
 *
 * A lock orders memory: what its holder wrote is seen by the next holder. Acquiring spins with PAUSE and says so with marks on the
 * contended path only. Interrupt handlers take no locks, so holders may be interrupted.
 */
import { MARK_SPIN_BEGIN, MARK_SPIN_END, WAIT_LOCK } from '../../../arch/marks.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { edi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';

export interface LockAlgorithm {
  readonly name: string;
  readonly doc: string;
  /** Writes `lock_acquire` and `lock_release`. */
  readonly write: (a: Assembler) => void;
}

/** The lock at a symbol is held. */
export function acquire(a: Assembler, symbol: string): void {
  a.mov(edi, addr(symbol));
  a.call('lock_acquire');
}

/** The lock at a symbol, which this core held, is free. */
export function release(a: Assembler, symbol: string): void {
  a.mov(edi, addr(symbol));
  a.call('lock_release');
}

/** `wait` between the marks of a spin for a lock. Changes RDI. */
export function spinning(a: Assembler, wait: () => void): void {
  a.mov(edi, WAIT_LOCK);
  a.mark(MARK_SPIN_BEGIN);
  wait();
  a.mark(MARK_SPIN_END);
}
