/**
 * Page frames: 4 KB frames from the end of the image upwards, 2 MB frames from the end of memory downwards.
 *
 * `frames_init(RDI = bytes of memory)`; `frame_alloc` → RAX = address; `frame_alloc_2m` → RAX; `frame_free(RDI)`. Contents of a
 * frame are undefined. Running out ends the run. Frames that were freed are kept in a list through their first words.
 */
import { PAGE_2M, PAGE_4K } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, rax, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { failWith } from './exit.ts';
import { FRAMES_LIMIT } from './layout.ts';
import { acquire, release } from './locks/lock.ts';

export function frames(a: Assembler): void {
  for (const name of ['frames_lock', 'frames_free', 'frames_next', 'frames_end']) a.variable(name);

  a.proc('frames_init', {}, () => {
    a.mov(eax, FRAMES_LIMIT);
    a.cmp(rdi, rax);
    a.cmovb(rax, rdi);
    a.and(rax, -PAGE_2M);
    a.mov(mem64('frames_end'), rax);
    a.mov(eax, addr('image_end'));
    a.mov(mem64('frames_next'), rax);
  });

  a.proc('frame_alloc', { saves: [rbx] }, () => {
    acquire(a, 'frames_lock');
    a.mov(rbx, mem64('frames_free'));
    a.test(rbx, rbx);
    a.if_(
      'nz',
      () => {
        a.mov(rax, mem64(rbx));
        a.mov(mem64('frames_free'), rax);
      },
      () => {
        a.mov(rbx, mem64('frames_next'));
        a.cmp(rbx, mem64('frames_end'));
        a.jae('frames_exhausted');
        a.add(mem64('frames_next'), PAGE_4K);
      },
    );
    release(a, 'frames_lock');
    a.mov(rax, rbx);
  });

  a.proc('frame_alloc_2m', { saves: [rbx] }, () => {
    acquire(a, 'frames_lock');
    a.mov(rbx, mem64('frames_end'));
    a.sub(rbx, PAGE_2M);
    a.cmp(rbx, mem64('frames_next'));
    a.jb('frames_exhausted');
    a.mov(mem64('frames_end'), rbx);
    release(a, 'frames_lock');
    a.mov(rax, rbx);
  });

  a.proc('frame_free', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    acquire(a, 'frames_lock');
    a.mov(rax, mem64('frames_free'));
    a.mov(mem64(rbx), rax);
    a.mov(mem64('frames_free'), rbx);
    release(a, 'frames_lock');
  });

  a.label('frames_exhausted');
  failWith(a, 'out of page frames: the guest needs more memory\n');
}
