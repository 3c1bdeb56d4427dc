/**
 * ipi-pingpong: round trips of interprocessor interrupts between core 0 and core 1.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). Core 0 sends an interrupt to core 1, whose handler sends one back; core 0 spins until
 * its own handler has counted it. Core 1 spins meanwhile, or halts (parameter `halt`). Reports the shortest and the mean round trip in
 * cycles of the TSC; the measured part lies between the ROI marks. Powers off.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../arch/marks.ts';
import type { Assembler } from '../asm/assembler.ts';
import { at, mem64 } from '../asm/operand.ts';
import { eax, ecx, edi, edx, esi, r12, r13, r14, rax, rbx, rcx } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from './guest.ts';
import { callOthers, FIXED_IPI } from './lib/callFunction.ts';
import { failWith } from './lib/exit.ts';
import { reportFigure } from './lib/figure.ts';
import { setHandler } from './lib/interrupts.ts';
import { buildKernel } from './lib/kernel.ts';
import { VECTOR_PING } from './lib/layout.ts';
import { areaOf, cpu, PerCpu } from './lib/percpu.ts';
import { smp } from './lib/smp.ts';
import { readTsc } from './lib/time.ts';

const FIGURES = ['round trips', 'shortest round trip, cycles', 'mean round trip, cycles'] as const;

export const ipiPingpong: GuestDefinition = {
  name: 'ipi-pingpong',
  doc: 'round trips of interprocessor interrupts between cores 0 and 1',
  parameters: [
    { name: 'rounds', default: 100, min: 1, max: 1_000_000, doc: 'round trips' },
    { name: 'halt', default: 0, min: 0, max: 1, doc: '1: core 1 halts between interrupts; 0: it spins' },
  ],
  minCores: 2,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters }: GuestChoices): void {
  const rounds = parameters['rounds']!;
  a.include(smp);
  a.variable('pongs');
  a.variable('finished');

  a.proc('main', {}, () => {
    a.cmp(mem64('boot_cores'), 2);
    a.jb('too_few_cores');
    setHandler(a, VECTOR_PING, 'on_ping');
    a.call('smp_start');
    a.mov(edi, addr('play'));
    a.call('smp_run');
  });

  a.proc('play', {}, () => {
    a.mov(eax, cpu(PerCpu.number));
    a.cmp(eax, 0);
    a.je('ask');
    a.cmp(eax, 1);
    a.je('answer');
    a.comment('the others go back to being idle');
  });

  a.proc('ask', { saves: [rbx, r12, r13, r14] }, () => {
    a.xor(r12, r12);
    a.comment('R12 = sum, R13 = shortest, RBX = rounds done');
    a.mov(r13, -1);
    a.xor(rbx, rbx);
    a.mark(MARK_ROI_BEGIN);
    a.repeat_while('b', () => {
      readTsc(a);
      a.mov(r14, rax);
      sendPing(a, 1);
      a.inc(rbx);
      a.comment('the answer counts as many as there were questions');
      a.loop(() => {
        a.cmp(mem64('pongs'), rbx);
        a.break_if('e');
        a.pause();
      });
      readTsc(a);
      a.sub(rax, r14);
      a.add(r12, rax);
      a.cmp(rax, r13);
      a.cmovb(r13, rax);
      a.cmp(rbx, rounds);
    });
    a.mark(MARK_ROI_END);
    a.mov(mem64('finished'), 1);
    callOthers(a, 'do_nothing');

    reportFigure(a, FIGURES, 'round trips', rbx);
    reportFigure(a, FIGURES, 'shortest round trip, cycles', r13);
    a.mov(rax, r12);
    a.xor(edx, edx);
    a.div(rbx);
    a.mov(r12, rax);
    reportFigure(a, FIGURES, 'mean round trip, cycles', r12);
  });

  a.proc('answer', {}, () => {
    a.loop(() => {
      a.cli();
      a.cmp(mem64('finished'), 0);
      a.break_if('ne');
      a.sti();
      if (parameters['halt'] === 1) a.hlt();
      else a.pause();
    });
    a.sti();
  });

  a.proc('on_ping', {}, () => {
    a.call('lapic_eoi');
    a.cmp(cpu(PerCpu.number), 0);
    a.if_(
      'e',
      () => a.lock.inc(mem64('pongs')),
      () => sendPing(a, 0),
    );
  });

  a.label('too_few_cores');
  failWith(a, 'ipi-pingpong: needs two cores\n');
}

/** Sends VECTOR_PING to a core. Changes what a call changes. */
function sendPing(a: Assembler, core: number): void {
  a.mov(ecx, core);
  areaOf(a, rcx);
  a.mov(edi, at(rcx, PerCpu.apicId));
  a.mov(esi, FIXED_IPI | VECTOR_PING);
  a.call('lapic_send');
}
