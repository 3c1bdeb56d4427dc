/**
 * A barrier for all cores of the machine: `barrier_wait` returns when every core has called it. Cores that wait halt, with interrupts on,
 * so they go on serving the requests of others, and a virtual one gives its processor away. Usable again at once.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, rax, rbx } from '../../asm/register.ts';
import { callFunction, callOthers } from './callFunction.ts';

export function barrier(a: Assembler): void {
  a.include(callFunction);
  a.variable('barrier_arrived');
  a.comment('how often the barrier has opened');
  a.variable('barrier_openings');

  a.proc('barrier_wait', { saves: [rbx] }, () => {
    a.comment('read before arriving: the opening that counts comes after');
    a.mov(rbx, mem64('barrier_openings'));
    a.mov(eax, 1);
    a.lock.xadd(mem64('barrier_arrived'), rax);
    a.inc(rax);
    a.cmp(rax, mem64('boot_cores'));
    a.if_(
      'e',
      () => {
        a.mov(mem64('barrier_arrived'), 0);
        a.lock.inc(mem64('barrier_openings'));
        callOthers(a, 'do_nothing');
      },
      () => {
        a.loop(() => {
          a.comment('interrupts are off between looking and halting, so that the wake-up is not lost');
          a.cli();
          a.cmp(rbx, mem64('barrier_openings'));
          a.break_if('ne');
          a.sti();
          a.hlt();
        });
        a.sti();
      },
    );
  });
}
