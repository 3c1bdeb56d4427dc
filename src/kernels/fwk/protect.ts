/** mprotect: rights of ranges and of the entries in them change under the mmap lock held for writing; then one shootdown. */
import { PTE_A, PTE_D, PTE_P } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { eax, ecx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../asm/register.ts';
import { EINVAL, ENOMEM } from './errors.ts';
import { ALL_RIGHTS } from './memoryCalls.ts';
import { Mm } from './mm.ts';
import { PTE_FRAME } from './pageTables.ts';
import { current, Thread } from './thread.ts';
import { Vma } from './vma.ts';

const TABLE_SPAN = 0x20_0000;

export function protect(a: Assembler): void {
  a.comment('(address, bytes, rights). RBX = mm, R12 = start, R13 = end, R14 = rights, RBP = number of the first range');
  a.proc('sys_mprotect', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.mm));
    a.mov(r12, rdi);
    a.mov(r14, rdx);
    a.test(rdx, ~ALL_RIGHTS);
    a.jnz('.invalid');
    a.test(rdi, 0xfff);
    a.jnz('.invalid');
    a.xor(eax, eax);
    a.test(rsi, rsi);
    a.return_if('z');
    a.call('page_range');
    a.jc('.no_memory');
    a.mov(r13, rsi);

    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_lock');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.call('vma_covers');
    a.mov(rax, -ENOMEM);
    a.jnz('.done');
    for (const edge of [r12, r13]) {
      a.mov(rdi, rbx);
      a.mov(rsi, edge);
      a.call('vma_split');
      a.test(rax, rax);
      a.js('.done');
    }
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.call('vma_find');
    a.mov(rbp, rax);
    a.comment('R12 goes from range to range; their numbers are counted on the stack');
    a.push(rbp);
    a.push(r12);
    a.shl(rax, Math.log2(sizeOf(Vma)));
    a.add(rax, at(rbx, Mm.vmas));
    a.repeat_while('b', () => {
      a.mov(at(rax, Vma.rights), r14);
      a.mov(r12, at(rax, Vma.end));
      a.add(rax, sizeOf(Vma));
      a.inc(rbp);
      a.cmp(r12, r13);
    });
    a.pop(r12);
    a.comment('neighbours that have become alike are one again, from the last pair to the first');
    a.repeat_while('ge', () => {
      a.dec(rbp);
      a.mov(rdi, rbx);
      a.mov(rsi, rbp);
      a.call('vma_merge');
      a.lea(rax, mem(rbp, 1));
      a.cmp(rax, mem64(rsp));
    });
    a.pop(rbp);

    a.mov(rdi, rbx);
    a.call('gather_begin');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.mov(rcx, r14);
    a.call('protect_range');
    a.mov(rdi, rbx);
    a.mov(rsi, r12);
    a.mov(rdx, r13);
    a.call('gather_end');
    a.xor(eax, eax);
    a.label('.done');
    a.mov(rbp, rax);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('write_unlock');
    a.mov(rax, rbp);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
    a.return_();
    a.label('.no_memory');
    a.mov(rax, -ENOMEM);
  });

  a.comment(
    'RDI = mm, RSI = start, RDX = end, RCX = rights: the entries there have these rights. RBP = la, R12 = end, R13 = flags, R14 = entry, R15 = mm',
  );
  a.proc('protect_range', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(r15, rdi);
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.mov(rbx, current);
    a.mov(rdi, rcx);
    a.call('pte_flags');
    a.mov(r13, rax);
    a.while_(
      () => a.cmp(rbp, r12),
      'b',
      () => {
        a.mov(rdi, r15);
        a.mov(rsi, rbp);
        a.call('pte_find');
        a.mov(r14, rax);
        a.test(rax, rax);
        a.if_('z', () => {
          a.and(rbp, -TABLE_SPAN);
          a.add(rbp, TABLE_SPAN);
          a.jmp('.next_table');
        });
        a.mov(rdi, r15);
        a.mov(rsi, rbp);
        a.call('table_lock_of');
        a.push(rax);
        a.mov(rdi, rax);
        a.call('lock_acquire');
        a.label('.entry');
        a.cmp(mem64(r14), 0);
        a.if_('ne', () => {
          a.comment('taken out first: a processor that sets accessed or dirty meanwhile finds nothing, and asks us again');
          a.xor(ecx, ecx);
          a.xchg(mem64(r14), rcx);
          a.mov(rax, PTE_FRAME | BigInt(PTE_A | PTE_D));
          a.and(rax, rcx);
          a.or(rax, r13);
          a.mov(mem64(r14), rax);
          a.test(ecx, PTE_P);
          a.if_('nz', () => {
            a.mov(rsi, rbp);
            a.call('gather_widen');
          });
        });
        a.add(rbp, 4096);
        a.add(r14, 8);
        a.cmp(rbp, r12);
        a.jae('.table_done');
        a.test(rbp, TABLE_SPAN - 1);
        a.jnz('.entry');
        a.label('.table_done');
        a.pop(rdi);
        a.call('lock_release');
        a.label('.next_table');
      },
    );
  });
}
