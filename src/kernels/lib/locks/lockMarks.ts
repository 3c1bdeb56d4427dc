/** The marks of a lock: what they say is in arch/marks, what they cost in the contract (lock.ts). */
import {
  LOCK_WAIT_IN_ORDER,
  LOCK_WAIT_TICKET,
  LOCK_WAIT_TICKET_SHIFT,
  MARK_LOCK_QUEUED,
  MARK_LOCK_RELEASED,
  MARK_LOCK_TIMED_OUT,
  MARK_LOCK_TRIED,
  MARK_SPIN_BEGIN,
  MARK_SPIN_END,
  WAIT_LOCK,
} from '../../../arch/marks.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { mem } from '../../../asm/operand.ts';
import { dl, eax, edi, edx, esi, type Register, rax, rdi, rdx, rsi } from '../../../asm/register.ts';
import type { GuestParameter, ParameterValues } from '../../parameter.ts';

/** A parameter of every lock. */
export const MARKS: GuestParameter = {
  name: 'lock-marks',
  default: 1,
  min: 0,
  max: 1,
  doc: 'mark acquisitions and releases for observers, two NOPs a pair',
};

/** What waiting for a lock is like. */
export interface Wait {
  /** Instructions of one poll, besides its PAUSE. */
  readonly poll: number;
  /** The lock is given in order of arrival, or meant to be. */
  readonly inOrder: boolean;
  /** Holds the 16-bit ticket, where the first try is marked some time after it was drawn. */
  readonly ticket?: Register<32>;
}

export interface LockMarks {
  /** RDI = lock, RDX = 0 when the core holds it now. Leaves registers and flags alone. */
  tried(): void;
  /** RDI = lock: this core has let go of it. */
  released(): void;
  /** RDI = lock: this core's turn has taken too long, and it competes from now on. */
  timedOut(): void;
  /** RDI = lock: this core, which waits, has joined the line just now. */
  queued(): void;
  /** `body` between the marks of a wait for the lock in RDI, which it gets in RDI. Changes RDX and RSI before `body`. */
  waiting(wait: Wait, body: () => void): void;
  /** `lock_try` answers: EAX = 1 when ZF is set and so the lock is held, else 0. Changes RDX. */
  answerTry(): void;
}

export function lockMarks(a: Assembler, parameters: ParameterValues): LockMarks {
  const marked = parameters[MARKS.name] !== 0;
  const marks: LockMarks = {
    tried() {
      if (marked) a.mark(MARK_LOCK_TRIED);
    },
    released() {
      if (marked) a.mark(MARK_LOCK_RELEASED);
    },
    timedOut() {
      if (marked) a.mark(MARK_LOCK_TIMED_OUT);
    },
    queued() {
      if (marked) a.mark(MARK_LOCK_QUEUED);
    },
    waiting({ poll, inOrder, ticket }, body) {
      const kind = poll | (inOrder ? LOCK_WAIT_IN_ORDER : 0) | (ticket === undefined ? 0 : LOCK_WAIT_TICKET);
      a.mov(rsi, rdi);
      a.mov(edi, WAIT_LOCK);
      if (ticket === undefined) a.mov(edx, kind);
      else {
        a.mov(edx, ticket);
        a.shl(edx, LOCK_WAIT_TICKET_SHIFT);
        a.or(edx, kind);
      }
      a.mark(MARK_SPIN_BEGIN);
      a.mov(rdi, rsi);
      body();
      a.mark(MARK_SPIN_END);
    },
    answerTry() {
      a.comment('0 or LOCK_GAVE_UP, and one more than that');
      a.mov(edx, 0);
      a.setne(dl);
      a.neg(rdx);
      marks.tried();
      a.lea(rax, mem(rdx, 1));
    },
  };
  return marks;
}

/** The lock in RDI, for which this core has waited, has become its own. Changes RDX. */
export function obtained(a: Assembler, marks: LockMarks): void {
  a.xor(edx, edx);
  marks.tried();
}

/** `body`, a wait that is not for the lock to become free, between the marks of one. Changes RDI and RSI before `body`. */
export function spinning(a: Assembler, body: () => void): void {
  a.mov(edi, WAIT_LOCK);
  a.xor(esi, esi);
  a.mark(MARK_SPIN_BEGIN);
  body();
  a.mark(MARK_SPIN_END);
}

/** `lock_try` answers that the lock is not held. */
export function refuse(a: Assembler): void {
  a.xor(eax, eax);
}
