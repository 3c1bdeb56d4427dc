/**
 * fwk-selftest: the full-weight kernel, tested by programs that run on it.
 *
 * Processes: one that uses and misuses memory calls; one with many threads; one for pipes, one for sockets; and several that do what nobody may, and must end as Linux would
 * end them. All run at once. Powers off when every one has ended as it was to; a program that finds something wrong says so and ends with 1.
 */
import type { Assembler } from '../asm/assembler.ts';
import { mem, mem32, mem64 } from '../asm/operand.ts';
import { eax, edi, edx, esi, r8, r9, r10, rax, rbx, rcx, rdi, rsi } from '../asm/register.ts';
import { buildFwk } from './fwk/fwk.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE } from './fwk/memoryCalls.ts';
import { withDefaults } from './fwk/parameters.ts';
import { statusOfSignal } from './fwk/process.ts';
import { assembleProgram, type StartedProgram } from './fwk/program.ts';
import { memoryProgram } from './fwk/selftest/memoryProgram.ts';
import { pipeProgram } from './fwk/selftest/pipeProgram.ts';
import { socketProgram } from './fwk/selftest/socketProgram.ts';
import { threadProgram } from './fwk/selftest/threadProgram.ts';
import { AF_UNIX, SOCK_STREAM } from './fwk/socket.ts';
import { exit, runtime, say, syscall } from './fwk/user/runtime.ts';
import { PROT_READ } from './fwk/vma.ts';
import type { GuestDefinition } from './guest.ts';

const SIGILL = 4;
const SIGFPE = 8;
const SIGSEGV = 11;

export const fwkSelftest: GuestDefinition = {
  name: 'fwk-selftest',
  doc: 'every system call of the full-weight kernel, used rightly and wrongly',
  parameters: [
    ...withDefaults({ hz: 4000, 'slice-ticks': 1 }),
    { name: 'threads', default: 6, min: 1, max: 64, doc: 'threads of the process that has many' },
  ],
  minCores: 1,
  defaultCores: 4,
  figures: [],
  build: (choices) =>
    buildFwk(choices, [
      { program: assembleProgram('memory', memoryProgram) },
      { program: assembleProgram('threads', threadProgram(choices.parameters['threads']!)) },
      { program: assembleProgram('pipes', pipeProgram) },
      { program: assembleProgram('sockets', socketProgram) },
      ...forbidden(),
      { program: assembleProgram('hello', hello) },
    ]),
};

function hello(a: Assembler): void {
  a.include(runtime);
  a.label('main');
  say(a, 'hello from a process\n');
  exit(a, 0);
}

/** Programs that do one thing that ends them. If it does not, they end with 1. */
function forbidden(): StartedProgram[] {
  const program = (name: string, expectedStatus: number, body: (a: Assembler) => void): StartedProgram => ({
    program: assembleProgram(name, (a) => {
      a.include(runtime);
      a.label('main');
      body(a);
      exit(a, 1);
    }),
    expectedStatus,
  });
  const segfault = statusOfSignal(SIGSEGV);
  return [
    program('reads-nothing', segfault, (a) => a.mov(rax, mem64(0x10))),
    program('reads-the-kernel', segfault, (a) => {
      a.mov(eax, 0x10_0000);
      a.mov(rax, mem64(rax));
    }),
    program('writes-its-text', segfault, (a) => a.mov(mem64('main'), rax)),
    program('writes-a-read-only-page', segfault, (a) => {
      a.xor(edi, edi);
      a.mov(esi, 4096);
      a.mov(edx, PROT_READ);
      a.mov(r10, MAP_PRIVATE | MAP_ANONYMOUS);
      a.mov(r8, -1);
      a.xor(r9, r9);
      syscall(a, 'mmap');
      a.mov(rcx, mem64(rax));
      a.mov(mem64(rax), rcx);
    }),
    program('runs-its-data', segfault, (a) => {
      a.section('data', () => a.label('some_data'));
      a.section('data', () => a.u64(0));
      a.lea(rax, mem('some_data'));
      a.jmp(rax);
    }),
    program('leaves-canonical-space', segfault, (a) => {
      a.mov(rax, 0x8000_0000_0000_0000n);
      a.mov(rax, mem64(rax));
    }),
    program('halts', segfault, (a) => a.hlt()),
    program('divides-by-zero', statusOfSignal(SIGFPE), (a) => {
      a.xor(rcx, rcx);
      a.div(rcx);
    }),
    program('is-illegal', statusOfSignal(SIGILL), (a) => a.ud2()),
    program('ends-with-sleepers', segfault, (a) => {
      a.comment('threads that sleep, spin and yield must end with the process');
      socketsWithoutEnd(a);
      for (const procedure of ['sleeper', 'spinner', 'yielder', 'reader', 'writer']) {
        a.lea(rdi, mem(procedure));
        a.xor(esi, esi);
        a.call('thread_start');
      }
      a.mov(rbx, 20);
      a.repeat_while('nz', () => {
        syscall(a, 'sched_yield');
        a.dec(rbx);
      });
      a.mov(rax, mem64(0x10));
      a.label('sleeper');
      a.lea(rdi, mem('sleeper_word'));
      a.xor(edx, edx);
      a.call('futex_sleep');
      a.jmp('sleeper');
      a.label('spinner');
      a.pause();
      a.jmp('spinner');
      a.label('yielder');
      syscall(a, 'sched_yield');
      a.jmp('yielder');
      a.room('sleeper_word', 8);
    }),
  ];
}

/** A pair of sockets, for two threads that wait at the same end: one reads what nobody writes, the other writes until there is no room. */
function socketsWithoutEnd(a: Assembler): void {
  a.room('ends', 8);
  a.mov(edi, AF_UNIX);
  a.mov(esi, SOCK_STREAM);
  a.xor(edx, edx);
  a.lea(r10, mem('ends'));
  syscall(a, 'socketpair');
  const call = (name: 'read' | 'write'): void => {
    a.mov(edi, mem32('ends'));
    a.lea(rsi, mem('ends'));
    a.mov(edx, 8);
    syscall(a, name);
  };
  a.jmp('begin');
  a.label('reader');
  call('read');
  a.jmp('reader');
  a.label('writer');
  call('write');
  a.jmp('writer');
  a.label('begin');
}
