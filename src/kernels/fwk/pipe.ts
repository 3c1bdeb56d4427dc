/**
 * Pipes: `sys_pipe`, and `pipe_read`, `pipe_write` (RDI = file, RSI = user address, RDX = bytes), `pipe_close` (RDI = file).
 *
 * A pipe holds 64 KB, in pages that it takes as it needs them and keeps. As Linux has it: a read returns what there is, waits when there is nothing, and
 * finds the end when nobody can write any more; a write of at most PIPE_BUF bytes is whole, a longer one may be interleaved; writing what nobody can read
 * is -EPIPE (without a signal: there are none). All under one lock that sleeps; user memory is copied under it, page faults and all.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { aligned, array, record, sizeOf, space, u64 } from '../../asm/record.ts';
import { al, cl, eax, ebx, ecx, edx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { EINTR, EMFILE, EPIPE } from './errors.ts';
import { END, READ_END, WRITE_END } from './file.ts';
import { MAX_PIPES } from './layout.ts';
import { RwSemaphore } from './rwSemaphore.ts';
import { current, Thread } from './thread.ts';
import { WaitQueue } from './waitQueue.ts';

const PAGES = 16;
const CAPACITY = PAGES * 4096;
const PIPE_BUF = 4096;

const Pipe = record({
  used: aligned(64, u64),
  lock: space(sizeOf(RwSemaphore)),
  /** Bytes read and written so far. */
  head: u64,
  tail: u64,
  /** Ends that are open; and calls under way, which keep the pipe. */
  readers: u64,
  writers: u64,
  calls: u64,
  readQueue: space(sizeOf(WaitQueue)),
  writeQueue: space(sizeOf(WaitQueue)),
  pages: array(u64, PAGES),
});

export function pipes(a: Assembler): void {
  a.room('pipe_table', MAX_PIPES * sizeOf(Pipe), 64);
  a.variable('pipes_lock');

  a.comment('(address of two 32-bit descriptors). RBX = pipe, R12 = address');
  a.proc('sys_pipe', { saves: [rbx, r12] }, () => {
    a.mov(r12, rdi);
    acquire(a, 'pipes_lock');
    a.mov(ebx, addr('pipe_table'));
    a.loop(() => {
      a.cmp(at(rbx, Pipe.used), 0);
      a.break_if('e');
      a.add(rbx, sizeOf(Pipe));
      a.cmp(rbx, addr('pipe_table', MAX_PIPES * sizeOf(Pipe)));
      a.if_('e', () => {
        a.xor(ebx, ebx);
        a.break_();
      });
    });
    a.test(rbx, rbx);
    a.if_('nz', () => a.mov(at(rbx, Pipe.used), 1));
    release(a, 'pipes_lock');
    a.test(rbx, rbx);
    a.jz('.none');
    a.mov(at(rbx, Pipe.head), 0);
    a.mov(at(rbx, Pipe.tail), 0);
    a.mov(at(rbx, Pipe.readers), 1);
    a.mov(at(rbx, Pipe.writers), 1);
    a.mov(at(rbx, Pipe.calls), 0);
    a.lea(rdi, mem(rbx, READ_END));
    a.lea(rsi, mem(rbx, WRITE_END));
    a.mov(rdx, r12);
    a.call('file_install_pair');
    a.return_();
    a.label('.none');
    a.mov(rax, -EMFILE);
  });

  transfer(a, 'pipe_read');
  transfer(a, 'pipe_write');

  a.comment('RBX = pipe, locked, RDI = its queue: waits until woken; locked again. RAX = 0, or -EINTR when the thread is to die');
  a.proc('pipe_wait', { saves: [r12, r13] }, () => {
    a.mov(r12, rdi);
    a.mov(r13, current);
    a.call('wait_prepare');
    a.mov(rdi, r12);
    a.mov(rsi, r13);
    a.call('wait_append');
    a.lea(rdi, at(rbx, Pipe.lock));
    a.call('write_unlock');
    a.call('thread_block');
    a.lea(rdi, at(rbx, Pipe.lock));
    a.call('write_lock');
    a.cmp(at(r13, Thread.waiting), 0);
    a.if_('ne', () => {
      a.mov(rdi, r12);
      a.mov(rsi, r13);
      a.call('wait_remove');
    });
    a.xor(eax, eax);
    a.cmp(at(r13, Thread.dying), 0);
    a.return_if('e');
    a.mov(rax, -EINTR);
  });

  a.comment('RDI = file: that end is closed, and whoever waits at the other one is told');
  a.proc('pipe_close', { saves: [rbx, r12] }, () => {
    a.mov(r12, rdi);
    a.mov(rbx, rdi);
    a.and(rbx, ~END);
    a.lea(rdi, at(rbx, Pipe.lock));
    a.call('write_lock');
    a.and(r12, END);
    a.cmp(r12, READ_END);
    a.if_(
      'e',
      () => a.mov(at(rbx, Pipe.readers), 0),
      () => a.mov(at(rbx, Pipe.writers), 0),
    );
    for (const queue of [Pipe.readQueue, Pipe.writeQueue]) {
      a.repeat_while('nz', () => {
        a.lea(rdi, at(rbx, queue));
        a.call('wait_wake');
        a.test(rax, rax);
      });
    }
    a.lock.inc(at(rbx, Pipe.calls));
    a.call('pipe_leave');
  });

  a.comment('RBX = pipe, locked: the call is over. The last one that leaves a pipe without ends gives it back');
  a.proc('pipe_leave', { saves: [r12] }, () => {
    a.lock.dec(at(rbx, Pipe.calls));
    a.setz(cl);
    a.movzx(ecx, cl);
    a.mov(rax, at(rbx, Pipe.readers));
    a.or(rax, at(rbx, Pipe.writers));
    a.setz(al);
    a.movzx(eax, al);
    a.and(ecx, eax);
    a.mov(r12, rcx);
    a.if_('nz', () => {
      a.xor(r12, r12);
      a.repeat_while('b', () => {
        a.xor(ecx, ecx);
        a.xchg(mem64(rbx, r12.times(8), Pipe.pages), rcx);
        a.mov(rdi, rcx);
        a.test(rdi, rdi);
        a.if_('nz', () => a.call('page_free'));
        a.inc(r12);
        a.cmp(r12, PAGES);
      });
    });
    a.lea(rdi, at(rbx, Pipe.lock));
    a.call('write_unlock');
    a.test(r12, r12);
    a.return_if('z');
    a.mov(at(rbx, Pipe.used), 0);
  });
}

