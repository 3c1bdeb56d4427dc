/**
 * Cores that start at different times: `start_apart`, which is `smp_run` of one procedure with a random time before each core is woken.
 *
 * Cores that wake at the same time preempt others at the same time, and from then on the slices of a crowded host would begin on all cores together, as if it
 * ran whole VMs in turn.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { ebx, ecx, edi, edx, esi, rax, rbp, rbx, rcx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';

const MILLION = 1_000_000;

/** RCX is so many microseconds in TSC cycles. Changes RAX, RDX. */
export function cyclesOf(a: Assembler, micros: number): void {
  a.mov(rax, mem64('boot_tsc_hz'));
  a.mov(ecx, MILLION);
  a.xor(edx, edx);
  a.div(rcx);
  a.mov(rcx, micros);
  a.imul(rcx, rax);
}

/** Writes it. @param micros each core is woken up to so many microseconds after the one before it. */
export function startApart(a: Assembler, procedure: string, micros: number): void {
  a.proc('start_apart', { saves: [rbx, rbp] }, () => {
    a.mov(mem64('smp_procedure'), addr(procedure));
    a.lock.inc(mem64('smp_rounds'));
    cyclesOf(a, micros);
    a.mov(rbp, rcx);
    a.mov(ebx, 1);
    a.while_(
      () => a.cmp(rbx, mem64('boot_cores')),
      'b',
      () => {
        a.mov(rdi, rbp);
        a.call('random_below');
        a.mov(rdi, rax);
        a.call('delay');
        a.xor(edi, edi);
        a.bts(rdi, rbx);
        a.mov(esi, addr('do_nothing'));
        a.call('call_function');
        a.inc(rbx);
      },
    );
    a.call(procedure);
  });
}
