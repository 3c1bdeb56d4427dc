/** Open files. For now all there is is the console: descriptors 0, 1 and 2. */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem8, mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../asm/register.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { EBADF } from './errors.ts';
import { MAX_FILES } from './layout.ts';
import { Process } from './process.ts';
import { current, Thread } from './thread.ts';

/** The one file that is no pipe. */
export const CONSOLE = 1;
/** Characters that go out under one hold of the serial lock: lines up to this length stay whole. */
const CHUNK = 256;

export function files(a: Assembler): void {
  a.comment('RDI = new process: console for standard input, output and error');
  a.proc('files_init', {}, () => {
    for (const descriptor of [0, 1, 2]) a.mov(mem64(rdi, Process.files, descriptor * 8), CONSOLE);
  });

  a.comment('RDI = descriptor: RAX = file, 0 if there is none');
  a.proc('file_of', {}, () => {
    a.xor(eax, eax);
    a.cmp(rdi, MAX_FILES);
    a.return_if('ae');
    a.mov(rax, current);
    a.mov(rax, at(rax, Thread.process));
    a.mov(rax, mem64(rax, rdi.times(8), Process.files));
  });

  a.comment('(descriptor, address, bytes)');
  a.proc('sys_write', {}, () => {
    a.call('file_of');
    a.cmp(rax, CONSOLE);
    a.je('console_write');
    a.mov(rax, -EBADF);
  });

  a.comment('RSI = user address, RDX = bytes. R12 = address, R13 = bytes left, R14 = bytes of this turn, RBP = bytes in all');
  a.proc('console_write', { saves: [rbx, rbp, r12, r13, r14], frame: CHUNK }, () => {
    a.mov(r12, rsi);
    a.mov(r13, rdx);
    a.mov(rbp, rdx);
    a.while_(
      () => a.test(r13, r13),
      'nz',
      () => {
        a.mov(r14, r13);
        a.mov(ecx, CHUNK);
        a.cmp(r14, rcx);
        a.cmova(r14, rcx);
        a.comment('first here: a page fault under the lock would have to wait with it');
        a.mov(rdi, rsp);
        a.mov(rsi, r12);
        a.mov(rdx, r14);
        a.call('copy_from_user');
        a.test(rax, rax);
        a.return_if('nz');
        acquire(a, 'serial_lock');
        a.xor(ebx, ebx);
        a.while_(
          () => a.cmp(rbx, r14),
          'b',
          () => {
            a.movzx(edi, mem8(rsp, rbx));
            a.call('put_char');
            a.inc(rbx);
          },
        );
        release(a, 'serial_lock');
        a.add(r12, r14);
        a.sub(r13, r14);
      },
    );
    a.mov(rax, rbp);
  });

  a.proc('files_close_all', {}, () => {});
}
