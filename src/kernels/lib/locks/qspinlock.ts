/**
 * Queued spinlock, as in Linux: one word for the uncontended case, a bit for the first waiter, and a queue in which each polls a node of its own
 * for the others. In order of arrival, but for who comes while the lock is free.
 *
 * Layout: bits 7:0 1 when held; bits 15:8 1 when a core is `pending`: it waits for the holder, and for nobody else; bits 31:16 code of the last node
 * of the queue (queueNodes.ts), 0 when there is none.
 *
 *   free → held, by CMPXCHG on the whole word
 *   held, nobody waits → pending, by BTS; then it polls the held byte, and moves from pending to held by one store
 *   otherwise → a node at the end of the queue; when it is the first, it polls held and pending, and takes the lock
 *
 * Ordering: CMPXCHG, BTS and XCHG are full barriers. Held is set by plain stores only where nobody else may set it: by the pending core,
 * and by the first of the queue while neither held nor pending is set. The release is a plain store of the held byte.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem16, mem32 } from '../../../asm/operand.ts';
import { record, u8, u16 } from '../../../asm/record.ts';
import { ax, cx, eax, ecx, edx, r10, r10d, r11d, rcx, rdi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { type LockMarks, lockMarks, MARKS, obtained, refuse } from './lockMarks.ts';
import { giveQueueNodeBack, nodeBefore, QueueNode, queueNodes, takeQueueNode } from './queueNodes.ts';

export const QueuedLock = record({ held: u8, pending: u8, tail: u16 });
const PENDING = 0x100;
const PENDING_BIT = 8;
/** The pending core takes over within a few cycles of the release, if it runs: who comes just then looks so many times before it queues. */
const HANDOVER_POLLS = 512;

export const qspinlock: LockAlgorithm = {
  name: 'qspinlock',
  doc: 'queued spinlock with a pending bit (Linux)',
  parameters: [MARKS],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.include(queueNodes);

    a.proc('lock_acquire', {}, () => {
      takeFree(a, marks);
      a.return_if('e');

      marks.waiting({ poll: 3, inOrder: true }, () => {
        a.comment('EAX = the lock as it was: about to be taken over by the pending core?');
        a.mov(ecx, HANDOVER_POLLS);
        a.while_(
          () => a.cmp(eax, PENDING),
          'e',
          () => {
            a.pause();
            a.mov(eax, mem32(rdi));
            a.dec(ecx);
            a.break_if('z');
          },
        );
        a.test(eax, ~0xff);
        a.jnz('.queue');

        a.lock.bts(mem32(rdi), PENDING_BIT);
        marks.queued();
        a.jc('.queue');
        a.comment('a queue has formed meanwhile: its first comes before this core');
        a.cmp(at(rdi, QueuedLock.tail), 0);
        a.if_('ne', () => {
          a.mov(at(rdi, QueuedLock.pending), 0);
          a.jmp('.queue');
        });
        a.loop(() => {
          a.cmp(at(rdi, QueuedLock.held), 0);
          a.break_if('e');
          a.pause();
        });
        a.mov(mem16(rdi), 1);
        obtained(a, marks);
        a.jmp('.done');

        a.label('.queue');
        takeQueueNode(a);
        joinQueue(a, marks);
        a.if_('nz', () => {
          linkBehind(a);
          a.repeat_while('e', () => {
            a.pause();
            a.cmp(at(r10, QueueNode.first), 0);
          });
        });

        a.comment('first in the queue');
        a.loop(() => {
          a.mov(eax, mem32(rdi));
          a.test(ax, ax);
          a.break_if('z');
          a.pause();
        });
        a.comment('and last? Then the lock is held without a queue');
        a.mov(ecx, eax);
        a.shr(ecx, 16);
        a.cmp(ecx, r11d);
        a.if_('e', () => {
          a.mov(edx, 1);
          a.lock.cmpxchg(mem32(rdi), edx);
          a.jz('.alone');
        });
        a.mov(at(rdi, QueuedLock.held), 1);
        obtained(a, marks);
        a.comment('somebody is behind, or was about to be pending and will be');
        waitForNext(a);
        a.mov(at(rcx, QueueNode.first), 1);
        a.jmp('.leave');
        a.label('.alone');
        obtained(a, marks);
        a.label('.leave');
        giveQueueNodeBack(a);
        a.label('.done');
      });
    });

    writeQueuedTry(a, marks);

    a.proc('lock_release', {}, () => {
      a.mov(at(rdi, QueuedLock.held), 0);
      marks.released();
    });
  },
};

/** ZF and held, when nobody held, was pending or queued; else EAX = the lock as it was. Changes RDX. */
export function takeFree(a: Assembler, marks: LockMarks): void {
  a.xor(eax, eax);
  a.mov(edx, 1);
  a.lock.cmpxchg(mem32(rdi), edx);
  a.mov(edx, eax);
  marks.tried();
}

/** The node with the code R11 is the last of the queue. ECX = code of the one before, ZF when there is none. */
export function joinQueue(a: Assembler, marks: LockMarks): void {
  a.mov(ecx, r11d);
  a.xchg(at(rdi, QueuedLock.tail), cx);
  marks.queued();
  a.test(ecx, ecx);
}

/** The node R10 is linked behind the one with the code RCX. Changes RCX. */
export function linkBehind(a: Assembler): void {
  nodeBefore(a);
  a.mov(at(rcx, QueueNode.next), r10d);
}

/** RCX = the node behind R10, once it is there: it has joined the queue, and is about to link itself. */
export function waitForNext(a: Assembler): void {
  a.loop(() => {
    a.mov(ecx, at(r10, QueueNode.next));
    a.test(ecx, ecx);
    a.break_if('nz');
    a.pause();
  });
}

/** `lock_try`: only a lock that nobody holds or waits for. */
export function writeQueuedTry(a: Assembler, marks: LockMarks): void {
  a.proc('lock_try', {}, () => {
    a.cmp(mem32(rdi), 0);
    a.jne('.busy');
    a.xor(eax, eax);
    a.mov(edx, 1);
    a.lock.cmpxchg(mem32(rdi), edx);
    marks.answerTry();
    a.return_();
    a.label('.busy');
    refuse(a);
  });
}
