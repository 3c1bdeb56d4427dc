/**
 * smp: starts every core of the machine and checks that each one runs as itself.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). Each core prints a line and counts itself in under a lock; the kernel then checks that
 * all are there, and that a function called on all others ran once on each. Powers off, or fails with a message.
 */
import type { Assembler } from '../asm/assembler.ts';
import { mem64 } from '../asm/operand.ts';
import { eax, edi, rax } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestDefinition } from './guest.ts';
import { barrier } from './lib/barrier.ts';
import { callOthers } from './lib/callFunction.ts';
import { failWith } from './lib/exit.ts';
import { reportFigure } from './lib/figure.ts';
import { buildKernel } from './lib/kernel.ts';
import { acquire, release } from './lib/locks/lock.ts';
import { cpu, PerCpu } from './lib/percpu.ts';
import { print, printDecimal, printing } from './lib/serial.ts';
import { smp as smpPart } from './lib/smp.ts';

const FIGURES = ['cores'] as const;

export const smp: GuestDefinition = {
  name: 'smp',
  doc: 'starts all cores; each prints a line and is counted',
  parameters: [],
  minCores: 1,
  defaultCores: 4,
  figures: FIGURES,
  build: ({ lock }) => buildKernel(lock, scenario),
};

function scenario(a: Assembler): void {
  a.include(smpPart);
  a.include(barrier);
  a.variable('count_lock');
  a.variable('count');
  a.variable('called');

  a.proc('main', {}, () => {
    a.call('smp_start');
    a.mov(edi, addr('check_in'));
    a.call('smp_run');

    reportFigure(a, FIGURES, 'cores', mem64('count'));
    a.mov(rax, mem64('count'));
    a.cmp(rax, mem64('boot_cores'));
    a.jne('wrong_count');

    callOthers(a, 'count_call');
    a.mov(rax, mem64('called'));
    a.inc(rax);
    a.cmp(rax, mem64('boot_cores'));
    a.jne('wrong_count');
  });

  a.proc('check_in', {}, () => {
    printing(a, () => {
      print(a, 'core ');
      a.mov(eax, cpu(PerCpu.number));
      printDecimal(a, rax);
      print(a, ' online, APIC ');
      a.mov(eax, cpu(PerCpu.apicId));
      printDecimal(a, rax);
      print(a, '\n');
    });
    a.comment('not an atomic increment: it is the lock that must make it one');
    acquire(a, 'count_lock');
    a.mov(rax, mem64('count'));
    a.pause();
    a.inc(rax);
    a.mov(mem64('count'), rax);
    release(a, 'count_lock');
    a.call('barrier_wait');
  });

  a.proc('count_call', {}, () => {
    a.lock.inc(mem64('called'));
  });

  a.label('wrong_count');
  failWith(a, 'smp: a core is missing, or was counted twice\n');
}
