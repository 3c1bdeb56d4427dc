/**
 * Paravirtual queued spinlock, as in Linux: the queue of qspinlock.ts, whose waiters halt after a while. Only the first of the queue must be woken
 * when the lock is released; a hash table (hashedWaiters.ts) tells the holder who that is. Who comes while the lock is free may take it before the
 * queue, once: that keeps the lock busy while a sleeper wakes.
 *
 * Layout: bits 7:0 held: 0, 1, or SLOW = 3 when the first of the queue is in the table; bits 15:8 1 while the first of the queue polls, which keeps
 * others from stealing; bits 31:16 code of the last node of the queue.
 *
 * A node's state: RUNNING; HALTED, when it is not the first and is about to halt; HASHED, when the table has it: it needs a kick at the release.
 * The one before it, when it has taken the lock, says `first`; if it then finds the node HALTED, it puts it into the table itself and leaves it
 * asleep: it could do no more than wait for the release. Whoever removes the entry sets RUNNING, so a node is in the table at most once.
 *
 * Ordering: as qspinlock.ts. Against lost wake-ups: (1) a node stores HALTED by XCHG, then looks at `first`; the one before stores `first`, then
 * looks at HALTED by CMPXCHG. (2) The first of the queue enters the table, then makes held SLOW by XCHG, which also tells it if the lock has become
 * free; the release makes 0 of 1 by CMPXCHG, and if that fails looks into the table, frees the lock, then kicks. The sleeper halts only while held is SLOW.
 */
import { HYPERCALL_KICK_CPU } from '../../../arch/hypercalls.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem16, mem32 } from '../../../asm/operand.ts';
import { al, dl, dx, eax, ecx, edx, r9, r10, r11d, rcx, rdi, rsi } from '../../../asm/register.ts';
import { HashEntry, hashedWaiters } from './hashedWaiters.ts';
import type { LockAlgorithm } from './lock.ts';
import { type LockMarks, lockMarks, MARKS, obtained } from './lockMarks.ts';
import { joinQueue, linkBehind, QueuedLock, takeFree, waitForNext, writeQueuedTry } from './qspinlock.ts';
import { giveQueueNodeBack, QueueNode, queueNodes, takeQueueNode } from './queueNodes.ts';
import { kickCore, SPIN, sleepUnless } from './sleep.ts';

const SLOW = 3;
const PENDING = 0x100;
const RUNNING = 0;
const HALTED = 1;
const HASHED = 2;

export const pvQspinlock: LockAlgorithm = {
  name: 'pv-qspinlock',
  doc: 'queued spinlock whose waiters halt and are kicked, with one attempt to steal (Linux); only in a virtual machine',
  hypercall: HYPERCALL_KICK_CPU,
  parameters: [MARKS, SPIN],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    const polls = 1 << parameters[SPIN.name]!;
    for (const part of [queueNodes, hashedWaiters, kickCore]) a.include(part);

    a.proc('lock_acquire', {}, () => {
      takeFree(a, marks);
      a.return_if('e');
      marks.waiting({ poll: 4, inOrder: true }, () => {
        a.comment('one attempt to take it before the queue');
        a.cmp(mem16(rdi), 0);
        a.jne('.queue');
        takeHeld(a, marks);
        a.jz('.done');

        a.label('.queue');
        takeQueueNode(a);
        joinQueue(a, marks);
        a.jz('.first');
        linkBehind(a);
        waitToBeFirst(a, polls);

        a.label('.first');
        a.mov(at(rdi, QueuedLock.pending), 1);
        a.mov(ecx, polls);
        a.repeat_while('nz', () => {
          a.cmp(at(rdi, QueuedLock.held), 0);
          a.je('.free');
          a.pause();
          a.dec(ecx);
        });
        a.mov(at(rdi, QueuedLock.pending), 0);
        enterTable(a, marks);
        sleepUnless(
          a,
          () => a.cmp(at(rdi, QueuedLock.held), SLOW),
          'ne',
          () => {},
        );
        a.jmp('.first');

        a.label('.free');
        a.comment('from pending to held, unless a thief was faster');
        a.mov(eax, PENDING);
        a.mov(edx, 1);
        a.lock.cmpxchg(mem16(rdi), dx);
        a.mov(edx, 0);
        a.setne(dl);
        marks.tried();
        a.jne('.first');
        a.label('.mine');

        a.comment('last of the queue? Then the lock is held without one');
        a.mov(eax, r11d);
        a.shl(eax, 16);
        a.or(eax, 1);
        a.mov(edx, 1);
        a.lock.cmpxchg(mem32(rdi), edx);
        a.if_('ne', () => {
          waitForNext(a);
          makeFirst(a);
        });
        giveQueueNodeBack(a);
        a.label('.done');
      });
    });

    writeQueuedTry(a, marks);

    a.proc('lock_release', {}, () => {
      a.mov(eax, 1);
      a.xor(edx, edx);
      a.lock.cmpxchg(at(rdi, QueuedLock.held), dl);
      a.if_('e', () => {
        marks.released();
        a.return_();
      });
      a.call('hash_remove');
      a.mov(at(rsi, QueueNode.state), RUNNING);
      a.mov(ecx, at(rsi, QueueNode.core));
      a.mov(at(rdi, QueuedLock.held), 0);
      marks.released();
      a.mov(rdi, rcx);
      a.call('kick_core');
    });
  },
};

