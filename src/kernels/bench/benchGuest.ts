/**
 * The frame of every bench guest: it prepares, prints `start`, does the measured work, prints a checksum, powers off.
 *
 * Whoever measures takes the host's time from the line `start` to the line `checksum: …`, here and on any other machine that runs the
 * image. The checksum is a function of the parameters alone, so it must be the same everywhere.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { edi, rax, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from '../guest.ts';
import { barrier } from '../lib/barrier.ts';
import { reportFigure } from '../lib/figure.ts';
import { buildKernel } from '../lib/kernel.ts';
import { print } from '../lib/serial.ts';
import { smp } from '../lib/smp.ts';
import type { GuestParameter } from '../parameter.ts';

export interface BenchKernel {
  readonly name: string;
  readonly doc: string;
  /** Default of the parameter `iterations`: about a second on the reference engine. */
  readonly iterations: number;
  readonly parameters?: readonly GuestParameter[];
  /** All cores do the work at once, rather than core 0 alone. */
  readonly everyCore?: boolean;
  readonly minCores?: number;
  /** Writes the procedure `bench_work`: RDI = iterations; RAX = checksum. And `bench_prepare`, when `prepares`. */
  readonly write: (a: Assembler, choices: GuestChoices) => void;
  /** `bench_prepare` runs on core 0 before the measured part. */
  readonly prepares?: boolean;
}

export const BENCH_FIGURES = ['checksum'] as const;
export const BENCH_START = 'start\n';
const MAX_ITERATIONS = 4_000_000_000;

/** The guest of a bench kernel. */
export function benchGuest(kernel: BenchKernel): GuestDefinition {
  return {
    name: `bench-${kernel.name}`,
    doc: kernel.doc,
    parameters: [
      { name: 'iterations', default: kernel.iterations, min: 1, max: MAX_ITERATIONS, doc: 'rounds of the measured work' },
      ...(kernel.parameters ?? []),
    ],
    minCores: kernel.minCores ?? 1,
    figures: BENCH_FIGURES,
    build: (choices) => buildKernel(choices.lock, (a) => scenario(a, kernel, choices)),
  };
}

function scenario(a: Assembler, kernel: BenchKernel, choices: GuestChoices): void {
  const iterations = choices.parameters['iterations']!;
  const everyCore = kernel.everyCore === true;
  if (everyCore) {
    a.include(smp);
    a.include(barrier);
  }
  a.variable('bench_iterations', iterations);
  a.variable('bench_checksum');
  kernel.write(a, choices);

  a.proc('main', { saves: [rbx] }, () => {
    if (everyCore) a.call('smp_start');
    if (kernel.prepares) a.call('bench_prepare');
    print(a, BENCH_START);
    a.mark(MARK_ROI_BEGIN);
    if (everyCore) {
      a.mov(edi, addr('bench_core'));
      a.call('smp_run');
    } else {
      a.mov(rdi, mem64('bench_iterations'));
      a.call('bench_work');
      a.mov(mem64('bench_checksum'), rax);
    }
    a.mark(MARK_ROI_END);
    reportFigure(a, BENCH_FIGURES, 'checksum', mem64('bench_checksum'));
  });

  if (!everyCore) return;
  a.proc('bench_core', {}, () => {
    a.mov(rdi, mem64('bench_iterations'));
    a.call('bench_work');
    a.lock.add(mem64('bench_checksum'), rax);
    a.call('barrier_wait');
  });
}
