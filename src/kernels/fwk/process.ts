/**
 * Processes: an address space, open files, and threads in user mode.
 *
 * `process_create(RDI = program record)`: a process runs that program, from its own thread. `process_end(RDI = status)`: the running thread's process is to
 * end; the call returns, and every thread of the process ends on its way to user mode. `thread_leave` is that end; it does not return.
 * `process_fault(RDI = trap frame, RSI = address)`: it has done what nobody may do: a message, and the process ends with status 128 + SIGSEGV.
 *
 * The run is over when the last process has ended: a success if every one has ended with the status that its program was to end with.
 */

import { RFLAGS_FIXED, RFLAGS_IF } from '../../arch/rflags.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { aligned, array, record, sizeOf, u64 } from '../../asm/record.ts';
import { eax, ebx, ecx, edi, esi, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { failWith } from '../lib/exit.ts';
import { USER_CS, USER_DS } from '../lib/layout.ts';
import { print, printDecimal, printHex, printing } from '../lib/serial.ts';
import { TrapFrame } from '../lib/trap.ts';
import { MAX_FILES, MAX_PROCESSES, THREAD_SHIFT } from './layout.ts';
import { Mm } from './mm.ts';
import { Program, ProgramSegment } from './program.ts';
import { current, THREAD_INTERRUPTIBLE, Thread } from './thread.ts';

export const Process = record({
  used: u64,
  program: u64,
  mm: u64,
  pid: u64,
  /** Threads that have not ended. */
  threads: aligned(64, u64),
  /** 1: it is to end, with `status`. */
  ending: u64,
  status: u64,
  filesLock: aligned(64, u64),
  /** File by descriptor (file.ts); 0: closed. */
  files: array(u64, MAX_FILES),
});

/** Status of a process that a signal ended. */
export const statusOfSignal = (signal: number): number => 128 + signal;
const SIGSEGV = 11;

export function processes(a: Assembler): void {
  a.room('process_table', MAX_PROCESSES * sizeOf(Process), 64);
  a.variable('processes_alive');
  a.comment('status of the run: that of the first process that ended with another one than it was to');
  a.variable('run_status');

  a.comment('on core 0, before any process runs. RBX = process, R12 = program, R13 = mm, RBP = segment, R14 = segments left');
  a.proc('process_create', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(r12, rdi);
    a.mov(ebx, addr('process_table'));
    a.while_(
      () => a.cmp(at(rbx, Process.used), 0),
      'ne',
      () => {
        a.add(rbx, sizeOf(Process));
        a.cmp(rbx, addr('process_table', MAX_PROCESSES * sizeOf(Process)));
        a.jae('too_many_programs');
      },
    );
    a.mov(at(rbx, Process.used), 1);
    a.mov(at(rbx, Process.program), r12);
    a.call('mm_create');
    a.mov(r13, rax);
    a.mov(at(rbx, Process.mm), rax);
    a.mov(rax, at(r12, Program.brkStart));
    a.mov(at(r13, Mm.brkStart), rax);
    a.mov(at(r13, Mm.brk), rax);
    a.mov(rdi, rbx);
    a.call('files_init');

    a.mov(rbp, at(r12, Program.segments));
    a.mov(r14, at(r12, Program.segmentCount));
    a.while_(
      () => a.test(r14, r14),
      'nz',
      () => {
        a.mov(rdi, r13);
        a.mov(rsi, at(rbp, ProgramSegment.start));
        a.mov(rdx, at(rbp, ProgramSegment.end));
        a.mov(rcx, at(rbp, ProgramSegment.rights));
        a.call('vma_insert');
        a.test(rax, rax);
        a.js('too_many_programs');
        a.mov(rdi, r13);
        a.mov(rsi, rbp);
        a.call('segment_load');
        a.add(rbp, sizeOf(ProgramSegment));
        a.dec(r14);
      },
    );

    a.mov(edi, addr('user_begin'));
    a.xor(esi, esi);
    a.call('thread_create');
    a.mov(rbp, rax);
    a.mov(at(rbp, Thread.process), rbx);
    a.mov(at(rbp, Thread.mm), r13);
    a.mov(eax, at(rbp, Thread.tid));
    a.mov(at(rbx, Process.pid), rax);
    a.mov(at(rbx, Process.threads), 1);
    a.lock.inc(mem64('processes_alive'));
    a.comment('its first frame: everything zero but where it starts');
    a.mov(rax, at(rbp, Thread.stackTop));
    a.sub(rax, sizeOf(TrapFrame));
    a.mov(rcx, at(r12, Program.entry));
    a.mov(at(rax, TrapFrame.rip), rcx);
    a.mov(rcx, at(r12, Program.stack));
    a.mov(at(rax, TrapFrame.rsp), rcx);
    a.mov(at(rax, TrapFrame.cs), USER_CS);
    a.mov(at(rax, TrapFrame.ss), USER_DS);
    a.mov(at(rax, TrapFrame.rflags), RFLAGS_FIXED | RFLAGS_IF);
    a.mov(rdi, rbp);
    a.call('thread_wake');
  });

  a.comment('RDI = mm, RSI = segment: its bytes are in pages of its own. Pages without any come when they are touched');
  a.proc('segment_load', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(rbp, rdi);
    a.mov(r12, at(rsi, ProgramSegment.start));
    a.mov(r13, at(rsi, ProgramSegment.bytes));
    a.mov(r14, at(rsi, ProgramSegment.byteLength));
    a.mov(rbx, at(rsi, ProgramSegment.rights));
    a.while_(
      () => a.cmp(r14, 0),
      'g',
      () => {
        a.mov(rdi, rbp);
        a.mov(rsi, r12);
        a.call('pte_make');
        a.push(rax);
        a.call('page_alloc');
        a.push(rax);
        a.comment('the image holds whole pages');
        a.mov(rdi, rax);
        a.mov(rsi, r13);
        a.mov(ecx, 4096 / 8);
        a.rep.movsq();
        a.mov(rdi, rbx);
        a.call('pte_flags');
        a.pop(rcx);
        a.or(rax, rcx);
        a.pop(rcx);
        a.mov(mem64(rcx), rax);
        a.add(r12, 4096);
        a.add(r13, 4096);
        a.sub(r14, 4096);
      },
    );
  });

  a.proc('process_end', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, current);
    a.mov(rbx, at(rbx, Thread.process));
    a.comment('the first to say so decides the status');
    a.mov(rbp, rdi);
    a.lock.bts(at(rbx, Process.ending), 0);
    a.return_if('c');
    a.mov(at(rbx, Process.status), rbp);
    a.call('process_stop_threads');
  });

  a.comment('RBX = process: every thread of it knows that it must die; those that wait or run elsewhere are told');
  a.proc('process_stop_threads', { saves: [rbp, r12] }, () => {
    a.mov(r12, mem64('threads_used'));
    a.mov(eax, addr('thread_table'));
    a.mov(rbp, rax);
    a.while_(
      () => a.test(r12, r12),
      'nz',
      () => {
        a.cmp(at(rbp, Thread.process), rbx);
        a.if_('e', () => {
          a.mov(eax, 1);
          a.comment('a full barrier between this and looking at its state: thread_block does it the other way round');
          a.xchg(at(rbp, Thread.dying), eax);
          a.cmp(at(rbp, Thread.state), THREAD_INTERRUPTIBLE);
          a.if_(
            'e',
            () => {
              a.mov(rdi, rbp);
              a.call('thread_wake');
            },
            () => {
              a.cmp(at(rbp, Thread.onCore), 0);
              a.if_('ne', () => {
                a.mov(edi, at(rbp, Thread.core));
                a.call('core_interrupt');
              });
            },
          );
        });
        a.add(rbp, 1 << THREAD_SHIFT);
        a.dec(r12);
      },
    );
  });

  a.label('thread_leave');
  a.mov(rbx, current);
  a.mov(rdi, at(rbx, Thread.clearTid));
  a.test(rdi, rdi);
  a.if_('nz', () => {
    a.mov(r12, rdi);
    a.xor(esi, esi);
    a.call('put_user32');
    a.mov(rdi, r12);
    a.mov(esi, 1);
    a.call('futex_wake');
  });
  a.mov(rbp, at(rbx, Thread.process));
  a.mov(r13, at(rbx, Thread.mm));
  a.lock.dec(at(rbp, Process.threads));
  a.if_('z', () => {
    a.mov(rdi, rbp);
    a.call('files_close_all');
    a.mov(rdi, r13);
    a.call('mm_teardown');
    a.mov(rdi, rbp);
    a.call('process_report');
    a.mov(at(rbp, Process.used), 0);
    a.mov(at(rbx, Thread.process), 0);
    a.mov(at(rbx, Thread.mm), 0);
    a.mov(rdi, r13);
    a.call('mm_drop');
    a.lock.dec(mem64('processes_alive'));
    a.jz('all_ended');
  });
  a.comment('a kernel thread from here on: the space stays loaded, lazily, until another one is');
  a.mov(at(rbx, Thread.process), 0);
  a.mov(at(rbx, Thread.mm), 0);
  a.jmp('thread_exit');

  a.comment('RDI = process that has ended: a word if its status is not the one that it was to have');
  a.proc('process_report', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, at(rbx, Process.program));
    a.mov(rax, at(rbx, Process.status));
    a.cmp(rax, at(rbp, Program.expectedStatus));
    a.return_if('e');
    a.comment('the first one is the status of the run; 1 for a program that ended with 0 and should not have');
    a.test(rax, rax);
    a.mov(ecx, 1);
    a.cmovz(rax, rcx);
    a.mov(rcx, rax);
    a.xor(eax, eax);
    a.lock.cmpxchg(mem64('run_status'), rcx);
    printing(a, () => {
      a.mov(rdi, at(rbp, Program.name));
      a.call('put_text');
      print(a, ': ended with status ');
      printDecimal(a, at(rbx, Process.status));
      print(a, '\n');
    });
  });

  a.label('all_ended');
  a.mov(rdi, mem64('run_status'));
  a.test(rdi, rdi);
  a.jz('power_off');
  a.jmp('fail');

  a.proc('process_fault', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rsi);
    printing(a, () => {
      a.call('print_program');
      print(a, ': segmentation fault at 0x');
      printHex(a, rbp);
      print(a, ', error code 0x');
      printHex(a, at(rbx, TrapFrame.error));
      print(a, ', RIP 0x');
      printHex(a, at(rbx, TrapFrame.rip));
      print(a, '\n');
    });
    a.mov(edi, statusOfSignal(SIGSEGV));
    a.call('process_end');
  });

  a.comment('the name of the program of the running thread');
  a.proc('print_program', {}, () => {
    a.mov(rdi, current);
    a.mov(rdi, at(rdi, Thread.process));
    a.mov(rdi, at(rdi, Process.program));
    a.mov(rdi, at(rdi, Program.name));
    a.call('put_text');
  });

  a.label('too_many_programs');
  failWith(a, 'fwk: too many programs, or a program with too many segments\n');
}
