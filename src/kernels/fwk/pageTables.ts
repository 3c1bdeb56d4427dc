/**
 * Page tables of user space.
 *
 * `pte_find(RDI = mm, RSI = la)` → RAX = address of the entry that maps la, 0 when there is no table for it; `pte_make`, the same, makes the
 * tables on the way; `pde_find` → RAX = address of the entry that holds the page table, or 0. `table_lock_of`: RDI = mm, RSI = la becomes RAX = the
 * lock under which entries of that page table change.
 *
 * Tables are added under the mmap lock held by anybody, by compare-and-exchange, and taken away by who holds it for writing. So whoever holds
 * it may walk without another lock. Nobody else walks in software; a scheme that sends no IPI therefore need not wait for walkers. Processors walk at any
 * time: a table that is taken away is empty, and is freed after the shootdown only (gather.ts).
 *
 * An entry whose page may not be touched at all (PROT_NONE) keeps its frame with P = 0 and PTE_KEPT set: nonzero means that there is a frame.
 */
import { PTE_P, PTE_RW, PTE_US } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { cl, eax, ecx, r12, r13, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { Mm, TABLE_LOCKS } from './mm.ts';

const TABLE = PTE_P | PTE_RW | PTE_US;
/** Bits 51:12 of an entry. */
export const PTE_FRAME = 0x000f_ffff_ffff_f000n;
/** Software's own: the entry has a frame although P = 0. */
export const PTE_KEPT = 1 << 9;

const PML4_SHIFT = 39;
const PD_SHIFT = 21;
const PT_SHIFT = 12;

export function userPageTables(a: Assembler): void {
  a.proc('pte_find', {}, () => {
    a.mov(rdx, at(rdi, Mm.pml4));
    a.mov(ecx, PML4_SHIFT);
    a.call('walk');
  });

  a.proc('pde_find', {}, () => {
    a.mov(rdx, at(rdi, Mm.pml4));
    a.mov(ecx, PML4_SHIFT);
    a.call('walk_to_directory');
  });

  a.comment('RDX = table, RCX = shift of its level, RSI = la: RAX = entry at the last level, or 0. The loop in two lengths');
  for (const [name, last] of [
    ['walk', PT_SHIFT],
    ['walk_to_directory', PD_SHIFT],
  ] as const) {
    a.proc(name, {}, () => {
      a.loop(() => {
        entryAddress(a);
        a.cmp(ecx, last);
        a.return_if('e');
        a.mov(rax, mem64(rax));
        a.test(rax, PTE_P);
        a.if_('z', () => {
          a.xor(eax, eax);
          a.return_();
        });
        a.mov(rdx, PTE_FRAME);
        a.and(rdx, rax);
        a.sub(ecx, 9);
      });
    });
  }

  a.proc('pte_make', { saves: [rbx, r12, r13] }, () => {
    a.mov(r12, rsi);
    a.mov(rdx, at(rdi, Mm.pml4));
    a.mov(ecx, PML4_SHIFT);
    a.loop(() => {
      a.mov(rsi, r12);
      entryAddress(a);
      a.cmp(ecx, PT_SHIFT);
      a.return_if('e');
      a.mov(rbx, rax);
      a.mov(rax, mem64(rbx));
      a.test(rax, PTE_P);
      a.if_('z', () => {
        a.mov(r13, rcx);
        a.call('table_frame');
        a.mov(rdi, rax);
        a.lea(rcx, mem(rax, TABLE));
        a.xor(eax, eax);
        a.lock.cmpxchg(mem64(rbx), rcx);
        a.if_(
          'e',
          () => a.mov(rax, rcx),
          () => {
            a.comment('another thread of the process was first: RAX is its table');
            a.mov(rbx, rax);
            a.call('page_free');
            a.mov(rax, rbx);
          },
        );
        a.mov(rcx, r13);
      });
      a.mov(rdx, PTE_FRAME);
      a.and(rdx, rax);
      a.sub(ecx, 9);
    });
  });

  a.proc('table_lock_of', {}, () => {
    a.mov(rax, rsi);
    a.shr(rax, PD_SHIFT);
    a.and(eax, TABLE_LOCKS - 1);
    a.shl(eax, 6);
    a.lea(rax, mem(rdi, rax, Mm.tableLocks));
  });
}

/** RAX is the address of the entry for RSI in the table RDX of the level with shift RCX. */
function entryAddress(a: Assembler): void {
  a.mov(rax, rsi);
  a.shr(rax, cl);
  a.and(eax, 0x1ff);
  a.lea(rax, mem(rdx, rax.times(8)));
}
