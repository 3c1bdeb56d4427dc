/**
 * Page faults: pages come when they are touched, zeroed, if a mapping with the right to touch them is there.
 *
 * Entry: `page_fault(RDI = trap frame)`, interrupts off, on the kernel stack of the running thread. Faults on user memory by the user, or by one of the
 * kernel's own accesses to it (userAccess.ts), are served with interrupts on; the process of a user that may not touch the place ends. All other
 * faults are the kernel's death.
 *
 * Faults of several threads run side by side: the mmap lock is held for reading, and only the lock of one page table while an entry is
 * stored. There are no copies on write, and no page of zeros that readers share: a page that was touched is there. Every frame is
 * mapped in one place.
 */
import { PTE_A, PTE_D, PTE_P, PTE_RW, PTE_US } from '../../arch/paging.ts';
import { PF_I, PF_RSVD, PF_W } from '../../arch/vectors.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem8, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { cr2, eax, ecx, edi, edx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { TrapFrame } from '../lib/trap.ts';
import { EFAULT } from './errors.ts';
import { USER_BASE, USER_END } from './layout.ts';
import { Mm } from './mm.ts';
import { PTE_KEPT } from './pageTables.ts';
import { current, Thread } from './thread.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE, Vma } from './vma.ts';

export function pageFault(a: Assembler): void {
  a.comment('bit 63 where the processor has no-execute pages, else 0');
  a.variable('no_execute');

  a.proc('page_fault', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, cr2);
    a.test(mem8(rbx, TrapFrame.cs), 3);
    a.if_('nz', () => {
      a.sti();
      a.call('fault_place');
      a.jc('.refused');
      a.mov(rsi, rbp);
      a.mov(rdx, at(rbx, TrapFrame.error));
      a.call('fault_serve');
      a.test(rax, rax);
      a.if_('nz', () => {
        a.label('.refused');
        a.mov(rdi, rbx);
        a.mov(rsi, rbp);
        a.call('process_fault');
      });
      a.call('return_to_user');
      a.return_();
    });

    a.comment('the kernel: only where a way out is known. R12 = that');
    a.mov(eax, addr('fixups'));
    a.mov(rcx, at(rbx, TrapFrame.rip));
    a.loop(() => {
      a.cmp(eax, addr('fixups_end'));
      a.jae('unexpected_trap');
      a.cmp(rcx, mem64(rax));
      a.break_if('e');
      a.add(rax, 16);
    });
    a.mov(r12, mem64(rax, 8));
    a.call('fault_place');
    a.jc('unexpected_trap');
    a.mov(rax, current);
    a.cmp(at(rax, Thread.faultsOff), 0);
    a.jne('.way_out');
    a.sti();
    a.mov(rsi, rbp);
    a.mov(rdx, at(rbx, TrapFrame.error));
    a.call('fault_serve');
    a.cli();
    a.test(rax, rax);
    a.return_if('z');
    a.label('.way_out');
    a.mov(at(rbx, TrapFrame.rip), r12);
  });

  a.comment('RBP = la: RDI = mm of the running thread; CF when la is no user address. Changes RAX');
  a.label('fault_place');
  a.mov(rdi, current);
  a.mov(rdi, at(rdi, Thread.mm));
  a.mov(rax, USER_END - 1);
  a.cmp(rax, rbp);
  a.jc('.no');
  a.mov(rax, USER_BASE);
  a.cmp(rbp, rax);
  a.label('.no');
  a.ret();

  a.comment('RDI = mm, RSI = la, RDX = error code: the page is there, RAX = 0; or nobody may touch it so, RAX = -EFAULT');
  a.proc('fault_serve', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('read_lock');
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call('vma_find');
    a.cmp(rax, at(rbx, Mm.vmaCount));
    a.jae('.bad');
    a.shl(rax, Math.log2(sizeOf(Vma)));
    a.add(rax, at(rbx, Mm.vmas));
    a.cmp(at(rax, Vma.start), rbp);
    a.ja('.bad');
    a.mov(r13, at(rax, Vma.rights));
    a.comment('what the access needs: any right will do for reading, as the processor has it');
    a.mov(eax, PROT_READ | PROT_WRITE | PROT_EXEC);
    a.mov(ecx, PROT_WRITE);
    a.test(r12, PF_W);
    a.cmovnz(eax, ecx);
    a.mov(ecx, PROT_EXEC);
    a.test(r12, PF_I);
    a.cmovnz(eax, ecx);
    a.test(r13, rax);
    a.jz('.bad');
    a.test(r12, PF_RSVD);
    a.jnz('.bad');

    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call('pte_make');
    a.mov(r14, rax);
    a.comment('a page that is there with the rights it should have: another thread brought it, or the processor had an older translation');
    a.cmp(mem64(r14), 0);
    a.jne('.good');
    a.call('page_alloc');
    a.mov(r15, rax);
    a.mov(rdi, r13);
    a.call('pte_flags');
    a.or(rax, r15);
    a.or(rax, PTE_A);
    a.mov(ecx, PTE_D);
    a.xor(edx, edx);
    a.test(r12, PF_W);
    a.cmovz(ecx, edx);
    a.or(rax, rcx);
    a.mov(r12, rax);
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call('table_lock_of');
    a.mov(rbp, rax);
    a.mov(rdi, rax);
    a.call('lock_acquire');
    a.cmp(mem64(r14), 0);
    a.if_('e', () => {
      a.mov(mem64(r14), r12);
      a.xor(r15, r15);
    });
    a.mov(rdi, rbp);
    a.call('lock_release');
    a.mov(rdi, r15);
    a.test(rdi, rdi);
    a.if_('nz', () => a.call('page_free'));

    a.label('.good');
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('read_unlock');
    a.xor(eax, eax);
    a.return_();
    a.label('.bad');
    a.lea(rdi, at(rbx, Mm.mmapLock));
    a.call('read_unlock');
    a.mov(rax, -EFAULT);
  });

  a.comment('RDI = rights: RAX = flags of an entry that gives them. Without any the frame is kept, out of reach');
  a.proc('pte_flags', {}, () => {
    a.mov(eax, PTE_KEPT);
    a.test(rdi, rdi);
    a.return_if('z');
    a.mov(eax, PTE_P | PTE_US);
    a.mov(ecx, PTE_P | PTE_US | PTE_RW);
    a.test(edi, PROT_WRITE);
    a.cmovnz(eax, ecx);
    a.test(edi, PROT_EXEC);
    a.if_('z', () => a.or(rax, mem64('no_execute')));
  });
}
