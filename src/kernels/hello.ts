/**
 * hello: the smallest whole kernel. Says hello from the kernel, takes one tick of its APIC's timer, then runs a program in ring 3 that
 * says hello through a system call and leaves through another.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). Reports: three lines on the serial port; powers off.
 */
import { PTE_P, PTE_US } from '../arch/paging.ts';
import type { Assembler } from '../asm/assembler.ts';
import { mem, mem64 } from '../asm/operand.ts';
import { cs, eax, edi, esi, rax, rdi } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestDefinition } from './guest.ts';
import { failWith } from './lib/exit.ts';
import { setHandler } from './lib/interrupts.ts';
import { buildKernel } from './lib/kernel.ts';
import { MAPPED_REGION, VECTOR_TIMER } from './lib/layout.ts';
import { print } from './lib/serial.ts';
import { syscalls, syscallTable } from './lib/syscalls.ts';
import { userMode } from './lib/userMode.ts';

const SYS_PRINT = 0;
const SYS_EXIT = 1;
const EXIT_STATUS = 42;
/** APIC timer cycles until the tick. */
const TICK = 100_000;

export const hello: GuestDefinition = {
  name: 'hello',
  doc: 'prints from the kernel, takes a timer tick, visits ring 3 and comes back by system call',
  parameters: [],
  minCores: 1,
  figures: [],
  build: ({ lock }) => buildKernel(lock, scenario),
};

function scenario(a: Assembler): void {
  a.include(syscalls);
  a.include(userMode);
  syscallTable(a, ['put_text', 'user_leave']);
  userProgram(a);
  a.variable('ticks');

  a.proc('main', {}, () => {
    print(a, 'Hello from the kernel\n');

    setHandler(a, VECTOR_TIMER, 'tick');
    a.mov(edi, VECTOR_TIMER);
    a.mov(esi, TICK);
    a.call('lapic_timer');
    a.loop(() => {
      a.cli();
      a.cmp(mem64('ticks'), 0);
      a.break_if('ne');
      a.sti();
      a.hlt();
    });
    a.sti();
    print(a, 'One tick of the timer\n');

    a.call('syscall_init');
    a.mov(rdi, MAPPED_REGION);
    a.mov(esi, addr('user_program', PTE_P | PTE_US));
    a.call('page_map');
    a.mov(rdi, MAPPED_REGION);
    a.comment('the program uses no stack');
    a.xor(esi, esi);
    a.call('user_run');
    a.cmp(rax, EXIT_STATUS);
    a.jne('wrong_status');
  });

  a.proc('tick', {}, () => {
    a.lock.inc(mem64('ticks'));
    a.call('lapic_eoi');
  });

  a.label('wrong_status');
  failWith(a, 'hello: ring 3 left with the wrong status\n');
}

/** One page, linked at its physical address and run at MAPPED_REGION: everything in it is addressed relative to RIP. */
function userProgram(a: Assembler): void {
  a.section('user', () => {
    a.align(4096);
    a.label('user_program');
    a.mov(eax, SYS_PRINT);
    a.lea(rdi, mem('.greeting'));
    a.syscall();
    a.comment('39 + the privilege level that CS shows');
    a.mov(edi, cs);
    a.and(edi, 3);
    a.add(edi, EXIT_STATUS - 3);
    a.mov(eax, SYS_EXIT);
    a.syscall();
    a.label('.greeting');
    a.asciz('Hello from ring 3\n');
    a.align(4096);
  });
}
