/** A user program: mmap, munmap, mprotect, madvise and brk, used rightly and wrongly. */
import type { Assembler } from '../../../asm/assembler.ts';
import { mem, mem64 } from '../../../asm/operand.ts';
import { ebx, edi, edx, esi, r8, r9, r10, r12, r13, rax, rbp, rbx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { EBADF, EFAULT, EINVAL, ENOMEM } from '../errors.ts';
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED, MAP_POPULATE, MAP_PRIVATE } from '../memoryCalls.ts';
import { expect, expectations, expectSuccess, orFail } from '../user/expect.ts';
import { exit, runtime, syscall } from '../user/runtime.ts';
import { PROT_READ, PROT_WRITE } from '../vma.ts';

const RW = PROT_READ | PROT_WRITE;
const PAGES = 8;

/** mmap(address, bytes, rights, flags, -1, 0). */
function mmap(a: Assembler, address: typeof rbx | number, bytes: number, rights: number, flags: number): void {
  a.mov(rdi, address);
  a.mov(rsi, bytes);
  a.mov(edx, rights);
  a.mov(r10, flags);
  a.mov(r8, -1);
  a.xor(r9, r9);
  syscall(a, 'mmap');
}

/** A call whose three arguments are at most an address plus a displacement, and numbers. */
function call(a: Assembler, name: 'munmap' | 'mprotect' | 'madvise', offset: number, bytes: number, third = 0): void {
  a.lea(rdi, mem(rbx, offset));
  a.mov(rsi, bytes);
  a.mov(edx, third);
  syscall(a, name);
}

/** Whether the kernel can read a byte at RBX + offset: write(1, there, 0…1) to nowhere is not possible, so it is clock_gettime that writes there. */
function kernelWrites(a: Assembler, offset: number, what: string, result: number): void {
  a.mov(edi, 1);
  a.lea(rsi, mem(rbx, offset));
  syscall(a, 'clock_gettime');
  expect(a, what, result);
}

