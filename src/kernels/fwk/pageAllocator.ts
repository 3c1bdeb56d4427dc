/**
 * Page frames: a short list for each core before the common pool of lib/frames.
 *
 * `page_alloc` → RAX = a frame full of zeros; `table_frame` the same, by the name that says what for; `page_alloc_dirty` → RAX = a frame with
 * whatever it held; `page_free(RDI)`. The lists need no lock: kernel code is not preempted, and interrupt handlers neither take nor give frames.
 * The pool's lock is taken once for a whole batch, as Linux does it (mm/page_alloc.c, per-CPU page lists).
 */
import { PAGE_4K } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, ecx, r12, rax, rbx, rcx, rdi, rdx } from '../../asm/register.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { core, KernelCore } from './core.ts';

/** Frames that go from or to the pool at once, and how many a core keeps at most. */
const BATCH = 32;
const KEPT = 96;

export function pageAllocator(a: Assembler): void {
  a.align(16);
  a.label('table_frame');
  a.proc('page_alloc', {}, () => {
    a.call('page_alloc_dirty');
    a.mov(rdx, rax);
    a.mov(rdi, rax);
    a.xor(eax, eax);
    a.mov(ecx, PAGE_4K / 8);
    a.rep.stosq();
    a.mov(rax, rdx);
  });

  a.proc('page_alloc_dirty', {}, () => {
    a.cmp(core(KernelCore.frameCount), 0);
    a.if_('e', () => a.call('frames_refill'));
    a.mov(rax, core(KernelCore.frameList));
    a.mov(rcx, mem64(rax));
    a.mov(core(KernelCore.frameList), rcx);
    a.dec(core(KernelCore.frameCount));
  });

  a.proc('page_free', {}, () => {
    a.mov(rax, core(KernelCore.frameList));
    a.mov(mem64(rdi), rax);
    a.mov(core(KernelCore.frameList), rdi);
    a.inc(core(KernelCore.frameCount));
    a.cmp(core(KernelCore.frameCount), KEPT);
    a.return_if('b');
    a.call('frames_drain');
  });

  a.comment('a batch out of the pool: freed frames first, then new ones. Without any the run ends');
  a.proc('frames_refill', { saves: [rbx, r12] }, () => {
    a.mov(rbx, core(KernelCore.frameList));
    a.xor(r12, r12);
    acquire(a, 'frames_lock');
    a.repeat_while('b', () => {
      a.mov(rax, mem64('frames_free'));
      a.test(rax, rax);
      a.if_(
        'nz',
        () => {
          a.mov(rcx, mem64(rax));
          a.mov(mem64('frames_free'), rcx);
        },
        () => {
          a.mov(rax, mem64('frames_next'));
          a.cmp(rax, mem64('frames_end'));
          a.if_('ae', () => {
            a.test(r12, r12);
            a.jz('frames_exhausted');
            a.jmp('.enough');
          });
          a.add(mem64('frames_next'), PAGE_4K);
        },
      );
      a.mov(mem64(rax), rbx);
      a.mov(rbx, rax);
      a.inc(r12);
      a.cmp(r12, BATCH);
    });
    a.label('.enough');
    release(a, 'frames_lock');
    a.mov(core(KernelCore.frameList), rbx);
    a.add(core(KernelCore.frameCount), r12);
  });

  a.proc('frames_drain', { saves: [rbx] }, () => {
    acquire(a, 'frames_lock');
    a.mov(ecx, BATCH);
    a.mov(rax, core(KernelCore.frameList));
    a.mov(rdx, mem64('frames_free'));
    a.repeat_while('nz', () => {
      a.mov(rbx, mem64(rax));
      a.mov(mem64(rax), rdx);
      a.mov(rdx, rax);
      a.mov(rax, rbx);
      a.dec(ecx);
    });
    a.mov(mem64('frames_free'), rdx);
    a.mov(core(KernelCore.frameList), rax);
    a.sub(core(KernelCore.frameCount), BATCH);
    release(a, 'frames_lock');
  });
}
