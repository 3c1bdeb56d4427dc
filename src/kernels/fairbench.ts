/**
 * fairbench: every core takes the one lock again and again, from a common start, until there have been so many acquisitions in all; who got how many
 * says how fair the lock is. After the authors' benchmark of that name: 100,000 acquisitions per core there, and nothing to do under the lock.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). The core that makes the last acquisition ends the measurement, and so does the end of
 * `duration`, when there is one.
 *
 * Reports: acquisitions, cycles, Jain's index (Σx)² / (n Σx²), fewest and most acquisitions of one core; a line for each core; MARK_ROI around the
 * measured part. Fails when the count under the lock is not the sum of the cores' own.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../arch/marks.ts';
import type { Assembler } from '../asm/assembler.ts';
import { at, mem64 } from '../asm/operand.ts';
import { ecx, edi, edx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from './guest.ts';
import { barrier } from './lib/barrier.ts';
import { failWith } from './lib/exit.ts';
import { reportFigure } from './lib/figure.ts';
import { buildKernel } from './lib/kernel.ts';
import { acquire, release } from './lib/locks/lock.ts';
import { areaOf, cpu, PerCpu } from './lib/percpu.ts';
import { print, printDecimal } from './lib/serial.ts';
import { smp } from './lib/smp.ts';
import { cyclesOf, startApart } from './lib/startApart.ts';
import { readTsc, time } from './lib/time.ts';

const FIGURES = ['acquisitions', 'cycles', "Jain's index, millionths", 'fewest by one core', 'most by one core'] as const;

/** Per-core counter: byte offset into `PerCpu.figures`. */
const TAKEN = 0;
const MILLION = 1_000_000;

