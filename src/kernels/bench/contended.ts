/** Cores that meet: at a lock, at one word, and by interprocessor interrupts. */
import { mem64 } from '../../asm/operand.ts';
import { eax, rax, rbx, rdi } from '../../asm/register.ts';
import { callFunction, callOthers } from '../lib/callFunction.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { benchGuest } from './benchGuest.ts';

/** Every core takes the lock `iterations` times, and adds one to a word inside and outside of it. */
export const lock = benchGuest({
  name: 'lock',
  doc: 'bench: every core takes one spinlock, again and again',
  iterations: 2000,
  everyCore: true,
  write(a) {
    a.variable('shared_lock');
    a.variable('guarded');
    a.variable('shared_word');
    a.proc('bench_work', { saves: [rbx] }, () => {
      a.mov(rbx, rdi);
      a.repeat_while('nz', () => {
        acquire(a, 'shared_lock');
        a.inc(mem64('guarded'));
        release(a, 'shared_lock');
        a.lock.inc(mem64('shared_word'));
        a.dec(rbx);
      });
      a.comment('the cores add up to the same sum, whatever their order: each brings what it has added itself');
      a.mov(rax, mem64('bench_iterations'));
    });
  },
});

/** Core 0 makes every other core run an empty function, and spins until all have. The others halt in between. */
export const ipi = benchGuest({
  name: 'ipi',
  doc: 'bench: core 0 calls the other cores by IPI and spins for their answers',
  iterations: 500,
  minCores: 2,
  everyCore: true,
  write(a) {
    a.include(callFunction);
    a.variable('calls_served');
    a.proc('bench_work', { saves: [rbx] }, () => {
      a.xor(eax, eax);

      a.cmp(cpu(PerCpu.number), 0);
      a.return_if('ne');
      a.mov(rbx, rdi);
      a.repeat_while('nz', () => {
        callOthers(a, 'count_served');
        a.dec(rbx);
      });
      a.mov(rax, mem64('calls_served'));
    });
    a.proc('count_served', {}, () => {
      a.lock.inc(mem64('calls_served'));
    });
  },
});
