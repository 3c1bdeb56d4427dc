/**
 * Four-level page tables: the kernel's identity map, and single pages in the mapped region.
 *
 * `tables_build` makes the identity map; `page_map(RDI = la, RSI = entry)` and `page_map_2m` install an entry, making tables on the
 * way; `page_slot(RDI = la)` → RAX = address of the entry that maps la (a PTE, or a PDE that maps 2 MB), 0 when there is no table;
 * `page_unmap(RDI = la)` → RAX = the entry that was there. None of them invalidates anything: that is what the callers are about.
 *
 * Cores may call these at the same time for different pages. A table that two of them make at once is installed by compare-and-exchange,
 * and the loser's is given back, so that no core ever waits for another.
 */
import { PAGE_2M, PTE_A, PTE_D, PTE_G, PTE_P, PTE_PS, PTE_RW, PTE_US } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem, mem64 } from '../../asm/operand.ts';
import { cl, eax, ebp, ebx, ecx, edi, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { frames } from './frames.ts';
import { IDENTITY_END } from './layout.ts';

/** Tables give every right; the entry that maps the page decides. */
const TABLE = PTE_P | PTE_RW | PTE_US;
const IDENTITY_PAGE = PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_G;
/** Bits 51:12. */
const ADDRESS = 0x000f_ffff_ffff_f000n;
const DIRECTORIES = IDENTITY_END / 0x4000_0000;

/** Shifts of the indices into PML4, page-directory-pointer table, page directory, page table. */
const PML4_SHIFT = 39;
const PDPT_SHIFT = 30;
const PD_SHIFT = 21;
const PT_SHIFT = 12;

export function pageTables(a: Assembler): void {
  a.include(frames);
  a.room('kernel_pml4', 4096, 4096);
  a.room('kernel_pdpt', 4096, 4096);
  a.room('kernel_directories', DIRECTORIES * 4096, 4096);

  a.proc('tables_build', {}, () => {
    a.mov(eax, addr('kernel_pdpt', TABLE));
    a.mov(mem64('kernel_pml4'), rax);
    for (let directory = 0; directory < DIRECTORIES; directory++) {
      a.mov(eax, addr('kernel_directories', directory * 4096 + TABLE));
      a.mov(mem64('kernel_pdpt', directory * 8), rax);
    }
    a.mov(edi, addr('kernel_directories'));
    a.mov(eax, IDENTITY_PAGE);
    a.mov(ecx, DIRECTORIES * 512);
    a.repeat_while('nz', () => {
      a.mov(mem64(rdi), rax);
      a.add(rdi, 8);
      a.add(rax, PAGE_2M);
      a.dec(ecx);
    });
  });

  a.comment('RDI = la, RSI = entry');
  a.proc('page_map', {}, () => {
    a.mov(ecx, PT_SHIFT);
    a.call('entry_install');
  });

  a.proc('page_map_2m', {}, () => {
    a.or(rsi, PTE_PS);
    a.mov(ecx, PD_SHIFT);
    a.call('entry_install');
  });

  a.comment('RDI = la, RSI = entry, RCX = shift of the level it belongs to: walk down, making tables, and store it');
  a.proc('entry_install', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(r12, rdi);
    a.mov(r13, rsi);
    a.mov(ebp, ecx);
    a.mov(ebx, addr('kernel_pml4'));
    a.mov(ecx, PML4_SHIFT);
    a.loop(() => {
      entryAddress(a);
      a.cmp(ecx, ebp);
      a.break_if('e');
      a.mov(rax, mem64(rbx));
      a.test(rax, PTE_P);
      a.if_('z', () => {
        a.mov(r14, rcx);
        a.call('table_alloc');
        a.mov(rcx, r14);
        a.mov(rdi, rax);
        a.or(rdi, TABLE);
        a.xor(eax, eax);
        a.lock.cmpxchg(mem64(rbx), rdi);
        a.if_(
          'e',
          () => a.mov(rax, rdi),
          () => {
            a.comment('another core was first, and RAX is its table: give ours back');
            a.mov(rbx, rax);
            a.and(rdi, -4096);
            a.call('frame_free');
            a.mov(rax, rbx);
            a.mov(rcx, r14);
          },
        );
      });
      tableOf(a);
      a.sub(ecx, PML4_SHIFT - PDPT_SHIFT);
    });
    a.mov(mem64(rbx), r13);
  });

  a.proc('table_alloc', { saves: [rbx] }, () => {
    a.call('frame_alloc');
    a.mov(rbx, rax);
    a.mov(rdi, rax);
    a.xor(eax, eax);
    a.mov(ecx, 512);
    a.rep.stosq();
    a.mov(rax, rbx);
  });

  a.proc('page_slot', { saves: [rbx, r12] }, () => {
    a.mov(r12, rdi);
    a.mov(ebx, addr('kernel_pml4'));
    a.mov(ecx, PML4_SHIFT);
    a.loop(() => {
      entryAddress(a);
      a.mov(rax, mem64(rbx));
      a.cmp(ecx, PT_SHIFT);
      a.break_if('e');
      a.test(rax, PTE_P);
      a.if_('z', () => {
        a.xor(eax, eax);
        a.return_();
      });
      a.test(rax, PTE_PS);
      a.break_if('nz');
      tableOf(a);
      a.sub(ecx, PML4_SHIFT - PDPT_SHIFT);
    });
    a.mov(rax, rbx);
  });

  a.comment('exchanged, not read and cleared: the walker of any core may set its accessed or dirty bit in between');
  a.proc('page_unmap', {}, () => {
    a.call('page_slot');
    a.test(rax, rax);
    a.return_if('z');
    a.xor(ecx, ecx);
    a.xchg(mem64(rax), rcx);
    a.mov(rax, rcx);
  });
}

/** RBX, a table, has become the address of its entry for the address in R12, at the level whose shift is in RCX. */
function entryAddress(a: Assembler): void {
  a.mov(rax, r12);
  a.shr(rax, cl);
  a.and(eax, 0x1ff);
  a.lea(rbx, mem(rbx, rax.times(8)));
}

/** RBX is the table that the entry in RAX points to. */
function tableOf(a: Assembler): void {
  a.mov(rbx, ADDRESS);
  a.and(rbx, rax);
}
