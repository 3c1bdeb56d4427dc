/**
 * Open files: descriptors of a process, for the console (0, 1 and 2 at the start) and for ends of pipes and of pairs of sockets.
 *
 * A file is a number: CONSOLE, or the address of a pipe with READ_END or WRITE_END added, or that of an end of a pair of sockets with SOCKET. There is no dup and no fork, so an end has one descriptor, and
 * closing that closes the end. Reading the console finds its end.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem8, mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, edx, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../asm/register.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { EBADF, EFAULT, EMFILE } from './errors.ts';
import { MAX_FILES } from './layout.ts';
import { Process } from './process.ts';
import { current, Thread } from './thread.ts';

/** The one file that is neither. */
export const CONSOLE = 1;
export const READ_END = 2;
export const WRITE_END = 3;
export const SOCKET = 4;
/** Bits of a file that are not an address. */
export const END = 63;

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
    a.mov(ecx, eax);
    a.and(ecx, END);
    a.cmp(ecx, SOCKET);
    a.je('socket_write');
    a.mov(rdi, rax);
    a.cmp(ecx, WRITE_END);
    a.je('pipe_write');
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

  a.comment('(descriptor, address, bytes)');
  a.proc('sys_read', {}, () => {
    a.call('file_of');
    a.mov(ecx, eax);
    a.and(ecx, END);
    a.cmp(ecx, SOCKET);
    a.je('socket_read');
    a.mov(rdi, rax);
    a.cmp(ecx, READ_END);
    a.je('pipe_read');
    a.cmp(rdi, CONSOLE);
    a.mov(rax, -EBADF);
    a.mov(ecx, 0);
    a.cmove(rax, rcx);
  });

  a.comment('RDI = file: RAX = a descriptor for it, the lowest that is free, or -EMFILE');
  a.proc('file_install', { saves: [rbx, r12] }, () => {
    a.mov(r12, rdi);
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.process));
    a.lea(rdi, at(rbx, Process.filesLock));
    a.call('lock_acquire');
    a.xor(ecx, ecx);
    a.loop(() => {
      a.cmp(mem64(rbx, rcx.times(8), Process.files), 0);
      a.break_if('e');
      a.inc(rcx);
      a.cmp(rcx, MAX_FILES);
      a.if_('e', () => {
        a.mov(rcx, -EMFILE);
        a.jmp('.full');
      });
    });
    a.mov(mem64(rbx, rcx.times(8), Process.files), r12);
    a.label('.full');
    a.mov(r12, rcx);
    a.lea(rdi, at(rbx, Process.filesLock));
    a.call('lock_release');
    a.mov(rax, r12);
  });

  a.comment(
    'RDI, RSI = files, RDX = user address of two 32-bit words: their descriptors are there. RAX = 0; or an error, and they are closed',
  );
  a.proc('file_install_pair', { saves: [rbx, rbp, r12, r13], frame: 16 }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rsi);
    a.mov(r12, rdx);
    a.call('file_install');
    a.mov(r13, rax);
    a.test(rax, rax);
    a.if_('s', () => {
      a.mov(rdi, rbx);
      a.call('file_close');
      a.mov(rdi, rbp);
      a.call('file_close');
      a.mov(rax, r13);
      a.return_();
    });
    a.mov(rdi, rbp);
    a.call('file_install');
    a.mov(rbx, rax);
    a.test(rax, rax);
    a.if_('s', () => {
      a.mov(rdi, rbp);
      a.call('file_close');
      a.mov(rdi, r13);
      a.call('sys_close');
      a.mov(rax, rbx);
      a.return_();
    });
    a.comment('as one 64-bit word');
    a.shl(rax, 32);
    a.or(rax, r13);
    a.mov(mem64(rsp), rax);
    a.mov(rdi, r12);
    a.mov(rsi, rsp);
    a.mov(edx, 8);
    a.call('copy_to_user');
    a.test(rax, rax);
    a.return_if('z');
    for (const descriptor of [r13, rbx]) {
      a.mov(rdi, descriptor);
      a.call('sys_close');
    }
    a.mov(rax, -EFAULT);
  });

  a.comment('(descriptor): exchanged, so that of two that close it only one does');
  a.proc('sys_close', {}, () => {
    a.cmp(rdi, MAX_FILES);
    a.jae('.bad');
    a.mov(rax, current);
    a.mov(rax, at(rax, Thread.process));
    a.xor(ecx, ecx);
    a.xchg(mem64(rax, rdi.times(8), Process.files), rcx);
    a.test(rcx, rcx);
    a.jz('.bad');
    a.mov(rdi, rcx);
    a.call('file_close');
    a.xor(eax, eax);
    a.return_();
    a.label('.bad');
    a.mov(rax, -EBADF);
  });

  a.comment('RDI = file');
  a.proc('file_close', {}, () => {
    a.cmp(rdi, CONSOLE);
    a.return_if('e');
    a.mov(eax, edi);
    a.and(eax, END);
    a.cmp(eax, SOCKET);
    a.jne('pipe_close');
    a.and(rdi, ~END);
    a.call('socket_put');
  });

  a.comment('RDI = process, whose last thread this is');
  a.proc('files_close_all', { saves: [rbx, r12] }, () => {
    a.mov(rbx, rdi);
    a.xor(r12, r12);
    a.repeat_while('b', () => {
      a.xor(edi, edi);
      a.xchg(mem64(rbx, r12.times(8), Process.files), rdi);
      a.test(rdi, rdi);
      a.if_('nz', () => a.call('file_close'));
      a.inc(r12);
      a.cmp(r12, MAX_FILES);
    });
  });
}
