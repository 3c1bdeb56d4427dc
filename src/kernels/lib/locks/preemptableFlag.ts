/**
 * Preemptable ticket locks whose holder is a flag beside the tickets: what the first two published versions have in common.
 *
 * A waiter first waits for its turn, but not for ever: its patience is a number of polls in proportion to how many are before it. When that runs out
 * it competes with whoever else does, by test-and-set on the flag, which alone decides who holds the lock. So the order is the
 * tickets' as long as everybody runs, and a core that does not run holds up those behind it for no longer than their patience.
 *
 * Layout: bits 15:0 `head`, the ticket being served; bits 31:16 `tail`, the next ticket; bits 63:32 the flag, 1 when held. Each acquisition
 * moves `tail` once and each release `head` once, whatever the order, so they are equal when nobody holds or waits.
 * Ordering: the XADD and the XCHG are full barriers; so is the locked increment of `head`, after which a plain store clears the flag.
 *
 * Departure from the published code: competing waiters read before they exchange.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem, mem32, mem64 } from '../../../asm/operand.ts';
import { record, u16, u32 } from '../../../asm/record.ts';
import { ax, dx, eax, ecx, edx, esi, rax, rcx, rdi, rdx } from '../../../asm/register.ts';
import type { GuestParameter, ParameterValues } from '../../parameter.ts';
import { type LockMarks, lockMarks, refuse } from './lockMarks.ts';

const FlagLock = record({ head: u16, tail: u16, held: u32 });
const ONE_TAIL = 0x1_0000;

/** The parameter of all preemptable locks, with the default of a version. */
export const unit = (shift: number): GuestParameter => ({
  name: 'lock-unit',
  default: shift,
  min: 0,
  max: 14,
  doc: 'a waiter has a patience of 2^n polls for each one before it',
});

export interface PassedOver {
  /** Instructions of the test. */
  readonly length: number;
  /** EAX = own ticket, ESI = `head`: jumps to `label` when the ticket is being served, or has been. May change R8. */
  test(label: string): void;
}

/** Writes the three procedures. */
export function writeFlagLock(a: Assembler, parameters: ParameterValues, passedOver: PassedOver): void {
  const marks = lockMarks(a, parameters);
  const shift = parameters['lock-unit']!;

  a.proc('lock_acquire', {}, () => {
    a.mov(eax, ONE_TAIL);
    a.lock.xadd(mem32(rdi), eax);
    a.comment('EAX = own ticket, ECX = the one being served');
    a.movzx(ecx, ax);
    a.shr(eax, 16);
    a.mov(edx, 1);
    a.cmp(eax, ecx);
    a.if_('e', () => a.xchg(at(rdi, FlagLock.held), edx));
    marks.tried();
    a.test(edx, edx);
    a.return_if('z');

    marks.waiting({ poll: passedOver.length + 6, inOrder: true, ticket: eax }, () => {
      patience(a, shift);
      a.jz('.compete');
      a.loop(() => {
        a.movzx(esi, at(rdi, FlagLock.head));
        passedOver.test('.compete');
        a.cmp(esi, ecx);
        a.if_('ne', () => {
          a.comment('the line has moved: the patience is that of the new place');
          a.mov(ecx, esi);
          patience(a, shift);
        });
        a.dec(edx);
        a.break_if('z');
        a.pause();
      });
      marks.timedOut();
      a.label('.compete');
      compete(a, marks);
    });
  });

  a.comment('only when nobody holds or waits, and then all at once');
  a.proc('lock_try', {}, () => {
    a.mov(rax, mem64(rdi));
    a.mov(ecx, eax);
    a.rol(ecx, 16);
    a.cmp(ecx, eax);
    a.jne('.busy');
    a.mov(rcx, rax);
    a.shr(rcx, 32);
    a.jnz('.busy');
    a.comment('32 bits: a carry out of `tail` is lost');
    a.lea(edx, mem(rax, ONE_TAIL));
    a.bts(rdx, 32);
    a.lock.cmpxchg(mem64(rdi), rdx);
    marks.answerTry();
    a.return_();
    a.label('.busy');
    refuse(a);
  });

  a.proc('lock_release', {}, () => {
    a.lock.inc(at(rdi, FlagLock.head));
    a.mov(at(rdi, FlagLock.held), 0);
    marks.released();
  });
}

/** EDX = polls that a ticket EAX waits while ECX is served, ZF when there are none. */
function patience(a: Assembler, shift: number): void {
  a.mov(edx, eax);
  a.sub(edx, ecx);
  a.movzx(edx, dx);
  a.shl(edx, shift);
  a.test(edx, edx);
}

/** Test-and-set until the flag is this core's. Changes EDX. */
function compete(a: Assembler, marks: LockMarks): void {
  a.loop(() => {
    a.loop(() => {
      a.cmp(at(rdi, FlagLock.held), 0);
      a.break_if('e');
      a.pause();
    });
    a.mov(edx, 1);
    a.xchg(at(rdi, FlagLock.held), edx);
    marks.tried();
    a.test(edx, edx);
    a.break_if('z');
  });
}
