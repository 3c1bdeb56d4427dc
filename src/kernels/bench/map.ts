/** bench-map: maps a page, touches it, unmaps it, invalidates it: what the project is about, on one core. */
import { PTE_P, PTE_RW } from '../../arch/paging.ts';
import { mem, mem64 } from '../../asm/operand.ts';
import { r12, r13, rax, rbp, rbx, rdi, rsi } from '../../asm/register.ts';
import { MAPPED_REGION } from '../lib/layout.ts';
import { benchGuest } from './benchGuest.ts';

/** Pages in turn; they lie 64 KB apart, in several page tables. */
const PLACES = 256;
const SPACING_SHIFT = 16;

export const map = benchGuest({
  name: 'map',
  doc: 'bench: map, touch, unmap and INVLPG in four-level page tables',
  iterations: 5000,
  prepares: true,
  write(a) {
    a.variable('map_frame');
    a.proc('bench_prepare', {}, () => {
      a.call('frame_alloc');
      a.mov(mem64('map_frame'), rax);
      a.mov(mem64(rax), 0);
    });

    a.comment('RBX = iterations left, RBP = address, R12 = its base, R13 = sum');
    a.proc('bench_work', { saves: [rbx, rbp, r12, r13] }, () => {
      a.mov(rbx, rdi);
      a.mov(r12, MAPPED_REGION);
      a.xor(r13, r13);
      a.repeat_while('nz', () => {
        a.mov(rbp, rbx);
        a.and(rbp, PLACES - 1);
        a.shl(rbp, SPACING_SHIFT);
        a.add(rbp, r12);
        a.mov(rdi, rbp);
        a.mov(rsi, mem64('map_frame'));
        a.or(rsi, PTE_P | PTE_RW);
        a.call('page_map');
        a.add(mem64(rbp), rbx);
        a.mov(rdi, rbp);
        a.call('page_unmap');
        a.invlpg(mem(rbp));
        a.comment('present, accessed, dirty: what the walk left in the entry');
        a.and(rax, 0xfff);
        a.add(r13, rax);
        a.dec(rbx);
      });
      a.mov(rax, mem64('map_frame'));
      a.mov(rax, mem64(rax));
      a.add(rax, r13);
    });
  },
});
