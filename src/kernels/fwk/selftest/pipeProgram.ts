/** A user program: two writers fill a pipe, faster than it is emptied, with long and short messages; one thread reads all of it. And what pipes refuse. */
import type { Assembler } from '../../../asm/assembler.ts';
import { mem, mem32, mem64 } from '../../../asm/operand.ts';
import { ecx, edi, edx, esi, r12, r13, rax, rbp, rbx, rcx, rdi, rsi } from '../../../asm/register.ts';
import { EBADF, EFAULT, EPIPE } from '../errors.ts';
import { expect, expectations, expectSuccess } from '../user/expect.ts';
import { exit, runtime, syscall } from '../user/runtime.ts';

/** Bytes of the messages in turn, and how many each writer sends. Longer than a pipe holds, a page, and next to nothing. */
const LENGTHS = [70_000, 4096, 8, 5000];
const ROUNDS = 1;
const TOTAL = 2 * ROUNDS * LENGTHS.reduce((sum, length) => sum + length, 0);
const CHUNK = 3000;

export function pipeProgram(a: Assembler): void {
  a.include(runtime);
  a.include(expectations);
  a.room('ends', 8);
  a.room('message', Math.max(...LENGTHS), 64);
  a.room('heap', 8192, 4096);

  const call = (name: 'read' | 'write', end: 0 | 4, buffer: string | number, bytes: number): void => {
    a.mov(edi, mem32('ends', end));
    if (typeof buffer === 'string') a.lea(rsi, mem(buffer));
    else a.mov(rsi, buffer);
    a.mov(edx, bytes);
    syscall(a, name);
  };

  a.label('main');
  a.lea(rdi, mem('ends'));
  syscall(a, 'pipe');
  expect(a, 'pipe', 0);
  a.comment('every byte of a message is 1: what arrives can be counted');
  a.xor(ecx, ecx);
  a.lea(rdi, mem('message'));
  a.mov(rax, 0x0101_0101_0101_0101n);
  a.mov(ecx, Math.max(...LENGTHS) / 8);
  a.rep.stosq();
  for (const handle of [r12, r13]) {
    a.lea(rdi, mem('writer'));
    a.call('thread_start');
    expectSuccess(a, 'clone');
    a.mov(handle, rax);
  }
  a.comment('RBX = bytes so far, RBP = their sum');
  a.xor(rbx, rbx);
  a.xor(rbp, rbp);
  a.repeat_while('b', () => {
    call('read', 0, 'heap', CHUNK);
    expectSuccess(a, 'read');
    a.add(rbx, rax);
    a.lea(rsi, mem('heap'));
    a.while_(
      () => a.test(rax, rax),
      'nz',
      () => {
        a.dec(rax);
        a.movzx(ecx, { ...mem32(rsi, rax), width: 8 as const });
        a.add(rbp, rcx);
      },
    );
    a.cmp(rbx, TOTAL);
  });
  a.mov(rax, rbx);
  expect(a, 'bytes that arrived', TOTAL);
  a.mov(rax, rbp);
  expect(a, 'what arrived', TOTAL);
  for (const handle of [r12, r13]) {
    a.mov(rdi, handle);
    a.call('thread_join');
  }

  a.comment('short messages one after the other keep their order');
  a.mov(mem64('message'), 5);
  call('write', 4, 'message', 8);
  a.mov(mem64('message'), 6);
  call('write', 4, 'message', 8);
  expect(a, 'write', 8);
  call('read', 0, 'heap', 8);
  a.mov(rax, mem64('heap'));
  expect(a, 'the first message', 5);
  call('read', 0, 'heap', 100);
  expect(a, 'a read of less than was asked for', 8);
  a.mov(rax, mem64('heap'));
  expect(a, 'the second message', 6);

  call('read', 4, 'heap', 8);
  expect(a, 'read from the end for writing', -EBADF);
  call('write', 0, 'heap', 8);
  expect(a, 'write to the end for reading', -EBADF);
  call('write', 4, 0x1000, 8);
  expect(a, 'write from nowhere', -EFAULT);
  call('write', 4, 'heap', 8);
  call('read', 0, 0x1000, 8);
  expect(a, 'read to nowhere', -EFAULT);
  call('read', 0, 'heap', 8);
  expect(a, 'it is still there', 8);
  a.mov(edi, mem32('ends', 4));
  syscall(a, 'close');
  expect(a, 'close', 0);
  a.mov(edi, mem32('ends', 4));
  syscall(a, 'close');
  expect(a, 'close of what is closed', -EBADF);
  call('read', 0, 'heap', 8);
  expect(a, 'the end of a pipe', 0);
  a.mov(edi, mem32('ends', 0));
  syscall(a, 'close');
  a.lea(rdi, mem('ends'));
  syscall(a, 'pipe');
  expect(a, 'another pipe', 0);
  a.mov(edi, mem32('ends', 0));
  syscall(a, 'close');
  call('write', 4, 'heap', 8);
  expect(a, 'a pipe that nobody reads', -EPIPE);
  a.mov(rdi, 0x1000);
  syscall(a, 'pipe');
  expect(a, 'descriptors to nowhere', -EFAULT);
  a.xor(edi, edi);
  a.lea(rsi, mem('heap'));
  a.mov(edx, 8);
  syscall(a, 'read');
  expect(a, 'nobody types', 0);
  a.xor(esi, esi);
  exit(a, 0);

  a.proc('writer', { saves: [rbx] }, () => {
    a.mov(rbx, ROUNDS);
    a.repeat_while('nz', () => {
      for (const length of LENGTHS) {
        call('write', 4, 'message', length);
        expect(a, 'write', length);
      }
      a.dec(rbx);
    });
  });
}
