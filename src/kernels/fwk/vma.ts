/**
 * What is mapped where: a sorted table of ranges for each address space, found by bisection.
 *
 * All of it is read under the mmap lock held by anybody, and changed under the mmap lock held for writing. Neighbours with the same rights are one range.
 * `vma_find(RDI = mm, RSI = la)` → RAX = number of the first range that ends above la (it may start above, too, or be the number of ranges);
 * `vma_split(RDI, RSI = la)`: no range lies on both sides of la; RAX = 0, or -ENOMEM;
 * `vma_insert(RDI, RSI = start, RDX = end, RCX = rights)`: the range, which overlaps no other, is there; RAX = 0, or -ENOMEM;
 * `vma_remove(RDI, RSI = first, RDX = behind the last)`: ranges with these numbers are gone;
 * `vma_gap(RDI, RSI = bytes)` → RAX = start of the highest free range of that size below MMAP_TOP, or -ENOMEM.
 * `vma_covers` and `vma_neighbours` as commented below;
 * `vma_free_range(RDI, RSI = start, RDX = end)` → ZF: nothing is mapped there; RDI stays.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { record, sizeOf, u64 } from '../../asm/record.ts';
import { al, eax, r8, r9, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { ENOMEM } from './errors.ts';
import { MAX_VMAS, MMAP_TOP, USER_BASE, USER_END } from './layout.ts';
import { Mm } from './mm.ts';

export const Vma = record({
  start: u64,
  /** Exclusive. */
  end: u64,
  /** PROT_ bits. */
  rights: u64,
  spare: u64,
});
const SHIFT = Math.log2(sizeOf(Vma));

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

