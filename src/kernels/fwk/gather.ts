/**
 * Taking pages out of an address space, as Linux's mmu_gather: entries are cleared and frames collected first; then one shootdown; only then are the
 * frames anybody's again. Frames of page tables go the same way.
 *
 * `gather_begin(RDI = mm)`, `zap_range(RDI = mm, RSI = start, RDX = end)`, `free_tables`, `gather_end(RDI = mm)`. The mmap
 * lock is held: by anybody for zap_range, for writing for free_tables. No spinlock is held: a shootdown waits for other cores, and one of them
 * may wait for that lock. What is collected is the running thread's: a page of frame addresses, and the range that they were mapped in.
 *
 * Two threads that hold the mmap lock for reading may zap the same range. The later one finds entries that the other has cleared and not yet shot
 * down; it must not return before they are. So it does a shootdown of its own when another gathering is under way.
 */
import { PTE_P } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { eax, ecx, edx, r8, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { Mm } from './mm.ts';
import { PTE_FRAME } from './pageTables.ts';
import { current, Thread } from './thread.ts';

/** Frames that fit into a batch. */
export const GATHER_BATCH = 512;
const TABLE_SPAN = 0x20_0000;

export function gather(a: Assembler): void {
  a.proc('gather_begin', { saves: [rbx] }, () => {
    a.mov(rbx, current);
    a.mov(at(rbx, Thread.gatherMm), rdi);
    a.lock.inc(at(rdi, Mm.gathers));
    a.mov(at(rbx, Thread.gatherCount), 0);
    a.mov(at(rbx, Thread.gatherStart), -1);
    a.mov(at(rbx, Thread.gatherEnd), 0);
    a.cmp(at(rbx, Thread.gatherBatch), 0);
    a.return_if('ne');
    a.comment('a thread keeps its page for the next time');
    a.call('page_alloc_dirty');
    a.mov(at(rbx, Thread.gatherBatch), rax);
  });

  a.comment('RBX = running thread, RAX = frame: one more in the batch; there is room. Changes RCX, RDX');
  a.label('gather_add');
  a.mov(rcx, at(rbx, Thread.gatherCount));
  a.mov(rdx, at(rbx, Thread.gatherBatch));
  a.mov(mem64(rdx, rcx.times(8)), rax);
  a.inc(at(rbx, Thread.gatherCount));
  a.ret();

  a.comment('RBX = running thread, RSI = la: the page of la belongs to the range. Changes RAX');
  a.label('gather_widen');
  a.mov(rax, at(rbx, Thread.gatherStart));
  a.cmp(rsi, rax);
  a.cmovb(rax, rsi);
  a.mov(at(rbx, Thread.gatherStart), rax);
  a.lea(rax, mem(rsi, 4096));
  a.cmp(rax, at(rbx, Thread.gatherEnd));
  a.if_('a', () => a.mov(at(rbx, Thread.gatherEnd), rax));
  a.ret();

  a.comment('the shootdown of what has been collected, and the frames are free');
  a.proc('gather_flush', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, current);
    a.mov(rdi, at(rbx, Thread.gatherStart));
    a.mov(rsi, at(rbx, Thread.gatherEnd));
    a.cmp(rdi, rsi);
    a.if_('b', () => {
      a.mov(rdx, at(rbx, Thread.gatherMm));
      a.call('mm_shootdown');
    });
    a.mov(rbp, at(rbx, Thread.gatherBatch));
    a.mov(r12, at(rbx, Thread.gatherCount));
    a.while_(
      () => a.test(r12, r12),
      'nz',
      () => {
        a.dec(r12);
        a.mov(rdi, mem64(rbp, r12.times(8)));
        a.call('page_free');
      },
    );
    a.mov(at(rbx, Thread.gatherCount), 0);
    a.mov(at(rbx, Thread.gatherStart), -1);
    a.mov(at(rbx, Thread.gatherEnd), 0);
  });

  a.comment('RDI = start, RSI = end, RDX = mm, which is loaded: no core uses an old translation of the range');
  a.proc('mm_shootdown', { saves: [rbx] }, () => {
    a.mov(rbx, rdx);
    a.comment('counted before the mask is read: a core that comes later sees the count, one that came before is in the mask');
    a.lock.inc(at(rbx, Mm.started));
    a.call('shootdown');
    a.lock.inc(at(rbx, Mm.completed));
  });

  a.comment('RSI = start, RDX = end of what the caller was to take away: flushed as a whole when others are at it, too');
  a.proc('gather_end', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.cmp(at(rbx, Mm.gathers), 1);
    a.if_('ne', () => {
      a.mov(rax, current);
      a.mov(at(rax, Thread.gatherStart), rsi);
      a.mov(at(rax, Thread.gatherEnd), rdx);
    });
    a.call('gather_flush');
    a.lock.dec(at(rbx, Mm.gathers));
  });

  a.comment('RBX = thread, RBP = mm, R12 = la, R13 = end, R14 = lock of the table, R15 = entry');
  a.proc('zap_range', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbx, current);
    a.mov(rbp, rdi);
    a.mov(r12, rsi);
    a.mov(r13, rdx);
    a.loop(() => {
      a.cmp(r12, r13);
      a.break_if('ae');
      a.mov(rdi, rbp);
      a.mov(rsi, r12);
      a.call('pte_find');
      a.mov(r15, rax);
      a.test(rax, rax);
      a.if_('z', () => {
        a.comment('no table: on to the next');
        a.and(r12, -TABLE_SPAN);
        a.add(r12, TABLE_SPAN);
        a.jmp('.next_table');
      });
      a.mov(rsi, r12);
      a.mov(rdi, rbp);
      a.call('table_lock_of');
      a.mov(r14, rax);
      a.mov(rdi, rax);
      a.call('lock_acquire');
      a.label('.entry');
      a.cmp(mem64(r15), 0);
      a.if_('ne', () => {
        a.cmp(at(rbx, Thread.gatherCount), GATHER_BATCH);
        a.je('.full');
        a.comment('exchanged, not read and cleared: a processor may set accessed and dirty in between');
        a.xor(eax, eax);
        a.xchg(mem64(r15), rax);
        a.mov(rdx, rax);
        a.test(edx, PTE_P);
        a.if_('nz', () => {
          a.mov(rsi, r12);
          a.call('gather_widen');
        });
        a.mov(rax, PTE_FRAME);
        a.and(rax, rdx);
        a.call('gather_add');
      });
      a.add(r12, 4096);
      a.add(r15, 8);
      a.cmp(r12, r13);
      a.jae('.table_done');
      a.test(r12, TABLE_SPAN - 1);
      a.jnz('.entry');
      a.label('.table_done');
      a.mov(rdi, r14);
      a.call('lock_release');
      a.jmp('.next_table');

      a.label('.full');
      a.mov(rdi, r14);
      a.call('lock_release');
      a.call('gather_flush');
      a.label('.next_table');
    });
  });

  a.comment(
    'RSI = end of the mapping before, RDX = start of the mapping behind, RCX = start, R8 = end of what was unmapped: page tables that only',
  );
  a.comment('it used are taken out and collected. R12 = first address of the next table, R13 = end of the last one');
  a.proc('free_tables', { saves: [rbx, rbp, r12, r13] }, () => {
    a.mov(rbx, current);
    a.mov(rbp, rdi);
    a.mov(r12, rcx);
    a.and(r12, -TABLE_SPAN);
    a.cmp(r12, rsi);
    a.if_('b', () => a.add(r12, TABLE_SPAN));
    a.lea(r13, mem(r8, TABLE_SPAN - 1));
    a.and(r13, -TABLE_SPAN);
    a.cmp(r13, rdx);
    a.if_('a', () => a.sub(r13, TABLE_SPAN));
    a.while_(
      () => a.cmp(r12, r13),
      'b',
      () => {
        a.mov(rdi, rbp);
        a.mov(rsi, r12);
        a.call('pde_find');
        a.test(rax, rax);
        a.jz('.next');
        a.cmp(mem64(rax), 0);
        a.je('.next');
        a.cmp(at(rbx, Thread.gatherCount), GATHER_BATCH);
        a.if_('e', () => {
          a.call('gather_flush');
          a.jmp('.again');
        });
        a.mov(ecx, 0);
        a.xchg(mem64(rax), rcx);
        a.mov(rax, PTE_FRAME);
        a.and(rax, rcx);
        a.call('gather_add');
        a.comment('its directory entry may be cached: one address that it translates must be among those shot down');
        a.mov(rsi, r12);
        a.call('gather_widen');
        a.label('.next');
        a.add(r12, TABLE_SPAN);
        a.label('.again');
      },
    );
  });
}
