/** bench-idle: every core halts until the next tick of its timer, again and again: a machine that mostly sleeps. */
import { edi, esi, rax, rbx, rdi } from '../../asm/register.ts';
import { setHandler } from '../lib/interrupts.ts';
import { VECTOR_TIMER } from '../lib/layout.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { benchGuest } from './benchGuest.ts';

export const idle = benchGuest({
  name: 'idle',
  doc: 'bench: every core sleeps from tick to tick',
  iterations: 200,
  parameters: [{ name: 'tick', default: 100_000, min: 100, max: 1_000_000_000, doc: 'timer counts from tick to tick' }],
  everyCore: true,
  write(a, { parameters }) {
    a.proc('bench_work', { saves: [rbx] }, () => {
      setHandler(a, VECTOR_TIMER, 'tick');
      a.mov(rbx, rdi);
      a.repeat_while('nz', () => {
        a.cli();
        a.mov(edi, VECTOR_TIMER);
        a.mov(esi, parameters['tick']!);
        a.call('lapic_timer');
        a.comment('interrupts stay off until the halt, so that the tick is not lost');
        a.sti();
        a.hlt();
        a.dec(rbx);
      });
      a.mov(rax, cpu(PerCpu.figures));
    });
    a.proc('tick', {}, () => {
      a.inc(cpu(PerCpu.figures));
      a.call('lapic_eoi');
    });
  },
});