export const fairbench: GuestDefinition = {
  name: 'fairbench',
  doc: 'all cores take one lock until there have been `iterations` acquisitions for each; who got how many',
  parameters: [
    { name: 'iterations', default: 2000, min: 1, max: 10_000_000, doc: 'acquisitions for each core, on average' },
    { name: 'section', default: 0, min: 0, max: 10_000_000, doc: 'work under the lock, in instructions' },
    { name: 'think', default: 0, min: 0, max: 10_000_000, doc: 'mean work between acquisitions, in instructions' },
    {
      name: 'stagger',
      default: 0,
      min: 0,
      max: 3_600_000_000,
      doc: 'cores start up to so many microseconds after each other, at random; 0: at once',
    },
    { name: 'duration', default: 0, min: 0, max: 3_600_000_000, doc: 'end after so many microseconds at the latest; 0: no such end' },
  ],
  minCores: 1,
  defaultCores: 8,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters }: GuestChoices): void {
  const section = parameters['section']!;
  const think = parameters['think']!;
  for (const part of [smp, barrier, time]) a.include(part);
  for (const name of [
    'fair_lock',
    'fair_taken',
    'fair_limit',
    'fair_deadline',
    'fair_over',
    'fair_began',
    'fair_cycles',
    'fair_ready',
    'fair_go',
  ]) {
    a.section('data', () => a.align(64));
    a.variable(name);
  }

  a.proc('main', {}, () => {
    a.call('smp_start');
    a.mov(rax, mem64('boot_cores'));
    a.imul(rax, rax, parameters['iterations']!);
    a.mov(mem64('fair_limit'), rax);
    if (parameters['stagger']! > 0) a.call('start_apart');
    else {
      a.mov(edi, addr('contend'));
      a.call('smp_run');
    }
    a.call('report');
  });

  if (parameters['stagger']! > 0) startApart(a, 'contend', parameters['stagger']!);

  a.proc('contend', {}, () => {
    if (parameters['stagger']! > 0) spinningStart(a);
    else {
      a.call('barrier_wait');
      a.cmp(cpu(PerCpu.number), 0);
      a.if_('e', () => a.call('begin'));
      a.comment('all start together, once the measurement has begun');
      a.call('barrier_wait');
    }

    a.loop(() => {
      acquire(a, 'fair_lock');
      a.comment('the limit is looked at under the lock, so that it is met exactly');
      a.mov(rax, mem64('fair_taken'));
      a.cmp(rax, mem64('fair_limit'));
      a.if_('ae', () => {
        release(a, 'fair_lock');
        a.break_();
      });
      a.inc(rax);
      a.mov(mem64('fair_taken'), rax);
      a.inc(cpu(PerCpu.figures, TAKEN));
      if (section > 0) {
        a.mov(edi, section);
        a.call('compute');
      }
      release(a, 'fair_lock');
      a.cmp(mem64('fair_over'), 0);
      a.break_if('ne');
      if (parameters['duration']! > 0) endAtDeadline(a);
      if (think > 0) {
        a.mov(edi, 2 * think);
        a.call('random_below');
        a.mov(rdi, rax);
        a.call('compute');
      }
    });
    a.comment('whoever gets here first ends the measurement');
    a.mov(edx, 1);
    a.xchg(mem64('fair_over'), rdx);
    a.test(rdx, rdx);
    a.if_('z', () => {
      readTsc(a);
      a.sub(rax, mem64('fair_began'));
      a.mov(mem64('fair_cycles'), rax);
      a.mark(MARK_ROI_END);
    });
    a.call('barrier_wait');
  });

  a.comment('the time at which it all begins, and at which it ends at the latest');
  a.proc('begin', {}, () => {
    cyclesOf(a, parameters['duration']!);
    readTsc(a);
    a.mov(mem64('fair_began'), rax);
    a.add(rax, rcx);
    a.mov(mem64('fair_deadline'), rax);
    a.mark(MARK_ROI_BEGIN);
  });

  a.comment('RBX = core, RBP = sum of the counts, R12 = sum of their squares, R13 = fewest, R14 = most');
  a.proc('report', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    for (const sum of [rbx, rbp, r12, r14]) a.xor(sum, sum);
    a.mov(r13, -1);
    a.repeat_while('b', () => {
      a.mov(rcx, rbx);
      areaOf(a, rcx);
      a.mov(r15, at(rcx, PerCpu.figures, TAKEN));
      print(a, 'core ');
      printDecimal(a, rbx);
      print(a, ': ');
      printDecimal(a, r15);
      print(a, '\n');
      a.add(rbp, r15);
      a.cmp(r15, r13);
      a.cmovb(r13, r15);
      a.cmp(r15, r14);
      a.cmova(r14, r15);
      a.imul(r15, r15);
      a.add(r12, r15);
      a.inc(rbx);
      a.cmp(rbx, mem64('boot_cores'));
    });
    a.cmp(rbp, mem64('fair_taken'));
    a.jne('fair_lost');

    reportFigure(a, FIGURES, 'acquisitions', rbp);
    reportFigure(a, FIGURES, 'cycles', mem64('fair_cycles'));
    a.comment('the product is wider than 64 bits, the quotient a million at most');
    a.imul(r12, rbx);
    a.mov(rax, rbp);
    a.imul(rax, rbp);
    a.mov(ecx, MILLION);
    a.mul(rcx);
    a.div(r12);
    a.mov(r15, rax);
    reportFigure(a, FIGURES, "Jain's index, millionths", r15);
    reportFigure(a, FIGURES, 'fewest by one core', r13);
    reportFigure(a, FIGURES, 'most by one core', r14);
  });

  a.label('fair_lost');
  failWith(a, 'fairbench: an acquisition was lost: two cores held the lock at once\n');
}

/** All start together, once the measurement has begun; those that wait keep their cores, so that they are not woken together. */
function spinningStart(a: Assembler): void {
  a.cmp(cpu(PerCpu.number), 0);
  a.if_(
    'e',
    () => {
      a.mov(rcx, mem64('boot_cores'));
      a.dec(rcx);
      a.while_(
        () => a.cmp(mem64('fair_ready'), rcx),
        'ne',
        () => a.pause(),
      );
      a.call('begin');
      a.mov(mem64('fair_go'), 1);
    },
    () => {
      a.lock.inc(mem64('fair_ready'));
      a.while_(
        () => a.cmp(mem64('fair_go'), 0),
        'e',
        () => a.pause(),
      );
    },
  );
}

/** Leaves the loop when the time is over. */
function endAtDeadline(a: Assembler): void {
  readTsc(a);
  a.cmp(rax, mem64('fair_deadline'));
  a.break_if('ae');
}
