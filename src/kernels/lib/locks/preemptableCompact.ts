/**
 * The compact form of the preemptable ticket lock: tickets go up by two, and bit 0 of `head` says that the lock is held. So one locked addition of 1
 * releases it: it carries out of bit 0, clears it, and serves the next ticket. What its two users share is here.
 *
 * A waiter's patience, in polls, is computed once, from its place in the line when it came. After that, or when its turn has come, it competes: by
 * a CMPXCHG that sets bit 0 of whatever `head` is then. A core that was passed over is served by patience, too.
 *
 * Layout: bits 15:0 `head`, bits 31:16 `tail`. Equal, and even, when nobody holds or waits.
 * Ordering: XADD, CMPXCHG and the locked addition are full barriers.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem, mem32 } from '../../../asm/operand.ts';
import { record, u16 } from '../../../asm/record.ts';
import { al, ax, cx, dl, dx, eax, ecx, edx, r8d, r9d, rax, rdi } from '../../../asm/register.ts';
import { type LockMarks, refuse } from './lockMarks.ts';

export const CompactLock = record({ head: u16, tail: u16 });
export const HELD = 1;
const STEP = 2;
const ONE_TAIL = STEP << 16;

/** Instructions of a poll in line. */
export const COMPACT_POLL = 7;

/** Draws a ticket, R8D, while R9D is served, and takes the lock, with ZF set, if that is the one and nobody competes for it. Changes RAX, RCX, RDX. */
export function drawTicket(a: Assembler, marks: LockMarks): void {
  a.mov(eax, ONE_TAIL);
  a.lock.xadd(mem32(rdi), eax);
  a.mov(r8d, eax);
  a.shr(r8d, 16);
  a.movzx(eax, ax);
  a.mov(r9d, eax);
  a.cmp(eax, r8d);
  a.if_('e', () => setHeld(a));
  a.mov(edx, 0);
  a.setne(dl);
  marks.tried();
  a.test(edx, edx);
}

/**
 * R8D, R9D as `drawTicket` left them: waits until R8D is served or patience has run out. Changes RCX, RDX, R9.
 *
 * The place in the line is that of the moment when the ticket was drawn: a little later `head` may be beyond it, and the place nearly 2^16.
 */
export function waitForTurn(a: Assembler, marks: LockMarks, shift: number): void {
  a.and(r9d, ~HELD);
  a.mov(edx, r8d);
  a.sub(edx, r9d);
  a.movzx(edx, dx);
  a.shr(edx, 1);
  a.shl(edx, shift);
  a.test(edx, edx);
  a.jz('.due');
  a.loop(() => {
    a.movzx(ecx, at(rdi, CompactLock.head));
    a.and(ecx, ~HELD);
    a.cmp(ecx, r8d);
    a.je('.due');
    a.dec(edx);
    a.break_if('z');
    a.pause();
  });
  marks.timedOut();
  a.label('.due');
}

/** One try at a lock that looks free: ZF and held by this core, or not. EAX = `head` as it was seen, then as it is. Changes RCX, RDX. */
export function compete(a: Assembler, marks: LockMarks): void {
  setHeld(a);
  a.mov(edx, 0);
  a.setne(dl);
  marks.tried();
  a.test(edx, edx);
}

/** ZF set when the lock looks free, EAX = `head`. */
export function looksFree(a: Assembler): void {
  a.movzx(eax, at(rdi, CompactLock.head));
  a.test(al, HELD);
}

/** `lock_try`: only when nobody holds or waits, and then all at once. */
export function writeCompactTry(a: Assembler, marks: LockMarks): void {
  a.proc('lock_try', {}, () => {
    a.mov(eax, mem32(rdi));
    a.mov(ecx, eax);
    a.rol(ecx, 16);
    a.cmp(ecx, eax);
    a.jne('.busy');
    a.comment('32 bits: a carry out of `tail` is lost');
    a.lea(edx, mem(rax, ONE_TAIL + HELD));
    a.lock.cmpxchg(mem32(rdi), edx);
    marks.answerTry();
    a.return_();
    a.label('.busy');
    refuse(a);
  });
}

/** The lock is free, and the next ticket is served. */
export function letGo(a: Assembler, marks: LockMarks): void {
  a.lock.add(at(rdi, CompactLock.head), 1);
  marks.released();
}

/** `head`, which is EAX and even, gets bit 0: ZF when it did. Changes RCX. */
function setHeld(a: Assembler): void {
  a.lea(ecx, mem(rax, HELD));
  a.lock.cmpxchg(at(rdi, CompactLock.head), cx);
}
