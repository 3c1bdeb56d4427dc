/** bench-chase: a chain of pointers through 16 MB of 4 KB pages, one pointer in each: every step misses the TLBs. */
import { PTE_P, PTE_RW } from '../../arch/paging.ts';
import { mem, mem64 } from '../../asm/operand.ts';
import { ecx, edx, r12, r13, r13d, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { MAPPED_REGION } from '../lib/layout.ts';
import { benchGuest } from './benchGuest.ts';

const PAGES = 4096;
/** The page after page i is 5 i + 1237 modulo PAGES: all of them in one cycle. */
const FACTOR = 5;
const OFFSET = 1237;
/** Pointers lie in different cache lines of their pages. */
const LINE_SHIFT = 6;

export const chase = benchGuest({
  name: 'chase',
  doc: 'bench: pointer chase over 16 MB of 4 KB pages',
  iterations: 300_000,
  prepares: true,
  write(a) {
    a.comment('RAX, a page number, has become the address of the pointer in it. Changes RDX');
    a.label('chase_address');
    a.mov(edx, PAGES / 64 - 1);
    a.and(rdx, rax);
    a.shl(rdx, LINE_SHIFT);
    a.shl(rax, 12);
    a.add(rax, rdx);
    a.mov(rdx, MAPPED_REGION);
    a.add(rax, rdx);
    a.ret();

    a.proc('bench_prepare', { saves: [rbx, r12, r13] }, () => {
      a.mov(rbx, MAPPED_REGION);
      a.xor(r13, r13);
      a.repeat_while('b', () => {
        a.call('frame_alloc');
        a.mov(rdi, rbx);
        a.lea(rsi, mem(rax, PTE_P | PTE_RW));
        a.call('page_map');
        a.add(rbx, 4096);
        a.inc(r13);
        a.cmp(r13, PAGES);
      });
      a.xor(r13, r13);
      a.repeat_while('b', () => {
        a.mov(rax, r13);
        a.call('chase_address');
        a.mov(rcx, rax);
        a.imul(rax, r13, FACTOR);
        a.add(rax, OFFSET);
        a.and(rax, PAGES - 1);
        a.call('chase_address');
        a.mov(mem64(rcx), rax);
        a.inc(r13d);
        a.cmp(r13d, PAGES);
      });
    });

    a.proc('bench_work', {}, () => {
      a.xor(ecx, ecx);
      a.mov(rax, MAPPED_REGION);
      a.repeat_while('nz', () => {
        a.mov(rax, mem64(rax));
        a.add(rcx, rax);
        a.dec(rdi);
      });
      a.mov(rax, rcx);
    });
  },
});
