/**
 * Halting until a lock's holder kicks: what the paravirtual locks have in common.
 *
 * A core that halts must not miss the kick. It publishes what it waits for, then looks once more, then halts, with interrupts off in between;
 * a kick that comes before the HLT is kept by the hypervisor and ends the HLT at once. HLT is executed with interrupts on exactly when they were
 * on before: STI lets the HLT begin before any interrupt is taken, so that none can come between the look and the HLT, and a handler
 * that itself waits for a lock, and overwrites what was published, returns to a core that looks again. Whoever wakes looks again in any case.
 */
import { HYPERCALL_KICK_CPU } from '../../../arch/hypercalls.ts';
import { RFLAGS_IF } from '../../../arch/rflags.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem32 } from '../../../asm/operand.ts';
import { eax, ebx, ecx, rbx, rdi, rsp } from '../../../asm/register.ts';
import type { GuestParameter } from '../../parameter.ts';
import { areaOf, PerCpu } from '../percpu.ts';

/** A parameter of every lock that halts. */
export const SPIN: GuestParameter = {
  name: 'lock-spin',
  default: 15,
  min: 0,
  max: 24,
  doc: 'a waiter polls 2^n times before it halts',
};

/** `kick_core(RDI = core number)`: its HLT ends, or its next one. Changes RAX, RCX, RDI. */
export function kickCore(a: Assembler): void {
  a.proc('kick_core', { saves: [rbx] }, () => {
    areaOf(a, rdi);
    a.mov(ecx, at(rdi, PerCpu.apicId));
    a.xor(ebx, ebx);
    a.mov(eax, HYPERCALL_KICK_CPU);
    a.vmcall();
  });
}

/**
 * Halts unless something has happened.
 *
 * @param announce writes down, for those who kick, that this core waits, ending in a full barrier, and then looks.
 * @param stay the condition, on the flags that `announce` leaves, under which there is no need to halt.
 * @param retract takes it back.
 */
export function sleepUnless(a: Assembler, announce: () => void, stay: 'e' | 'ne', retract: () => void): void {
  a.pushfq();
  a.cli();
  announce();
  a.if_(stay === 'e' ? 'ne' : 'e', () => {
    a.test(mem32(rsp), RFLAGS_IF);
    a.if_('nz', () => a.sti());
    a.hlt();
    a.cli();
  });
  retract();
  a.popfq();
}
