/**
 * Reading from stream sockets: `sys_recvfrom`, `socket_read` (RDI = descriptor, RSI = user address, RDX = bytes), and `socket_receive`, which is both, with RCX = flags →
 * RAX = bytes, 0 at the end, or an error when there were none.
 *
 * Linux 3.5's way (net/unix/af_unix.c), in short, one reader at a time: the first message is found under the end's lock, copied without, and taken out under the
 * queue's lock when nothing of it is left; then it is free. A read returns what there is, over several messages, and waits only for the first byte.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at } from '../../asm/operand.ts';
import { ecx, esi, r8, r9, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { EAGAIN, EOPNOTSUPP } from './errors.ts';
import { Message } from './messageBuffer.ts';
import { CLOSED_READ, SocketEnd } from './socket.ts';
import { MSG_DONTWAIT } from './socketSend.ts';

export function socketReceive(a: Assembler): void {
  a.proc('socket_read', {}, () => {
    a.xor(ecx, ecx);
    a.jmp('socket_receive');
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