export function vmas(a: Assembler): void {
  a.proc('vma_find', {}, () => {
    a.comment('R8 = lowest candidate, R9 = behind the highest');
    a.xor(r8, r8);
    a.mov(r9, at(rdi, Mm.vmaCount));
    a.mov(rdx, at(rdi, Mm.vmas));
    a.loop(() => {
      a.cmp(r8, r9);
      a.break_if('ae');
      a.lea(rax, mem(r8, r9));
      a.shr(rax, 1);
      a.mov(rcx, rax);
      a.shl(rcx, SHIFT);
      a.cmp(rsi, mem64(rdx, rcx, Vma.end));
      a.if_(
        'ae',
        () => a.lea(r8, mem(rax, 1)),
        () => a.mov(r9, rax),
      );
    });
    a.mov(rax, r8);
  });

  a.proc('vma_free_range', { saves: [rbx] }, () => {
    a.mov(rbx, rdx);
    a.call('vma_find');
    a.comment('free when there is no such range, or it starts at or behind the end');
    a.cmp(rax, at(rdi, Mm.vmaCount));
    a.if_('b', () => {
      a.shl(rax, SHIFT);
      a.add(rax, at(rdi, Mm.vmas));
      a.cmp(at(rax, Vma.start), rbx);
      a.mov(eax, 0);
      a.setb(al);
      a.test(eax, eax);
      a.return_();
    });
    a.xor(eax, eax);
  });

  a.comment('RDI = mm, RSI = number: room for one more range there. RAX = its address, or -ENOMEM');
  a.proc('vma_open', {}, () => {
    a.mov(rcx, at(rdi, Mm.vmaCount));
    a.cmp(rcx, MAX_VMAS);
    a.if_('e', () => {
      a.mov(rax, -ENOMEM);
      a.return_();
    });
    a.inc(at(rdi, Mm.vmaCount));
    a.mov(rdx, at(rdi, Mm.vmas));
    a.comment('from the last one down');
    a.while_(
      () => a.cmp(rcx, rsi),
      'a',
      () => {
        a.mov(rax, rcx);
        a.shl(rax, SHIFT);
        a.add(rax, rdx);
        for (const field of [Vma.start, Vma.end, Vma.rights]) {
          a.mov(r8, mem64(rax, field, -sizeOf(Vma)));
          a.mov(at(rax, field), r8);
        }
        a.dec(rcx);
      },
    );
    a.mov(rax, rsi);
    a.shl(rax, SHIFT);
    a.add(rax, rdx);
  });

  a.proc('vma_remove', {}, () => {
    a.mov(rax, rdx);
    a.sub(rax, rsi);
    a.return_if('z');
    a.mov(rcx, at(rdi, Mm.vmaCount));
    a.sub(at(rdi, Mm.vmaCount), rax);
    a.comment('RCX = words to move, from behind the last to the first');
    a.sub(rcx, rdx);
    a.shl(rcx, SHIFT - 3);
    a.mov(rax, at(rdi, Mm.vmas));
    a.shl(rsi, SHIFT);
    a.lea(rdi, mem(rax, rsi));
    a.shl(rdx, SHIFT);
    a.lea(rsi, mem(rax, rdx));
    a.rep.movsq();
  });

  a.proc('vma_split', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbp, rdi);
    a.mov(rbx, rsi);
    a.call('vma_find');
    a.mov(r12, rax);
    a.cmp(rax, at(rbp, Mm.vmaCount));
    a.jae('.nothing');
    a.shl(rax, SHIFT);
    a.add(rax, at(rbp, Mm.vmas));
    a.cmp(at(rax, Vma.start), rbx);
    a.jae('.nothing');
    a.mov(rdi, rbp);
    a.mov(rsi, r12);
    a.call('vma_open');
    a.test(rax, rax);
    a.return_if('s');
    a.comment('RAX = the new lower half; behind it the old range, moved, which becomes the upper half');
    a.mov(rcx, at(rax, Vma.start, sizeOf(Vma)));
    a.mov(at(rax, Vma.start), rcx);
    a.mov(at(rax, Vma.end), rbx);
    a.mov(rcx, at(rax, Vma.rights, sizeOf(Vma)));
    a.mov(at(rax, Vma.rights), rcx);
    a.mov(at(rax, Vma.start, sizeOf(Vma)), rbx);
    a.label('.nothing');
    a.xor(eax, eax);
  });

  a.proc('vma_insert', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(rbp, rdi);
    a.mov(r12, rsi);
    a.mov(r13, rdx);
    a.mov(r14, rcx);
    a.call('vma_find');
    a.mov(rbx, rax);
    a.mov(rdi, rbp);
    a.mov(rsi, rax);
    a.call('vma_open');
    a.test(rax, rax);
    a.return_if('s');
    a.mov(at(rax, Vma.start), r12);
    a.mov(at(rax, Vma.end), r13);
    a.mov(at(rax, Vma.rights), r14);
    a.comment('one with the range behind, then with the one before');
    a.mov(rdi, rbp);
    a.mov(rsi, rbx);
    a.call('vma_merge');
    a.mov(rdi, rbp);
    a.lea(rsi, mem(rbx, -1));
    a.call('vma_merge');
    a.xor(eax, eax);
  });

  a.comment('RDI = mm, RSI = number: that range and the next are one if they meet and have the same rights. RSI may be -1 or the last');
  a.proc('vma_merge', {}, () => {
    a.lea(rdx, mem(rsi, 1));
    a.cmp(rdx, at(rdi, Mm.vmaCount));
    a.return_if('ae');
    a.test(rsi, rsi);
    a.return_if('s');
    a.mov(rax, rsi);
    a.shl(rax, SHIFT);
    a.add(rax, at(rdi, Mm.vmas));
    a.mov(rcx, at(rax, Vma.end));
    a.cmp(rcx, at(rax, Vma.start, sizeOf(Vma)));
    a.return_if('ne');
    a.mov(rcx, at(rax, Vma.rights));
    a.cmp(rcx, at(rax, Vma.rights, sizeOf(Vma)));
    a.return_if('ne');
    a.mov(rcx, at(rax, Vma.end, sizeOf(Vma)));
    a.mov(at(rax, Vma.end), rcx);
    a.mov(rsi, rdx);
    a.inc(rdx);
    a.call('vma_remove');
  });

  a.proc('vma_gap', { saves: [rbx] }, () => {
    a.comment('RDX = lowest address above the gap, RCX = ranges below it, R8 = address of the next lower one');
    a.mov(rdx, MMAP_TOP);
    a.mov(rcx, at(rdi, Mm.vmaCount));
    a.mov(r8, rcx);
    a.shl(r8, SHIFT);
    a.add(r8, at(rdi, Mm.vmas));
    a.loop(() => {
      a.mov(rax, rdx);
      a.sub(rax, rsi);
      a.jb('.none');
      a.mov(rbx, USER_BASE);
      a.sub(r8, sizeOf(Vma));
      a.test(rcx, rcx);
      a.if_('nz', () => a.mov(rbx, at(r8, Vma.end)));
      a.cmp(rax, rbx);
      a.return_if('ae');
      a.sub(rcx, 1);
      a.jb('.none');
      a.comment('ranges above MMAP_TOP do not count');
      a.mov(rax, at(r8, Vma.start));
      a.cmp(rax, rdx);
      a.cmovb(rdx, rax);
    });
    a.label('.none');
    a.mov(rax, -ENOMEM);
  });

  a.comment('RDI = mm, RSI = start, RDX = end: ZF when every page of it is mapped. Changes RAX, RCX, R8, R9');
  a.proc('vma_covers', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rsi);
    a.mov(rbp, rdx);
    a.call('vma_find');
    a.comment('range by range: each must start no later than where the one before ended');
    a.mov(rcx, at(rdi, Mm.vmaCount));
    a.mov(rdx, rax);
    a.shl(rdx, SHIFT);
    a.add(rdx, at(rdi, Mm.vmas));
    a.loop(() => {
      a.cmp(rbx, rbp);
      a.if_('ae', () => {
        a.xor(eax, eax);
        a.return_();
      });
      a.cmp(rax, rcx);
      a.break_if('ae');
      a.cmp(at(rdx, Vma.start), rbx);
      a.break_if('a');
      a.mov(rbx, at(rdx, Vma.end));
      a.add(rdx, sizeOf(Vma));
      a.inc(rax);
    });
    a.test(rbp, rbp);
  });

  a.comment('RDI = mm, RSI = number: RAX = end of the range before that number, RDX = start of the one that has it');
  a.proc('vma_neighbours', {}, () => {
    a.mov(rcx, rsi);
    a.shl(rcx, SHIFT);
    a.add(rcx, at(rdi, Mm.vmas));
    a.mov(rax, USER_BASE);
    a.test(rsi, rsi);
    a.if_('nz', () => a.mov(rax, at(rcx, Vma.end, -sizeOf(Vma))));
    a.mov(rdx, USER_END);
    a.cmp(rsi, at(rdi, Mm.vmaCount));
    a.if_('b', () => a.mov(rdx, at(rcx, Vma.start)));
  });
}
