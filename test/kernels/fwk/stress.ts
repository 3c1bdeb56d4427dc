import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem, mem64 } from '../../../src/asm/operand.ts';
import { eax, ecx, edi, edx, esi, r8, r9, r10, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx } from '../../../src/asm/register.ts';
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../../src/kernels/fwk/memoryCalls.ts';
import { assembleProgram, type UserProgram } from '../../../src/kernels/fwk/program.ts';
import { expect, expectations, expectSuccess } from '../../../src/kernels/fwk/user/expect.ts';
import { onThreads } from '../../../src/kernels/fwk/user/onThreads.ts';
import { exit, runtime, syscall } from '../../../src/kernels/fwk/user/runtime.ts';
import { PROT_READ, PROT_WRITE } from '../../../src/kernels/fwk/vma.ts';

const RW = PROT_READ | PROT_WRITE;
const MULTIPLIER = 6_364_136_223_846_793_005n;

/**
 * Threads of one process that map, unmap, protect, empty and touch random pages, each in a region of its own: `pages` pages. A page holds zero, or the stamp
 * that is its address: anything else came through a translation that should be gone, or from a frame that two pages got at once.
 */
export const stress = (seed: number, threads: number, pages: number, rounds: number): UserProgram =>
  assembleProgram('stress', (a) => {
    a.include(runtime);
    a.include(expectations);
    a.room('regions', threads * 8);
    a.room('handles', threads * 8);

    a.label('main');
    for (let thread = 0; thread < threads; thread++) {
      a.mov(edi, pages * 4096);
      a.call('map_memory');
      expectSuccess(a, 'mmap');
      a.mov(mem64('regions', thread * 8), rax);
    }
    onThreads(a, threads, 'work', 'handles');
    exit(a, 0);

    a.comment(
      'RDI = thread. RBX = its region, RBP = random, R12 = rounds left, R13 = thread + 1, R14 = la and R8 = number of the page of this turn',
    );
    a.proc('work', { saves: [rbx, rbp, r12, r13, r14] }, () => {
      a.lea(rax, mem('regions'));
      a.mov(rbx, mem64(rax, rdi.times(8)));
      a.lea(r13, mem(rdi, 1));
      a.mov(rbp, r13);
      a.mov(rax, BigInt(seed) * 0x9e37_79b9n + 77n);
      a.imul(rbp, rax);
      a.mov(r12, rounds);
      a.repeat_while('nz', () => {
        a.comment('the next page, and what to do with it');
        a.mov(rax, MULTIPLIER);
        a.imul(rbp, rax);
        a.add(rbp, 12_345);
        a.mov(rax, rbp);
        a.shr(rax, 33);
        a.xor(edx, edx);
        a.mov(ecx, pages);
        a.div(rcx);
        a.mov(r14, rdx);
        a.shl(r14, 12);
        a.add(r14, rbx);
        a.and(eax, 7);
        choose(a);
        a.dec(r12);
      });
    });
  });

/** RAX = 0…7. The page at R14 belongs to this thread, and may be touched, before and after. */
function choose(a: Assembler): void {
  const call = (name: 'munmap' | 'mprotect' | 'madvise', third: number): void => {
    a.mov(rdi, r14);
    a.mov(esi, 4096);
    a.mov(edx, third);
    syscall(a, name);
    expect(a, name, 0);
  };
  const end = a.newLabel('done');
  const when = (value: number, body: () => void): void => {
    const next = a.newLabel('next');
    a.cmp(eax, value);
    a.branch('jne', next);
    body();
    a.branch('jmp', end);
    a.placeLabel(next);
  };
  when(0, () => {
    call('munmap', 0);
    a.mov(rdi, r14);
    a.mov(esi, 4096);
    a.mov(edx, RW);
    a.mov(r10, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
    a.mov(r8, -1);
    a.xor(r9, r9);
    syscall(a, 'mmap');
    expect(a, 'mmap', r14);
    a.mov(rax, mem64(r14));
    expect(a, 'a page that was mapped anew', 0);
  });
  when(1, () => {
    call('madvise', MADV_DONTNEED);
    a.mov(rax, mem64(r14));
    expect(a, 'a page that was emptied', 0);
  });
  when(2, () => {
    call('mprotect', PROT_READ);
    a.mov(rcx, mem64(r14));
    call('mprotect', RW);
    a.mov(rax, mem64(r14));
    a.test(rax, rax);
    a.if_('nz', () => expect(a, 'a page after mprotect', r14));
  });
  a.comment('else: zero or the stamp, which is the address, then the stamp');
  a.mov(rax, mem64(r14));
  a.test(rax, rax);
  a.if_('nz', () => expect(a, 'a page of this thread', r14));
  a.mov(mem64(r14), r14);
  a.placeLabel(end);
}