export function memoryProgram(a: Assembler): void {
  a.include(runtime);
  a.include(expectations);

  a.label('main');
  a.comment('a mapping: pages are zero, keep what is written, and are each other’s neighbours');
  mmap(a, 0, PAGES * 4096 - 5, RW, MAP_PRIVATE | MAP_ANONYMOUS);
  expectSuccess(a, 'mmap');
  a.mov(rbx, rax);
  a.mov(rbp, rax);
  for (let page = 0; page < PAGES; page++) {
    a.mov(rax, mem64(rbx, page * 4096 + 8));
    expect(a, 'a new page is zero', 0);
    a.mov(mem64(rbx, page * 4096 + 8), page + 100);
  }
  for (let page = 0; page < PAGES; page++) {
    a.mov(rax, mem64(rbx, page * 4096 + 8));
    expect(a, 'a page keeps what was written', page + 100);
  }

  a.comment('madvise: page 2 is zero again, its neighbours are not');
  call(a, 'madvise', 2 * 4096, 4096, MADV_DONTNEED);
  expect(a, 'madvise', 0);
  a.mov(rax, mem64(rbx, 2 * 4096 + 8));
  expect(a, 'a page that was given up is zero', 0);
  a.mov(rax, mem64(rbx, 3 * 4096 + 8));
  expect(a, 'its neighbour is not', 103);

  a.comment('mprotect: without rights the kernel may not write there for us either; with them it is as it was');
  call(a, 'mprotect', 3 * 4096, 2 * 4096, 0);
  expect(a, 'mprotect to nothing', 0);
  kernelWrites(a, 3 * 4096, 'a page without rights', -EFAULT);
  kernelWrites(a, 4 * 4096 + 4080, 'its last bytes', -EFAULT);
  kernelWrites(a, 5 * 4096, 'the page behind', 0);
  call(a, 'mprotect', 3 * 4096, 2 * 4096, PROT_READ);
  expect(a, 'mprotect to reading', 0);
  a.mov(rax, mem64(rbx, 3 * 4096 + 8));
  expect(a, 'it has kept its contents', 103);
  kernelWrites(a, 3 * 4096, 'a page that may be read only', -EFAULT);
  call(a, 'mprotect', 0, PAGES * 4096, RW);
  expect(a, 'mprotect over several ranges', 0);
  kernelWrites(a, 3 * 4096, 'a page that may be written again', 0);

  a.comment('munmap of the middle: a hole, which MAP_FIXED fills again');
  call(a, 'munmap', 2 * 4096, 4 * 4096);
  expect(a, 'munmap', 0);
  kernelWrites(a, 2 * 4096, 'the start of a hole', -EFAULT);
  kernelWrites(a, 6 * 4096 - 16, 'the end of a hole', -EFAULT);
  kernelWrites(a, 6 * 4096 - 8, 'across the end of a hole', -EFAULT);
  a.mov(rax, mem64(rbx, 6 * 4096 + 8));
  expect(a, 'behind the hole', 106);
  call(a, 'munmap', 2 * 4096, 4096);
  expect(a, 'munmap where nothing is', 0);
  call(a, 'mprotect', 0, PAGES * 4096, RW);
  expect(a, 'mprotect over a hole', -ENOMEM);
  call(a, 'madvise', 0, PAGES * 4096, MADV_DONTNEED);
  expect(a, 'madvise over a hole', -ENOMEM);
  a.lea(rdx, mem(rbx, 2 * 4096));
  a.mov(r12, rdx);
  a.mov(rbx, r12);
  mmap(a, rbx, 4 * 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE);
  expect(a, 'mmap at a fixed address', r12);
  a.mov(rax, mem64(rbx, 8));
  expect(a, 'what came into the hole is new', 0);
  a.mov(rbx, rbp);
  a.comment('a fixed mapping over an old one takes its place');
  mmap(a, rbx, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  expect(a, 'mmap over a mapping', rbx);
  a.mov(rax, mem64(rbx, 8));
  expect(a, 'the old page is gone', 0);
  a.mov(rax, mem64(rbx, 4096 + 8));
  expect(a, 'the page behind it is not', 101);
  a.comment('a hint where something is: it goes elsewhere');
  mmap(a, rbx, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS);
  expectSuccess(a, 'mmap with a hint that is taken');
  a.cmp(rax, rbx);
  orFail(a, 'jne', 'it must not be there');
  a.mov(r13, rax);
  a.mov(rbx, rax);
  call(a, 'munmap', 0, 4096);
  expect(a, 'munmap of it', 0);
  a.comment('a hint where nothing is: it is taken');
  mmap(a, rbx, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS);
  expect(a, 'mmap with a good hint', r13);
  call(a, 'munmap', 0, 4096);
  a.mov(rbx, rbp);
  call(a, 'munmap', 0, PAGES * 4096);
  expect(a, 'munmap of everything', 0);

  a.comment('3 MB in one piece: several page tables, more than a batch of frames');
  mmap(a, 0, 3 * 0x10_0000, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
  expectSuccess(a, 'mmap of 3 MB');
  a.mov(rbx, rax);
  call(a, 'munmap', 0, 3 * 0x10_0000);
  expect(a, 'munmap of 3 MB', 0);
  kernelWrites(a, 0x10_0000, 'nothing is left of it', -EFAULT);

  a.comment('wrong in every way');
  mmap(a, 0, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS);
  expect(a, 'mmap of nothing', -EINVAL);
  mmap(a, 0, 4096, RW, MAP_ANONYMOUS);
  expect(a, 'mmap neither private nor shared', -EINVAL);
  mmap(a, 0, 4096, RW, MAP_PRIVATE);
  expect(a, 'mmap of no file', -EBADF);
  mmap(a, 0, 4096, 8, MAP_PRIVATE | MAP_ANONYMOUS);
  expect(a, 'mmap with unknown rights', -EINVAL);
  mmap(a, 0, 2 ** 47, RW, MAP_PRIVATE | MAP_ANONYMOUS);
  expect(a, 'mmap of more than there is', -ENOMEM);
  a.mov(ebx, 0x1000);
  mmap(a, rbx, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  expect(a, 'mmap where the kernel is', -EINVAL);
  a.mov(rbx, rbp);
  call(a, 'munmap', 1, 4096);
  expect(a, 'munmap of half pages', -EINVAL);
  call(a, 'munmap', 0, 0);
  expect(a, 'munmap of nothing', -EINVAL);
  call(a, 'mprotect', 1, 4096, RW);
  expect(a, 'mprotect of half pages', -EINVAL);
  call(a, 'mprotect', 0, 4096, 16);
  expect(a, 'mprotect to unknown rights', -EINVAL);
  call(a, 'madvise', 0, 4096, 99);
  expect(a, 'madvise with unknown advice', -EINVAL);
  a.mov(ebx, 0x10_0000);
  kernelWrites(a, 0, 'the kernel’s own memory', -EFAULT);
  a.mov(rbx, -4096);
  kernelWrites(a, 0, 'the other half', -EFAULT);

  a.comment('the heap grows, shrinks and grows');
  a.xor(edi, edi);
  syscall(a, 'brk');
  a.mov(rbx, rax);
  a.mov(rbp, rax);
  const brk = (bytes: number, what: string): void => {
    a.lea(rdi, mem(rbp, bytes));
    a.mov(r12, rdi);
    syscall(a, 'brk');
    expect(a, what, r12);
  };
  brk(3 * 4096 + 5, 'brk up');
  a.mov(mem64(rbx, 3 * 4096 - 8), 77);
  brk(4096, 'brk down');
  kernelWrites(a, 2 * 4096, 'what was given back', -EFAULT);
  brk(4 * 4096, 'brk up again');
  a.mov(rax, mem64(rbx, 3 * 4096 - 8));
  expect(a, 'it comes back new', 0);
  a.mov(edi, 0x1000);
  syscall(a, 'brk');
  expect(a, 'brk below its start changes nothing', r12);
  a.mov(esi, 0);
  exit(a, 0);
}
