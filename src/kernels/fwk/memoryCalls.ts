/**
 * System calls on memory: mmap, munmap, mprotect, brk, and madvise. As Linux has them, for private anonymous memory.
 *
 * Order of locks: the mmap lock, then a page-table lock, then that of the page frames. A shootdown happens under the mmap lock, never under a spinlock.
 * mmap places a mapping as high as it fits; a hint without MAP_FIXED is taken when nothing is there. Memory of files, MAP_GROWSDOWN and huge pages are
 * refused (-EINVAL, -EBADF). MAP_SHARED is the same as MAP_PRIVATE, as no process shares memory with another.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem } from '../../asm/operand.ts';
import { eax, ecx, r8, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { EBADF, EINVAL, ENOMEM } from './errors.ts';
import { USER_BASE, USER_END } from './layout.ts';
import { Mm } from './mm.ts';
import { current, Thread } from './thread.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from './vma.ts';

export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
const MAP_STACK = 0x2_0000;
const MAP_KNOWN = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_STACK;

export const MADV_NORMAL = 0;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;

export const ALL_RIGHTS = PROT_READ | PROT_WRITE | PROT_EXEC;

export function memoryCalls(a: Assembler): void {
  a.comment('RDI = start, RSI = bytes: RSI becomes the end, whole pages; CF when start is not a page of user space, or the end outside');
  a.label('page_range');
  a.test(rdi, 0xfff);
  a.jnz('.bad');
  a.add(rsi, 0xfff);
  a.jc('.bad');
  a.and(rsi, -4096);
  a.add(rsi, rdi);
  a.jc('.bad');
  a.mov(rax, USER_END);
  a.cmp(rax, rsi);
  a.jc('.bad');
  a.mov(rax, USER_BASE);
  a.cmp(rdi, rax);
  a.jc('.bad');
  a.ret();
  a.label('.bad');
  a.stc();
  a.ret();

  a.comment('(address, bytes, rights, flags, file, offset). RBX = mm, R12 = start, R13 = end, R14 = rights, R15 = flags');
  a.proc('sys_mmap', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.mm));
    a.mov(r12, rdi);
    a.mov(r13, rsi);
    a.mov(r14, rdx);
    a.mov(r15, rcx);
    a.test(r15, MAP_ANONYMOUS);
    a.if_('z', () => {
      a.mov(rax, -EBADF);
      a.return_();
    });
    a.mov(eax, ~MAP_KNOWN >>> 0);
    a.test(r15, rax);
    a.jnz('.invalid');
    a.test(r15, MAP_SHARED | MAP_PRIVATE);
    a.jz('.invalid');
    a.test(r14, ~ALL_RIGHTS);
    a.jnz('.invalid');
    a.test(r13, r13);
    a.jz('.invalid');
    a.add(r13, 0xfff);
    a.jc('.no_memory');
    a.and(r13, -4096);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_lock');

    a.test(r15, MAP_FIXED);
    a.if_(
      'nz',
      () => {
        a.mov(rdi, r12);
        a.mov(rsi, r13);
        a.call('page_range');
        a.jc('.invalid_locked');
        a.mov(r13, rsi);
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(rdx, r13);
        a.call('unmap_range');
        a.test(rax, rax);
        a.js('.done');
      },
      () => {
        a.comment('the hint, if it is a good one');
        a.mov(rdi, r12);
        a.mov(rsi, r13);
        a.call('page_range');
        a.jc('.anywhere');
        a.mov(rbp, rsi);
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(rdx, rbp);
        a.call('vma_free_range');
        a.if_('z', () => {
          a.mov(r13, rbp);
          a.jmp('.placed');
        });
        a.label('.anywhere');
        a.mov(rdi, rbx);
        a.mov(rsi, r13);
        a.call('vma_gap');
        a.test(rax, rax);
        a.js('.done');
        a.mov(r12, rax);
        a.add(r13, rax);
      },
    );
    a.label('.placed');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.mov(rcx, r14);
    a.call('vma_insert');
    a.test(rax, rax);
    a.if_('ns', () => a.mov(rax, r12));
    a.label('.done');
    a.mov(rbp, rax);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_unlock');
    a.test(r15, MAP_POPULATE);
    a.if_('nz', () => {
      a.comment('as if each page were touched; those that may not be are left out');
      a.test(rbp, rbp);
      a.if_('ns', () => {
        a.while_(
          () => a.cmp(r12, r13),
          'b',
          () => {
            a.mov(rdi, rbx);
            a.mov(rsi, r12);
            a.mov(rdx, r14);
            a.and(rdx, PROT_WRITE);
            a.call('fault_serve');
            a.add(r12, 4096);
          },
        );
      });
    });
    a.mov(rax, rbp);
    a.return_();

    a.label('.invalid_locked');
    a.mov(rax, -EINVAL);
    a.jmp('.done');
    a.label('.invalid');
    a.mov(rax, -EINVAL);
    a.return_();
    a.label('.no_memory');
    a.mov(rax, -ENOMEM);
  });

  a.comment('RDI = mm, RSI = start, RDX = end; the mmap lock held for writing: nothing is mapped there. RAX = 0, or -ENOMEM');
  a.proc('unmap_range', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(rbx, rdi);
    a.mov(r12, rsi);
    a.mov(r13, rdx);
    a.call('vma_free_range');
    a.if_('z', () => {
      a.xor(eax, eax);
      a.return_();
    });
    for (const edge of [r12, r13]) {
      a.mov(rdi, rbx);
      a.mov(rsi, edge);
      a.call('vma_split');
      a.test(rax, rax);
      a.return_if('s');
    }
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.call('vma_find');
    a.mov(rbp, rax);
    a.comment('the first range that starts at or behind the end');
    a.mov(rdi, rbx);
    a.lea(rsi, mem(r13));
    a.call('vma_find');
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.mov(rdx, rax);
    a.call('vma_remove');

    a.mov(rdi, rbx);
    a.call('gather_begin');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.call('zap_range');
    a.comment('page tables go with the last mapping in their reach: between the ranges before and behind');
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call('vma_neighbours');
    a.mov(rdi, rbx);
    a.mov(rsi, rax);
    a.mov(rcx, r12);
    a.mov(r8, r13);
    a.call('free_tables');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.call('gather_end');
    a.xor(eax, eax);
  });

  a.comment('(address, bytes)');
  a.proc('sys_munmap', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.mm));
    a.test(rsi, rsi);
    a.jz('.invalid');
    a.mov(r12, rdi);
    a.call('page_range');
    a.jc('.invalid');
    a.mov(rbp, rsi);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_lock');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, rbp);
    a.call('unmap_range');
    a.mov(rbp, rax);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_unlock');
    a.mov(rax, rbp);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('(address, bytes, advice): DONTNEED takes the pages away, the mapping stays. Other advice that is known changes nothing');
  a.proc('sys_madvise', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.mm));
    a.mov(r12, rdi);
    a.cmp(rdx, MADV_DONTNEED);
    a.ja('.invalid');
    a.mov(rbp, rdx);
    a.call('page_range');
    a.jc('.invalid');
    a.cmp(rbp, MADV_DONTNEED);
    a.mov(rbp, rsi);
    a.if_('ne', () => {
      a.xor(eax, eax);
      a.return_();
    });
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('read_lock');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, rbp);
    a.call('vma_covers');
    a.if_(
      'nz',
      () => a.mov(r12, -ENOMEM),
      () => {
        a.mov(rdi, rbx);
        a.call('gather_begin');
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(rdx, rbp);
        a.call('zap_range');
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(rdx, rbp);
        a.call('gather_end');
        a.xor(r12, r12);
      },
    );
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('read_unlock');
    a.mov(rax, r12);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('(address): the end of the heap is there, if it can be; RAX = where it is now');
  a.proc('sys_brk', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.mm));
    a.mov(rbp, rdi);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_lock');
    a.mov(rax, USER_END);
    a.cmp(rbp, rax);
    a.ja('.done');
    a.cmp(rbp, at(rbx, Mm.brkStart));
    a.jb('.done');
    a.comment('R12 = old end and RSI = new end, in whole pages');
    a.mov(r12, at(rbx, Mm.brk));
    a.add(r12, 0xfff);
    a.and(r12, -4096);
    a.lea(rsi, mem(rbp, 0xfff));
    a.and(rsi, -4096);
    a.mov(rdi, rbx);
    a.cmp(rsi, r12);
    a.if_(
      'a',
      () => {
        a.mov(rdx, rsi);
        a.mov(rsi, r12);
        a.push(rdx);
        a.call('vma_free_range');
        a.pop(rdx);
        a.jnz('.done');
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(ecx, PROT_READ | PROT_WRITE);
        a.call('vma_insert');
        a.test(rax, rax);
        a.js('.done');
      },
      () => {
        a.mov(rdx, r12);
        a.cmp(rsi, rdx);
        a.if_('ne', () => {
          a.call('unmap_range');
          a.test(rax, rax);
          a.js('.done');
        });
      },
    );
    a.mov(at(rbx, Mm.brk), rbp);
    a.label('.done');
    a.mov(rbp, at(rbx, Mm.brk));
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_unlock');
    a.mov(rax, rbp);
  });
}