/** ZF and held by this core, when nobody held the lock. Changes RAX, RDX. */
function takeHeld(a: Assembler, marks: LockMarks): void {
  a.xor(eax, eax);
  a.mov(edx, 1);
  a.lock.cmpxchg(at(rdi, QueuedLock.held), dl);
  a.mov(edx, eax);
  marks.tried();
}

/** Returns when the node R10 is the first of the queue. */
function waitToBeFirst(a: Assembler, polls: number): void {
  a.loop(() => {
    a.mov(ecx, polls);
    a.repeat_while('nz', () => {
      a.cmp(at(r10, QueueNode.first), 0);
      a.jne('.first');
      a.pause();
      a.dec(ecx);
    });
    sleepUnless(
      a,
      () => {
        a.mov(eax, HALTED);
        a.xchg(at(r10, QueueNode.state), eax);
        a.cmp(at(r10, QueueNode.first), 0);
      },
      'ne',
      () => {
        a.comment('unless the one before has put it into the table meanwhile');
        a.mov(eax, HALTED);
        a.mov(edx, RUNNING);
        a.lock.cmpxchg(at(r10, QueueNode.state), edx);
      },
    );
  });
}

/** The release will find the node R10, the first of the queue; or the lock has become free, and is this core's: jumps to `.mine`. */
function enterTable(a: Assembler, marks: LockMarks): void {
  a.cmp(at(r10, QueueNode.state), HASHED);
  a.if_('ne', () => {
    a.mov(at(r10, QueueNode.state), HASHED);
    a.mov(rsi, r10);
    a.call('hash_insert');
    a.mov(eax, SLOW);
    a.xchg(at(rdi, QueuedLock.held), al);
    a.test(al, al);
    a.if_('z', () => {
      a.mov(at(rdi, QueuedLock.held), 1);
      a.mov(at(r9, HashEntry.lock), 0);
      obtained(a, marks);
      a.jmp('.mine');
    });
  });
}

/** The node RCX is the first of the queue; if it sleeps, the release of the lock, which this core holds, will wake it. */
function makeFirst(a: Assembler): void {
  a.mov(at(rcx, QueueNode.first), 1);
  a.mov(eax, HALTED);
  a.mov(edx, HASHED);
  a.lock.cmpxchg(at(rcx, QueueNode.state), edx);
  a.if_('e', () => {
    a.mov(rsi, rcx);
    a.call('hash_insert');
    a.mov(at(rdi, QueuedLock.held), SLOW);
  });
}