/** Reading and writing are the same but for the direction. RBX = pipe, RBP = user address, R12 = bytes left, R13 = bytes done, R14 = bytes of this turn. */
function transfer(a: Assembler, name: 'pipe_read' | 'pipe_write'): void {
  const reading = name === 'pipe_read';
  a.proc(name, { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbx, rdi);
    a.and(rbx, ~END);
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.xor(r13, r13);
    a.lock.inc(at(rbx, Pipe.calls));
    a.lea(rdi, at(rbx, Pipe.lock));
    a.call('write_lock');
    a.comment('R15 = what must be there before it begins: a byte to read; room for all of a short message, for a byte of a long one');
    a.mov(r15, 1);
    if (!reading) {
      a.cmp(r12, PIPE_BUF);
      a.cmovbe(r15, r12);
    }
    a.loop(() => {
      a.test(r12, r12);
      a.break_if('z');
      if (!reading) {
        a.cmp(at(rbx, Pipe.readers), 0);
        a.if_('e', () => {
          a.mov(rax, -EPIPE);
          a.jmp('.failed');
        });
      }
      a.mov(rax, at(rbx, Pipe.tail));
      a.sub(rax, at(rbx, Pipe.head));
      if (!reading) {
        a.neg(rax);
        a.add(rax, CAPACITY);
      }
      a.cmp(rax, r15);
      a.if_('b', () => {
        if (reading) {
          a.test(r13, r13);
          a.jnz('.done');
          a.cmp(at(rbx, Pipe.writers), 0);
          a.je('.done');
        }
        a.lea(rdi, at(rbx, reading ? Pipe.readQueue : Pipe.writeQueue));
        a.call('pipe_wait');
        a.test(rax, rax);
        a.js('.failed');
        a.jmp('.again');
      });
      a.mov(r15, 1);
      a.comment('as much as is wanted, is there, and lies in one page');
      a.mov(r14, r12);
      a.cmp(r14, rax);
      a.cmova(r14, rax);
      a.mov(rdx, at(rbx, reading ? Pipe.head : Pipe.tail));
      a.mov(rcx, rdx);
      a.and(edx, 0xfff);
      a.mov(eax, 4096);
      a.sub(eax, edx);
      a.cmp(r14, rax);
      a.cmova(r14, rax);
      a.shr(rcx, 12);
      a.and(ecx, PAGES - 1);
      a.mov(rsi, mem64(rbx, rcx.times(8), Pipe.pages));
      if (!reading) {
        a.test(rsi, rsi);
        a.if_('z', () => {
          a.push(rdx);
          a.push(rcx);
          a.call('page_alloc_dirty');
          a.pop(rcx);
          a.pop(rdx);
          a.mov(mem64(rbx, rcx.times(8), Pipe.pages), rax);
          a.mov(rsi, rax);
        });
      }
      a.add(rsi, rdx);
      a.mov(rdi, rbp);
      if (!reading) a.xchg(rdi, rsi);
      a.mov(rdx, r14);
      a.call(reading ? 'copy_to_user' : 'copy_from_user');
      a.test(rax, rax);
      a.js('.failed');
      a.add(at(rbx, reading ? Pipe.head : Pipe.tail), r14);
      a.add(rbp, r14);
      a.add(r13, r14);
      a.sub(r12, r14);
      a.lea(rdi, at(rbx, reading ? Pipe.writeQueue : Pipe.readQueue));
      a.call('wait_wake');
      a.label('.again');
    });
    a.jmp('.done');
    a.label('.failed');
    a.comment('what was done counts');
    a.test(r13, r13);
    a.cmovz(r13, rax);
    a.label('.done');
    a.comment('one wake-up for one transfer: who was woken and leaves something passes it on');
    a.mov(rax, at(rbx, Pipe.tail));
    a.cmp(rax, at(rbx, Pipe.head));
    if (reading) {
      a.if_('ne', () => {
        a.lea(rdi, at(rbx, Pipe.readQueue));
        a.call('wait_wake');
      });
    } else {
      a.lea(rdi, at(rbx, Pipe.writeQueue));
      a.call('wait_wake');
    }
    a.call('pipe_leave');
    a.mov(rax, r13);
  });
}
