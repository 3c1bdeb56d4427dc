/**
 * Application processors: started one after the other by INIT–STARTUP–STARTUP, then idle until there is work for all cores.
 *
 * `smp_start`: every core of the boot record is online. `smp_run(RDI = procedure)`: it runs on every core, on core 0 too, and this
 * returns when core 0's has; the others then idle. All must have come back before the next `smp_run` (a barrier at the end of the
 * procedure does). Bit n of `cores_online` is core n.
 *
 * No core is given up: a virtual one may be kept waiting for any time. SDM: Vol. 3, "MP Initialization Protocol Algorithm".
 */
import { DELIVERY_INIT, DELIVERY_STARTUP, ICR_ASSERT, ICR_DELIVERY_SHIFT } from '../../arch/apicRegisters.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { ebx, ecx, edi, edx, esi, rax, rbx, rcx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { callFunction, callOthers } from './callFunction.ts';
import { setHandler } from './interrupts.ts';
import { STACK_SHIFT, TRAMPOLINE, VECTOR_CALL_FUNCTION } from './layout.ts';
import { readTsc, time } from './time.ts';
import { trampoline } from './trampoline.ts';

const INIT = (DELIVERY_INIT << ICR_DELIVERY_SHIFT) | ICR_ASSERT;
const STARTUP = (DELIVERY_STARTUP << ICR_DELIVERY_SHIFT) | ICR_ASSERT | (TRAMPOLINE >> 12);

/** Fractions of a second: from INIT to STARTUP, and until STARTUP is sent once more. */
const AFTER_INIT = 100_000;
const BEFORE_SECOND_STARTUP = 5_000;

export function smp(a: Assembler): void {
  for (const part of [trampoline, callFunction, time]) a.include(part);
  a.variable('cores_online', 1);
  a.comment('a procedure that each core but 0 runs when it comes online, or 0; set before smp_start');
  a.variable('core_online_hook');
  a.comment('the procedure that all cores are to run, and how many times there has been one');
  a.variable('smp_procedure');
  a.variable('smp_rounds');

  a.proc('smp_start', { saves: [rbx] }, () => {
    setHandler(a, VECTOR_CALL_FUNCTION, 'serve_calls');
    a.mov(ebx, 1);
    a.while_(
      () => a.cmp(rbx, mem64('boot_cores')),
      'b',
      () => {
        a.mov(mem64('trampoline_number'), rbx);
        a.lea(rax, mem64(rbx, 1));
        a.shl(rax, STACK_SHIFT);
        a.add(rax, addr('stacks'));
        a.mov(mem64('trampoline_stack'), rax);

        a.comment('the platform numbers APICs like cores');
        a.mov(edi, ebx);
        a.mov(esi, INIT);
        a.call('lapic_send');
        fractionOfSecond(a, AFTER_INIT);
        a.mov(rdi, rax);
        a.call('delay');
        a.mov(edi, ebx);
        a.mov(esi, STARTUP);
        a.call('lapic_send');
        a.call('wait_for_core');
        a.inc(rbx);
      },
    );
  });

  a.comment('RBX = number; waits until it is online, with a second STARTUP on the way: a core that has started ignores it');
  a.label('wait_for_core');
  fractionOfSecond(a, BEFORE_SECOND_STARTUP);
  a.mov(rcx, rax);
  readTsc(a);
  a.add(rcx, rax);
  a.loop(() => {
    a.bt(mem64('cores_online'), rbx);
    a.break_if('c');
    a.pause();
    readTsc(a);
    a.cmp(rax, rcx);
    a.if_('ae', () => {
      a.mov(edi, ebx);
      a.mov(esi, STARTUP);
      a.call('lapic_send');
      a.loop(() => {
        a.bt(mem64('cores_online'), rbx);
        a.jc('.online');
        a.pause();
      });
    });
  });
  a.label('.online');
  a.ret();

  a.comment('an application processor, from the trampoline: RDI = number');
  a.label('core_entry');
  a.mov(ebx, edi);
  a.call('core_setup');
  a.cmp(mem64('core_online_hook'), 0);
  a.if_('ne', () => a.call(mem64('core_online_hook')));
  a.lock.bts(mem64('cores_online'), rbx);
  a.xor(ebx, ebx);
  a.label('.idle');
  a.comment('RBX = rounds done. Interrupts are off between looking and halting, so that no wake-up is lost');
  a.cli();
  a.cmp(rbx, mem64('smp_rounds'));
  a.if_('e', () => {
    a.sti();
    a.hlt();
    a.jmp('.idle');
  });
  a.sti();
  a.inc(rbx);
  a.push(rbx);
  a.call(mem64('smp_procedure'));
  a.pop(rbx);
  a.jmp('.idle');

  a.proc('smp_run', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(mem64('smp_procedure'), rdi);
    a.lock.inc(mem64('smp_rounds'));
    a.comment('an empty call wakes those that halt');
    callOthers(a, 'do_nothing');
    a.call(rbx);
  });

  a.proc('do_nothing', {}, () => {});
}

/** RAX is that fraction of a second in TSC cycles. Changes RDX, RCX. */
function fractionOfSecond(a: Assembler, fraction: number): void {
  a.mov(rax, mem64('boot_tsc_hz'));
  a.xor(edx, edx);
  a.mov(ecx, fraction);
  a.div(rcx);
}
