/**
 * Reading and writing stream sockets: `sys_sendto`, `sys_recvfrom`, and `socket_write`, `socket_read` (RDI = descriptor, RSI = user address, RDX = bytes).
 *
 * Linux 3.5's way (net/unix/af_unix.c), in short. Writing: room is waited for, a message is taken and filled from user memory without any spinlock; under the lock
 * of the other end, which must still be there, and then that of its queue, it becomes the last one; then whoever waits there is woken. Reading, one reader at
 * a time: the first message is found under the end's lock, copied without, and taken out under the queue's lock when nothing of it is left; then it is
 * free, and its writer's bound with it. Who finds that bound at a quarter or less wakes those who wait for room. A read returns what there is, over several messages,
 * and waits only for the first byte.
 *
 * Nobody is woken for nothing, or not at all. A reader puts itself into the queue of waiters under the end's lock, having seen no message; a writer looks at that
 * queue after it let go of the lock under which it put one there. A writer puts itself there, then looks at its bound once more; who lowers it (a locked
 * instruction) looks at the queue afterwards.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at } from '../../asm/operand.ts';
import { eax, ecx, edi, esi, r8, r9, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { EAGAIN, EINTR, EISCONN, EOPNOTSUPP, EPIPE } from './errors.ts';
import { MESSAGE_MOST, Message, messageBuffers } from './messageBuffer.ts';
import { CLOSED_READ, CLOSED_WRITE, other, SocketEnd } from './socket.ts';
import { current, Thread } from './thread.ts';

/** [F] What a socket's unread messages may count for: net.core.wmem_default of Linux on x86-64, 256 messages of 256 bytes (`SK_WMEM_MAX`). */
export const SEND_BOUND = 212_992;
/** [R-hi] Writers are woken when no more than this part of it is taken (`unix_writable`). */
const WRITABLE_PART = 4;

export const MSG_DONTWAIT = 0x40;
/** There are no signals: it is as if everybody said so. */
export const MSG_NOSIGNAL = 0x4000;

export function socketTransfer(a: Assembler): void {
  a.include(messageBuffers);

  a.proc('socket_write', {}, () => {
    a.xor(ecx, ecx);
    a.jmp('socket_send');
  });
  a.proc('socket_read', {}, () => {
    a.xor(ecx, ecx);
    a.jmp('socket_receive');
  });

  a.comment('(descriptor, address, bytes, flags, name of whom it is for, its length): the two are connected, there is nobody else');
  a.proc('sys_sendto', {}, () => {
    a.test(rcx, ~(MSG_DONTWAIT | MSG_NOSIGNAL));
    a.mov(rax, -EOPNOTSUPP);
    a.return_if('nz');
    a.test(r8, r8);
    a.jz('socket_send');
    a.call('socket_get');
    a.test(rax, rax);
    a.return_if('s');
    a.mov(rdi, rax);
    a.call('socket_put');
    a.mov(rax, -EISCONN);
  });

  a.comment('(descriptor, address, bytes, flags, name of whom it is from: never written, address of its length, which is 0)');
  a.proc('sys_recvfrom', { saves: [rbx, rbp, r12] }, () => {
    a.test(rcx, ~MSG_DONTWAIT);
    a.mov(rax, -EOPNOTSUPP);
    a.return_if('nz');
    a.mov(rbp, r8);
    a.mov(rbx, r9);
    a.call('socket_receive');
    a.test(rax, rax);
    a.return_if('s');
    a.test(rbp, rbp);
    a.return_if('z');
    a.mov(r12, rax);
    a.mov(rdi, rbx);
    a.xor(esi, esi);
    a.call('put_user32');
    a.test(rax, rax);
    a.return_if('nz');
    a.mov(rax, r12);
  });

  sending(a);
  receiving(a);

  a.comment('RDI = message, in no queue: it is free, and counts no more. RBX = message');
  a.proc('socket_message_free', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(rdi, at(rbx, Message.owner));
    a.mov(rax, at(rbx, Message.trueSize));
    a.mov(rcx, rax);
    a.neg(rax);
    a.lock.xadd(at(rdi, SocketEnd.sent), rax);
    a.sub(rax, rcx);
    a.cmp(rax, SEND_BOUND / WRITABLE_PART);
    a.if_('be', () => a.call('socket_wake'));
    a.mov(rdi, rbx);
    a.call('message_free');
  });

  a.comment('RBX = end: the running thread is one of those who wait there, and INTERRUPTIBLE. `waitLock` is held');
  a.label('socket_line_up');
  a.lea(rdi, at(rbx, SocketEnd.waitLock));
  a.call('lock_acquire');
  a.lea(rdi, at(rbx, SocketEnd.waiters));
  a.mov(rsi, current);
  a.call('wait_append');
  a.comment('a full barrier, so that what the caller looks at next is looked at after this');
  a.jmp('wait_prepare');

  a.comment('RBX = end: the running thread, which was woken, is not among those who wait there. RAX = 0, or -EINTR when it is to die');
  a.proc('socket_wait_over', { saves: [r12] }, () => {
    a.mov(r12, current);
    a.cmp(at(r12, Thread.waiting), 0);
    a.if_('ne', () => {
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_acquire');
      a.call('socket_step_out');
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_release');
    });
    a.xor(eax, eax);
    a.cmp(at(r12, Thread.dying), 0);
    a.return_if('e');
    a.mov(rax, -EINTR);
  });

  a.comment('the same, with `waitLock` held: somebody may have been faster');
  a.label('socket_step_out');
  a.mov(rsi, current);
  a.cmp(at(rsi, Thread.waiting), 0);
  a.if_('ne', () => {
    a.lea(rdi, at(rbx, SocketEnd.waiters));
    a.call('wait_remove');
  });
  a.ret();
}

