/**
 * Address spaces: the record, taking one and giving it back, and what a core that changes spaces owes the shootdowns it has missed.
 *
 * A space has a PCID for life, the same on all cores. Linux gives each core its own few; here one number must do, because the schemes in
 * which somebody else invalidates (Hyper-V's hypercall, INVLPGB, remote action requests) name a space by what is in CR3. So that no core
 * is told about spaces it does not use, a core that leaves one is taken out of its mask, keeps the translations, and drops them at its return if
 * there was a shootdown in between. That is decided by counting: `started` counts the shootdowns that have begun, `completed` those that have
 * ended. What a core has is good up to `seen`, its note of `started`
 * - when it comes: it is in the mask before it reads `started`, so a shootdown that it does not count here finds it in the mask;
 * - when it goes, if `completed`, read first, equals `started`: then at the moment of the first reading no shootdown was under way, all that had been
 *   were over on this core, too, and those since then are not counted. Otherwise the old note stands, which can only cost a flush.
 *
 * A thread without user memory runs on whatever space is loaded: lazily. The core stays in the mask and takes part in shootdowns. Where that is done by
 * an interrupt it leaves instead of flushing, once, and is left in peace (`shootdown_serve`, as Linux 4.x). A space is not given back before
 * the last core that has it loaded has loaded another: `loads` counts them, and one more for the process. SDM: Vol. 3, "Process-Context
 * Identifiers (PCIDs)".
 */
import { CR3_NO_INVALIDATE_BIT } from '../../arch/controlRegisters.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { aligned, array, record, sizeOf, space, u64 } from '../../asm/record.ts';
import { cr3, eax, ebx, ecx, r8, rax, rbx, rcx, rdi, rdx } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { MAX_CORES } from '../lib/layout.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { AddressSpace } from '../lib/shootdown/shootdown.ts';
import { core, KernelCore } from './core.ts';
import { COMMON_PCID, FIRST_PCID, MAX_PROCESSES, MAX_VMAS, PROCESSES_SHIFT } from './layout.ts';
import type { KernelChoices } from './parameters.ts';
import { RwSemaphore } from './rwSemaphore.ts';
import { Vma } from './vma.ts';

/** Page-table locks of a space: one for every few page tables. */
export const TABLE_LOCKS = 16;

export const Mm = record({
  /** What a shootdown must know. Comes first: the address of one is the address of the other. */
  space: space(sizeOf(AddressSpace)),
  number: u64,
  used: u64,
  pml4: u64,
  loads: aligned(64, u64),
  started: u64,
  completed: u64,
  /** Gatherings of freed pages that have begun and not ended. */
  gathers: u64,
  mmapLock: aligned(64, space(sizeOf(RwSemaphore))),
  /** Changed under the mmap lock, held for writing. */
  vmaCount: u64,
  vmas: u64,
  brkStart: u64,
  brk: u64,
  /** Each on a cache line of its own. */
  tableLocks: aligned(64, array(u64, TABLE_LOCKS * 8)),
});

