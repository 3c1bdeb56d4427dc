/**
 * overhead: what a lock costs that nobody else wants: cycles for an acquisition and a release, on one core, beside those of the simplest lock there
 * is, an XCHG and a store written in place. After the authors' benchmark of that name.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot); the other cores stay where they are. A loop with nothing in it is measured, too, and taken off.
 * Each is done twice, and the second time counts, so that translations and code are where they will be.
 *
 * Reports: pairs, and cycles for a pair in hundredths.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../arch/marks.ts';
import type { Assembler } from '../asm/assembler.ts';
import { mem64 } from '../asm/operand.ts';
import { eax, ecx, edi, edx, r12, r13, r14, rax, rbp, rbx, rcx, rdi } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from './guest.ts';
import { reportFigure } from './lib/figure.ts';
import { buildKernel } from './lib/kernel.ts';
import { acquire, release } from './lib/locks/lock.ts';
import { readTsc } from './lib/time.ts';

const FIGURES = ['pairs', 'cycles for a pair, hundredths', 'cycles for a pair of a naive XCHG lock, hundredths'] as const;
const HUNDRED = 100;

export const overhead: GuestDefinition = {
  name: 'overhead',
  doc: 'cycles of an uncontended acquisition and release',
  parameters: [{ name: 'iterations', default: 100_000, min: 1, max: 100_000_000, doc: 'pairs of acquisition and release' }],
  minCores: 1,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters }: GuestChoices): void {
  const iterations = parameters['iterations']!;
  for (const name of ['measured_lock', 'naive_lock', 'pairs']) {
    a.section('data', () => a.align(64));
    a.variable(name, name === 'pairs' ? iterations : 0);
  }

  const loops: Readonly<Record<string, () => void>> = {
    empty_loop: () => {},
    lock_loop: () => {
      acquire(a, 'measured_lock');
      release(a, 'measured_lock');
    },
    naive_loop: () => {
      a.mov(edi, addr('naive_lock'));
      a.label('.retry');
      a.mov(eax, 1);
      a.xchg(mem64(rdi), rax);
      a.test(eax, eax);
      a.jnz('.retry');
      a.mov(mem64('naive_lock'), 0);
    },
  };
  for (const [name, body] of Object.entries(loops)) {
    a.proc(name, { saves: [rbx] }, () => {
      a.mov(rbx, mem64('pairs'));
      a.repeat_while('nz', () => {
        body();
        a.dec(rbx);
      });
    });
  }

  a.comment('RDI = procedure → RAX = cycles of its second run');
  a.proc('measure', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.call(rbx);
    readTsc(a);
    a.mov(rbp, rax);
    a.call(rbx);
    readTsc(a);
    a.sub(rax, rbp);
  });

  a.proc('main', { saves: [r12, r13, r14] }, () => {
    a.mov(edi, addr('empty_loop'));
    a.call('measure');
    a.mov(r12, rax);
    a.mark(MARK_ROI_BEGIN);
    a.mov(edi, addr('lock_loop'));
    a.call('measure');
    a.mark(MARK_ROI_END);
    a.mov(r13, rax);
    a.mov(edi, addr('naive_loop'));
    a.call('measure');
    a.mov(r14, rax);

    reportFigure(a, FIGURES, 'pairs', mem64('pairs'));
    for (const [figure, cycles] of [
      [FIGURES[1], r13],
      [FIGURES[2], r14],
    ] as const) {
      a.mov(rax, cycles);
      a.sub(rax, r12);
      a.mov(ecx, HUNDRED);
      a.imul(rax, rcx);
      a.xor(edx, edx);
      a.mov(rcx, mem64('pairs'));
      a.div(rcx);
      a.mov(cycles, rax);
      reportFigure(a, FIGURES, figure, cycles);
    }
  });
}