/** `socket_send(RDI = descriptor, RSI = user address, RDX = bytes, RCX = flags)` → RAX = bytes, or an error when there were none. */
function sending(a: Assembler): void {
  a.comment('RBX = end, RBP = user address, R12 = bytes left, R13 = bytes done, R14 = message, R15 = flags, then the other end');
  a.proc('socket_send', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.mov(r15, rcx);
    a.xor(r13, r13);
    a.call('socket_get');
    a.test(rax, rax);
    a.return_if('s');
    a.mov(rbx, rax);
    a.test(at(rbx, SocketEnd.closed), CLOSED_WRITE);
    a.if_('nz', () => {
      a.mov(rax, -EPIPE);
      a.jmp('.failed');
    });
    a.while_(
      () => a.test(r12, r12),
      'nz',
      () => {
        a.call('socket_room');
        a.test(rax, rax);
        a.js('.failed');
        a.mov(edi, MESSAGE_MOST);
        a.cmp(rdi, r12);
        a.cmova(rdi, r12);
        a.call('message_alloc');
        a.mov(r14, rax);
        a.mov(at(r14, Message.owner), rbx);
        a.mov(rax, at(r14, Message.trueSize));
        a.lock.add(at(rbx, SocketEnd.sent), rax);
        a.comment('filled while only this thread knows it: page faults may be served');
        a.mov(rdi, at(r14, Message.data));
        a.mov(rsi, rbp);
        a.mov(rdx, at(r14, Message.length));
        a.call('copy_from_user');
        a.test(rax, rax);
        a.js('.unsent');
        a.add(rbp, at(r14, Message.length));
        a.add(r13, at(r14, Message.length));
        a.sub(r12, at(r14, Message.length));
        a.push(r15);
        other(a, r15, rbx);
        a.call('socket_put_last');
        a.mov(rdi, r15);
        a.pop(r15);
        a.test(rax, rax);
        a.if_('s', () => {
          a.sub(r13, at(r14, Message.length));
          a.jmp('.unsent');
        });
        a.call('socket_wake');
      },
    );
    a.jmp('.done');
    a.label('.unsent');
    a.push(rax);
    a.mov(rdi, r14);
    a.call('socket_message_free');
    a.pop(rax);
    a.label('.failed');
    a.comment('what was done counts');
    a.test(r13, r13);
    a.cmovz(r13, rax);
    a.label('.done');
    a.mov(rdi, rbx);
    a.call('socket_put');
    a.mov(rax, r13);
  });

  a.comment('R14 = message, R15 = end: RAX = 0, and the message is the last to be read there; or -EPIPE, as nobody will read it');
  a.proc('socket_put_last', { saves: [rbp] }, () => {
    a.mov(rbp, -EPIPE);
    a.lea(rdi, at(r15, SocketEnd.lock));
    a.call('lock_acquire');
    a.test(at(r15, SocketEnd.closed), CLOSED_READ);
    a.if_('z', () => {
      a.xor(rbp, rbp);
      a.lea(rdi, at(r15, SocketEnd.queueLock));
      a.call('lock_acquire');
      a.mov(rax, at(r15, SocketEnd.tail));
      a.mov(at(r15, SocketEnd.tail), r14);
      a.cmp(at(r15, SocketEnd.head), 0);
      a.if_(
        'e',
        () => a.mov(at(r15, SocketEnd.head), r14),
        () => a.mov(at(rax, Message.next), r14),
      );
      a.lea(rdi, at(r15, SocketEnd.queueLock));
      a.call('lock_release');
    });
    a.lea(rdi, at(r15, SocketEnd.lock));
    a.call('lock_release');
    a.mov(rax, rbp);
  });

  a.comment('RBX = end, R15 = flags: RAX = 0 when one more message may be sent from there, or the error that says why not');
  a.proc('socket_room', {}, () => {
    a.loop(() => {
      a.call('socket_error');
      a.return_if('nz');
      a.mov(rax, -EPIPE);
      a.test(at(rbx, SocketEnd.closed), CLOSED_WRITE);
      a.return_if('nz');
      a.xor(eax, eax);
      a.cmp(at(rbx, SocketEnd.sent), SEND_BOUND);
      a.return_if('b');
      a.mov(rax, -EAGAIN);
      a.test(r15, MSG_DONTWAIT);
      a.return_if('nz');
      a.call('socket_line_up');
      a.cmp(at(rbx, SocketEnd.sent), SEND_BOUND);
      a.jb('.stay');
      a.test(at(rbx, SocketEnd.closed), CLOSED_WRITE);
      a.jnz('.stay');
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_release');
      a.call('thread_block');
      a.call('socket_wait_over');
      a.test(rax, rax);
      a.return_if('s');
      a.jmp('.again');
      a.label('.stay');
      a.comment('there is room meanwhile, or nobody who would make any');
      a.call('socket_step_out');
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_release');
      a.call('thread_stay');
      a.label('.again');
    });
  });

  a.comment('RBX = end: RAX = the error that was to be told, which now is, negated; ZF when there was none');
  a.label('socket_error');
  a.xor(eax, eax);
  a.cmp(at(rbx, SocketEnd.error), 0);
  a.if_('ne', () => a.xchg(at(rbx, SocketEnd.error), rax));
  a.neg(rax);
  a.ret();
}

