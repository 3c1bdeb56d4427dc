/** `mm_teardown(RDI = mm)`: everything in a space that nobody uses any more, its root table apart, is given back. It is still loaded here. */
import { PTE_P } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { ecx, edx, r12, r13, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { EVERYTHING } from '../lib/shootdown/shootdown.ts';
import { GATHER_BATCH } from './gather.ts';
import { USER_BASE, USER_PML4_END, USER_PML4_FIRST } from './layout.ts';
import { Mm } from './mm.ts';
import { PTE_FRAME } from './pageTables.ts';
import { current, Thread } from './thread.ts';
import { Vma } from './vma.ts';

/** Levels of tables below the PML4. */
const LEVELS = 3;

export function teardown(a: Assembler): void {
  a.proc('mm_teardown', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.call('gather_begin');
    a.mov(rbp, at(rbx, Mm.vmaCount));
    a.while_(
      () => a.test(rbp, rbp),
      'nz',
      () => {
        a.dec(rbp);
        a.mov(rax, rbp);
        a.shl(rax, Math.log2(sizeOf(Vma)));
        a.add(rax, at(rbx, Mm.vmas));
        a.mov(rdi, rbx);
        a.mov(rsi, at(rax, Vma.start));
        a.mov(rdx, at(rax, Vma.end));
        a.call('zap_range');
      },
    );
    a.mov(at(rbx, Mm.vmaCount), 0);
    a.mov(rdi, at(rbx, Mm.pml4));
    a.lea(rsi, mem(rdi, USER_PML4_END * 8));
    a.add(rdi, USER_PML4_FIRST * 8);
    a.mov(edx, LEVELS);
    a.call('tables_collect');
    a.call('gather_everything');
    a.mov(rdi, rbx);
    a.mov(rax, current);
    a.mov(rsi, at(rax, Thread.gatherStart));
    a.mov(rdx, at(rax, Thread.gatherEnd));
    a.call('gather_end');
  });

  a.comment('tables that belong to no page: their translations may be cached anywhere in the space');
  a.proc('gather_everything', {}, () => {
    a.mov(rax, current);
    a.mov(rcx, USER_BASE);
    a.mov(at(rax, Thread.gatherStart), rcx);
    a.mov(at(rax, Thread.gatherEnd), EVERYTHING);
  });

  a.comment('RDI = first entry, RSI = behind the last, RDX = levels below: all tables that these entries name are taken out and collected');
  a.proc('tables_collect', { saves: [rbx, rbp, r12, r13] }, () => {
    a.mov(rbp, rdi);
    a.mov(r12, rsi);
    a.mov(r13, rdx);
    a.mov(rbx, current);
    a.repeat_while('b', () => {
      a.mov(rdi, PTE_FRAME);
      a.mov(rax, mem64(rbp));
      a.test(rax, PTE_P);
      a.if_('nz', () => {
        a.and(rdi, rax);
        a.lea(rsi, mem(rdi, 4096));
        a.lea(rdx, mem(r13, -1));
        a.cmp(r13, 1);
        a.if_('ne', () => a.call('tables_collect'));
        a.cmp(at(rbx, Thread.gatherCount), GATHER_BATCH);
        a.if_('e', () => {
          a.call('gather_everything');
          a.call('gather_flush');
        });
        a.xor(ecx, ecx);
        a.xchg(mem64(rbp), rcx);
        a.mov(rax, PTE_FRAME);
        a.and(rax, rcx);
        a.call('gather_add');
      });
      a.add(rbp, 8);
      a.cmp(rbp, r12);
    });
  });
}
