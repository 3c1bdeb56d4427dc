/**
 * Writing to stream sockets: `sys_sendto`, `socket_write` (RDI = descriptor, RSI = user address, RDX = bytes), and `socket_send`, which is both, with RCX = flags →
 * RAX = bytes, or an error when there were none. `socket_message_free(RDI = message)`: it is free, and its writer’s bound with it.
 *
 * Linux 3.5's way (net/unix/af_unix.c), in short: room is waited for; a message is taken, and filled from user memory without any spinlock; under the lock of the other
 * end, which must still read, and that of its queue, it becomes the last one; then whoever waits there is woken. Who frees a message and finds the bound
 * at a quarter or less wakes those who wait for room.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at } from '../../asm/operand.ts';
import { eax, ecx, edi, r8, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { EAGAIN, EISCONN, EOPNOTSUPP, EPIPE } from './errors.ts';
import { MESSAGE_MOST, Message } from './messageBuffer.ts';
import { CLOSED_READ, CLOSED_WRITE, other, SocketEnd } from './socket.ts';

/** [F] What a socket's unread messages may count for: net.core.wmem_default of Linux on x86-64, 256 messages of 256 bytes (`SK_WMEM_MAX`). */
export const SEND_BOUND = 212_992;
/** [R-hi] Writers are woken when no more than this part of it is taken (`unix_writable`). */
const WRITABLE_PART = 4;

export const MSG_DONTWAIT = 0x40;
/** There are no signals: it is as if everybody said so. */
export const MSG_NOSIGNAL = 0x4000;

export function socketSend(a: Assembler): void {
  a.proc('socket_write', {}, () => {
    a.xor(ecx, ecx);
    a.jmp('socket_send');
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
}