/** `socket_receive(RDI = descriptor, RSI = user address, RDX = bytes, RCX = flags)` → RAX = bytes, 0 at the end, or an error when there were none. */
function receiving(a: Assembler): void {
  a.comment('RBX = end, RBP = user address, R12 = bytes left, R13 = bytes done, R14 = message, R15 = flags, then bytes of this turn');
  a.proc('socket_receive', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.mov(r15, rcx);
    a.xor(r13, r13);
    a.call('socket_get');
    a.test(rax, rax);
    a.return_if('s');
    a.mov(rbx, rax);
    a.lea(rdi, at(rbx, SocketEnd.readLock));
    a.call('write_lock');
    a.while_(
      () => a.test(r12, r12),
      'nz',
      () => {
        a.lea(rdi, at(rbx, SocketEnd.lock));
        a.call('lock_acquire');
        a.mov(r14, at(rbx, SocketEnd.head));
        a.lea(rdi, at(rbx, SocketEnd.lock));
        a.call('lock_release');
        a.test(r14, r14);
        a.if_('z', () => {
          a.test(r13, r13);
          a.jnz('.done');
          a.call('socket_await');
          a.test(rax, rax);
          a.js('.failed');
          a.jz('.again');
          a.jmp('.done');
        });
        a.mov(rdi, rbp);
        a.mov(rsi, at(r14, Message.data));
        a.mov(rdx, at(r14, Message.length));
        a.cmp(rdx, r12);
        a.cmova(rdx, r12);
        a.push(rdx);
        a.push(rdx);
        a.call('copy_to_user');
        a.pop(rdx);
        a.pop(rdx);
        a.test(rax, rax);
        a.js('.failed');
        a.add(rbp, rdx);
        a.add(r13, rdx);
        a.sub(r12, rdx);
        a.add(at(r14, Message.data), rdx);
        a.sub(at(r14, Message.length), rdx);
        a.comment('the rest of it stays the first to be read');
        a.break_if('nz');
        a.call('socket_take_first');
        a.mov(rdi, r14);
        a.call('socket_message_free');
        a.label('.again');
      },
    );
    a.jmp('.done');
    a.label('.failed');
    a.test(r13, r13);
    a.cmovz(r13, rax);
    a.label('.done');
    a.lea(rdi, at(rbx, SocketEnd.readLock));
    a.call('write_unlock');
    a.mov(rdi, rbx);
    a.call('socket_put');
    a.mov(rax, r13);
  });

  a.comment('RBX = end, R14 = its first message: out of the queue');
  a.label('socket_take_first');
  a.lea(rdi, at(rbx, SocketEnd.queueLock));
  a.call('lock_acquire');
  a.mov(rax, at(r14, Message.next));
  a.mov(at(rbx, SocketEnd.head), rax);
  a.lea(rdi, at(rbx, SocketEnd.queueLock));
  a.jmp('lock_release');

  a.comment('RBX = end, whose readLock is held, R15 = flags. RAX = 0: look again; 1: the end of what there is to read; or an error');
  a.proc('socket_await', { saves: [rbp] }, () => {
    a.lea(rdi, at(rbx, SocketEnd.lock));
    a.call('lock_acquire');
    a.xor(rbp, rbp);
    a.cmp(at(rbx, SocketEnd.head), 0);
    a.jne('.answer');
    a.call('socket_error');
    a.if_('nz', () => {
      a.mov(rbp, rax);
      a.jmp('.answer');
    });
    a.mov(rbp, 1);
    a.test(at(rbx, SocketEnd.closed), CLOSED_READ);
    a.jnz('.answer');
    a.mov(rbp, -EAGAIN);
    a.test(r15, MSG_DONTWAIT);
    a.jnz('.answer');
    a.call('socket_line_up');
    a.lea(rdi, at(rbx, SocketEnd.waitLock));
    a.call('lock_release');
    a.lea(rdi, at(rbx, SocketEnd.lock));
    a.call('lock_release');
    a.comment('other readers may go on meanwhile: one of them may wait, too, or read what comes');
    a.lea(rdi, at(rbx, SocketEnd.readLock));
    a.call('write_unlock');
    a.call('thread_block');
    a.call('socket_wait_over');
    a.mov(rbp, rax);
    a.lea(rdi, at(rbx, SocketEnd.readLock));
    a.call('write_lock');
    a.mov(rax, rbp);
    a.return_();
    a.label('.answer');
    a.lea(rdi, at(rbx, SocketEnd.lock));
    a.call('lock_release');
    a.mov(rax, rbp);
  });
}