export const mm =
  ({ pcid }: KernelChoices) =>
  (a: Assembler): void => {
    a.room('mms', MAX_PROCESSES * sizeOf(Mm), 64);
    a.room('vma_tables', MAX_PROCESSES * MAX_VMAS * sizeOf(Vma), 4096);
    a.comment('`seen` of each core, by number of the space');
    a.room('seen_shootdowns', MAX_CORES * MAX_PROCESSES * 8, 4096);
    a.variable('mms_lock');

    a.comment('RAX = a new, empty space, or 0 when there is none left');
    a.proc('mm_create', { saves: [rbx] }, () => {
      acquire(a, 'mms_lock');
      a.mov(ebx, addr('mms'));
      a.xor(ecx, ecx);
      a.loop(() => {
        a.cmp(ecx, MAX_PROCESSES);
        a.if_('e', () => {
          a.xor(ebx, ebx);
          a.break_();
        });
        a.cmp(at(rbx, Mm.used), 0);
        a.break_if('e');
        a.add(rbx, sizeOf(Mm));
        a.inc(ecx);
      });
      a.test(rbx, rbx);
      a.if_('nz', () => {
        a.mov(at(rbx, Mm.used), 1);
        a.mov(at(rbx, Mm.number), rcx);
      });
      release(a, 'mms_lock');
      a.test(rbx, rbx);
      a.if_('z', () => {
        a.xor(eax, eax);
        a.return_();
      });

      a.comment('translations of whoever had the number before are old for every core');
      a.inc(at(rbx, Mm.started));
      a.inc(at(rbx, Mm.completed));
      a.mov(at(rbx, Mm.loads), 1);
      a.mov(at(rbx, AddressSpace.cores), 0);
      a.mov(at(rbx, Mm.vmaCount), 0);
      a.imul(rax, at(rbx, Mm.number), MAX_VMAS * sizeOf(Vma));
      a.add(rax, addr('vma_tables'));
      a.mov(at(rbx, Mm.vmas), rax);
      a.call('table_frame');
      a.mov(at(rbx, Mm.pml4), rax);
      a.mov(rcx, mem64('kernel_pml4'));
      a.mov(mem64(rax), rcx);
      if (pcid) {
        a.add(rax, at(rbx, Mm.number));
        a.add(rax, FIRST_PCID);
      } else a.add(rax, COMMON_PCID);
      a.mov(at(rbx, AddressSpace.cr3), rax);
      a.mov(rax, rbx);
    });

    a.comment('RDI = space: one of its users lets it go. The last one gives back the root table, which is empty by then');
    a.proc('mm_drop', { saves: [rbx] }, () => {
      a.mov(rbx, rdi);
      a.lock.dec(at(rbx, Mm.loads));
      a.return_if('nz');
      a.mov(rdi, at(rbx, Mm.pml4));
      a.call('page_free');
      a.mov(at(rbx, Mm.used), 0);
    });

    a.comment('RDI = space that the next thread needs, or 0. Interrupts are off: a shootdown must find this core either there or here');
    a.proc('space_switch', { saves: [rbx] }, () => {
      a.test(rdi, rdi);
      a.if_('z', () => {
        a.comment('lazy: no thread of its own, so any space will do, and the loaded one costs nothing');
        a.mov(core(KernelCore.lazy), 1);
        a.return_();
      });
      a.mov(core(KernelCore.lazy), 0);
      a.mov(rbx, core(KernelCore.loadedMm));
      a.cmp(rdi, rbx);
      a.if_('e', () => {
        a.cmp(core(KernelCore.left), 0);
        a.return_if('e');
      });
      a.mov(ecx, cpu(PerCpu.number));
      a.mov(r8, rcx);

      a.comment('come: into the mask first, then see what was missed');
      a.lock.bts(at(rdi, AddressSpace.cores), rcx);
      a.mov(rax, at(rdi, AddressSpace.cr3));
      if (pcid) {
        a.shl(rcx, PROCESSES_SHIFT);
        a.add(rcx, at(rdi, Mm.number));
        a.mov(rdx, at(rdi, Mm.started));
        a.cmp(rdx, mem64('seen_shootdowns', rcx.times(8)));
        a.if_(
          'e',
          () => a.bts(rax, CR3_NO_INVALIDATE_BIT),
          () => a.mov(mem64('seen_shootdowns', rcx.times(8)), rdx),
        );
      }
      a.mov(cr3, rax);
      a.cmp(rdi, rbx);
      a.if_('ne', () => {
        a.mov(core(KernelCore.loadedMm), rdi);
        a.lock.inc(at(rdi, Mm.loads));
        a.mov(core(KernelCore.droppedMm), rbx);
        a.test(rbx, rbx);
        a.if_('nz', () => {
          a.cmp(core(KernelCore.left), 0);
          a.if_('e', () => leaveMask(a, pcid));
        });
      });
      a.mov(core(KernelCore.left), 0);
    });
  };

/** The running core, R8, goes out of the mask of the space in RBX, whose tables it does not use any more. Changes RAX, RCX, RDX. */
function leaveMask(a: Assembler, pcid: boolean): void {
  if (pcid) {
    a.mov(rax, at(rbx, Mm.completed));
    a.mov(rdx, at(rbx, Mm.started));
    a.cmp(rax, rdx);
    a.if_('e', () => {
      a.mov(rcx, r8);
      a.shl(rcx, PROCESSES_SHIFT);
      a.add(rcx, at(rbx, Mm.number));
      a.mov(mem64('seen_shootdowns', rcx.times(8)), rdx);
    });
  }
  a.lock.btr(at(rbx, AddressSpace.cores), r8);
}
