/**
 * busy: cores that always have something to do and never do anything to each other: the neighbour that makes a host overcommitted.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). All cores start; the first `halted` of them halt for good, the others go round a loop of
 * registers without end. No PAUSE: it is no spin that a VMM should take for one. The guest does not end by itself; run it beside another
 * one.
 *
 * Reports: nothing; MARK_ROI_BEGIN when all cores have started.
 */
import { MARK_ROI_BEGIN } from '../arch/marks.ts';
import type { Assembler } from '../asm/assembler.ts';
import { edi, rax } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestDefinition } from './guest.ts';
import { buildKernel } from './lib/kernel.ts';
import { cpu, PerCpu } from './lib/percpu.ts';
import { smp } from './lib/smp.ts';

export const busy: GuestDefinition = {
  name: 'busy',
  doc: 'computes on all cores without end: a neighbour for others under the VMM',
  parameters: [{ name: 'halted', default: 0, min: 0, max: 64, doc: 'cores, from core 0 on, that halt for good instead' }],
  minCores: 1,
  defaultCores: 4,
  figures: [],
  build: ({ lock, parameters }) => buildKernel(lock, (a) => scenario(a, parameters['halted']!)),
};

function scenario(a: Assembler, halted: number): void {
  a.include(smp);

  a.proc('main', {}, () => {
    a.call('smp_start');
    a.mark(MARK_ROI_BEGIN);
    a.mov(edi, addr('work'));
    a.call('smp_run');
  });

  a.proc('work', {}, () => {
    if (halted > 0) {
      a.cmp(cpu(PerCpu.number), halted);
      a.if_('b', () => {
        a.loop(() => a.hlt());
      });
    }
    a.xor(rax, rax);
    a.repeat_while('z', () => a.test(rax, rax));
  });
}
