/** How a kernel ends the run: by powering off, or with a failure status. */
import { PORT_DEBUG_EXIT, PORT_POWER_OFF, POWER_OFF_VALUE } from '../../arch/platform.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { ax, dx, eax, edi, edx } from '../../asm/register.ts';
import { print } from './serial.ts';

/**
 * `power_off`: the run ends as a success. `fail(EDI)`: it ends with status EDI << 1 | 1. Neither returns. `begin_failure` returns on the
 * first core that calls it only, so that one core reports and no other talks into its message.
 */
export function exit(a: Assembler): void {
  a.variable('failing');
  a.proc('begin_failure', {}, () => {
    a.cli();
    a.lock.bts(mem64('failing'), 0);
    a.jc('power_off.stop');
  });

  a.label('power_off');
  a.mov(edx, PORT_POWER_OFF);
  a.mov(eax, POWER_OFF_VALUE);
  a.out(dx, ax);
  a.label('.stop');
  a.cli();
  a.hlt();
  a.jmp('.stop');

  a.label('fail');
  a.mov(eax, edi);
  a.mov(edx, PORT_DEBUG_EXIT);
  a.out(dx, eax);
  a.jmp('power_off.stop');
}

/** Prints `text` and ends the run with a failure status. Does not return. */
export function failWith(a: Assembler, text: string): void {
  a.call('begin_failure');
  print(a, text);
  a.mov(edi, 1);
  a.jmp('fail');
}
