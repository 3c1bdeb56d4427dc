/**
 * tlb-flush: threads of one process that map, touch, protect and unmap memory, again and again: what shoots translations down in a real program, and nothing
 * else. Kin of the kernel community's tlb_flush microbenchmarks.
 *
 * Each thread of the process maps `pages`, writes to each, every `protect`th time takes away and gives back the right to write, and unmaps them, or, for
 * every `advise`th time, gives their contents back by madvise and touches them anew before. Between the rounds it computes. MARK_ROI stands around the part
 * that all threads run. Contents are checked: a page is zero when it comes, and holds what its thread wrote until it goes.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../arch/marks.ts';
import type { Assembler } from '../asm/assembler.ts';
import { mem, mem64 } from '../asm/operand.ts';
import { ebx, ecx, edi, edx, esi, r12, r13, rax, rbp, rbx, rcx, rdi, rdx } from '../asm/register.ts';
import { buildFwk } from './fwk/fwk.ts';
import { MADV_DONTNEED } from './fwk/memoryCalls.ts';
import { KERNEL_PARAMETERS } from './fwk/parameters.ts';
import { assembleProgram } from './fwk/program.ts';
import { expect, expectations, expectSuccess } from './fwk/user/expect.ts';
import { exit, report, runtime, syscall } from './fwk/user/runtime.ts';
import { PROT_READ, PROT_WRITE } from './fwk/vma.ts';
import type { GuestDefinition } from './guest.ts';
import { readTsc } from './lib/time.ts';

const FIGURES = ['rounds', 'cycles per round'] as const;
const MAX_THREADS = 64;
const MULTIPLIER = 6_364_136_223_846_793_005n;

export const tlbFlush: GuestDefinition = {
  name: 'tlb-flush',
  doc: 'threads of one process map, touch, protect and unmap memory',
  parameters: [
    ...KERNEL_PARAMETERS,
    { name: 'threads', default: 4, min: 1, max: MAX_THREADS, doc: 'threads of the process' },
    { name: 'pages', default: 4, min: 1, max: 4096, doc: 'pages of each mapping' },
    { name: 'iterations', default: 100, min: 1, max: 10_000_000, doc: 'mappings that each thread makes' },
    { name: 'protect', default: 4, min: 0, max: 1_000_000, doc: 'every how many rounds the pages are protected and unprotected; 0: never' },
    { name: 'advise', default: 2, min: 0, max: 1_000_000, doc: 'every how many rounds madvise empties the pages first; 0: never' },
    { name: 'think', default: 10_000, min: 0, max: 1_000_000_000, doc: 'instructions of work between the rounds' },
  ],
  minCores: 1,
  defaultCores: 4,
  figures: FIGURES,
  build: (choices) => buildFwk(choices, [{ program: assembleProgram('tlb-flush', (a) => program(a, choices.parameters)) }]),
};

function program(a: Assembler, parameters: Readonly<Record<string, number>>): void {
  const threads = parameters['threads']!;
  const pages = parameters['pages']!;
  const iterations = parameters['iterations']!;
  const think = parameters['think']!;
  a.include(runtime);
  a.include(expectations);
  a.section('data', () => {
    a.align(64);
    a.label('barrier');
    a.u32(0, 0, threads);
  });
  a.room('handles', threads * 8);

  a.label('main');
  for (let thread = 1; thread < threads; thread++) {
    a.lea(rdi, mem('work'));
    a.mov(esi, thread);
    a.call('thread_start');
    expectSuccess(a, 'clone');
    a.mov(mem64('handles', thread * 8), rax);
  }
  a.comment('R13 = when all have begun');
  a.lea(rdi, mem('barrier'));
  a.call('barrier_wait');
  a.mark(MARK_ROI_BEGIN);
  readTsc(a);
  a.mov(r13, rax);
  a.xor(edi, edi);
  a.call('rounds');
  for (let thread = 1; thread < threads; thread++) {
    a.mov(rdi, mem64('handles', thread * 8));
    a.call('thread_join');
  }
  a.mark(MARK_ROI_END);
  readTsc(a);
  a.sub(rax, r13);
  a.mov(ecx, iterations);
  a.xor(edx, edx);
  a.div(rcx);
  a.mov(r12, rax);
  a.mov(ebx, threads * iterations);
  report(a, FIGURES, 'rounds', rbx);
  report(a, FIGURES, 'cycles per round', r12);
  exit(a, 0);

  a.proc('work', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.lea(rdi, mem('barrier'));
    a.call('barrier_wait');
    a.mov(rdi, rbx);
    a.call('rounds');
  });

  a.comment('RDI = number of the thread. RBX = mapping, RBP = rounds done, R12 = what this thread writes, R13 = thread');
  a.proc('rounds', { saves: [rbx, rbp, r12, r13] }, () => {
    a.mov(r13, rdi);
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      a.mov(edi, pages * 4096);
      a.call('map_memory');
      expectSuccess(a, 'mmap');
      a.mov(rbx, rax);
      a.call('touch_pages');
      a.mov(r12, rax);
      every(a, parameters['advise']!, () => {
        a.mov(rdi, rbx);
        a.mov(esi, pages * 4096);
        a.mov(edx, MADV_DONTNEED);
        syscall(a, 'madvise');
        expect(a, 'madvise', 0);
        a.call('touch_pages');
      });
      every(a, parameters['protect']!, () => {
        for (const rights of [PROT_READ, PROT_READ | PROT_WRITE]) {
          a.mov(rdi, rbx);
          a.mov(esi, pages * 4096);
          a.mov(edx, rights);
          syscall(a, 'mprotect');
          expect(a, 'mprotect', 0);
        }
      });
      a.comment('what was written is there');
      a.xor(ecx, ecx);
      a.repeat_while('b', () => {
        a.mov(rax, mem64(rbx, rcx));
        expect(a, 'a page keeps what its thread wrote', r12);
        a.add(ecx, 4096);
        a.cmp(ecx, pages * 4096);
      });
      a.mov(rdi, rbx);
      a.mov(esi, pages * 4096);
      syscall(a, 'munmap');
      expect(a, 'munmap', 0);
      if (think > 0) {
        a.mov(ecx, Math.max(1, Math.floor(think / 4)));
        a.repeat_while('nz', () => {
          a.imul(rax, rax, 1_664_525);
          a.add(rax, 1_013_904_223);
          a.dec(ecx);
        });
      }
      a.inc(rbp);
      a.cmp(rbp, iterations);
    });
  });

  a.comment('R12 = a number of this thread and round, written to every page, which is zero before');
  a.proc('touch_pages', { saves: [r12] }, () => {
    a.mov(rax, MULTIPLIER);
    a.lea(r12, mem(rbp, 1));
    a.shl(r12, 8);
    a.or(r12, r13);
    a.imul(r12, rax);
    a.xor(ecx, ecx);
    a.repeat_while('b', () => {
      a.mov(rax, mem64(rbx, rcx));
      expect(a, 'a new page is zero', 0);
      a.mov(mem64(rbx, rcx), r12);
      a.add(ecx, 4096);
      a.cmp(ecx, pages * 4096);
    });
    a.mov(rax, r12);
  });
}

/** `body` in every `n`th round, RBP; never when n = 0. */
function every(a: Assembler, n: number, body: () => void): void {
  if (n === 0) return;
  if (n === 1) {
    body();
    return;
  }
  a.mov(rax, rbp);
  a.xor(edx, edx);
  a.mov(ecx, n);
  a.div(rcx);
  a.test(rdx, rdx);
  a.if_('z', body);
}
