/**
 * cpu-bound: keeps every core busy for good, and makes no use of the kernel: the neighbour that takes its share of the processors.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). All cores are started, which MARK_ROI_BEGIN tells; each computes until the run is ended from outside, or until
 * `rounds` rounds are done. `work=primes` is what `sysbench cpu` does: a round counts the primes below LIMIT by trial division.
 * `work=spin` is a loop of one jump. `work=halt` halts: where halting gives the core away nothing is left of this guest, but under
 * `--no-halt-exits` a vCPU that halts keeps its core as one that spins does, and costs the host's time nothing.
 */
import { MARK_ROI_BEGIN } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, edx, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from '../guest.ts';
import { barrier } from '../lib/barrier.ts';
import { reportFigure } from '../lib/figure.ts';
import { buildKernel } from '../lib/kernel.ts';
import { smp } from '../lib/smp.ts';

const FIGURES = ['primes'] as const;
/** Candidates of one round are below it; sysbench's `--cpu-max-prime` is 10,000 by default. */
const LIMIT = 10_000;

export const cpuBound: GuestDefinition = {
  name: 'cpu-bound',
  doc: 'every core computes, without end unless `rounds` is given: a neighbour for --co-guest',
  parameters: [
    { name: 'rounds', default: 0, min: 0, max: 1_000_000, doc: 'rounds of counting primes on each core; 0: without end' },
    { name: 'cores', default: 0, min: 0, max: 64, doc: 'cores that are started, from core 0 on; 0: all' },
  ],
  options: [{ name: 'work', default: 'primes', choices: ['primes', 'spin', 'halt'], doc: 'what the cores do' }],
  minCores: 1,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters, options }: GuestChoices): void {
  const rounds = parameters['rounds']!;
  const cores = parameters['cores']!;
  const work = options['work']!;
  if (work !== 'primes' && rounds > 0) throw new Error(`cpu-bound: rounds are for work=primes; work=${work} has none`);
  a.include(smp);
  a.include(barrier);
  a.variable('primes');

  a.proc('main', {}, () => {
    if (cores > 0) {
      a.comment('nobody learns of the others');
      a.cmp(mem64('boot_cores'), cores);
      a.if_('a', () => a.mov(mem64('boot_cores'), cores));
    }
    a.call('smp_start');
    a.mark(MARK_ROI_BEGIN);
    a.mov(edi, addr('cpu_bound'));
    a.call('smp_run');
    reportFigure(a, FIGURES, 'primes', mem64('primes'));
  });

  a.proc('cpu_bound', { saves: [rbx] }, () => {
    if (work === 'halt') {
      a.loop(() => a.hlt());
      return;
    }
    if (work === 'spin') {
      a.label('.forever');
      a.jmp('.forever');
      return;
    }
    if (rounds === 0) {
      a.label('.again');
      a.call('count_primes');
      a.jmp('.again');
      return;
    }
    a.mov(ebx, rounds);
    a.repeat_while('nz', () => {
      a.call('count_primes');
      a.lock.add(mem64('primes'), rdi);
      a.dec(ebx);
    });
    a.call('barrier_wait');
  });

  a.comment('RDI = how many primes there are below LIMIT. ECX = candidate, EBX = divisor');
  a.proc('count_primes', { saves: [rbx] }, () => {
    a.xor(edi, edi);
    a.mov(ecx, 2);
    a.repeat_while('b', () => {
      a.mov(ebx, 2);
      a.loop(() => {
        a.mov(eax, ebx);
        a.imul(eax, eax);
        a.cmp(eax, ecx);
        a.if_('a', () => {
          a.inc(rdi);
          a.jmp('.decided');
        });
        a.mov(eax, ecx);
        a.xor(edx, edx);
        a.div(ebx);
        a.test(edx, edx);
        a.break_if('z');
        a.inc(ebx);
      });
      a.label('.decided');
      a.inc(ecx);
      a.cmp(ecx, LIMIT);
    });
  });
}
