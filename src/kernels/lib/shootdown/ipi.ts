/** The shootdown of an unmodified kernel: an IPI to every core concerned, then waiting until all have invalidated and said so. */
import type { Assembler } from '../../../asm/assembler.ts';
import { at } from '../../../asm/operand.ts';
import { esi, rax, rdi, rdx, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { callFunction } from '../callFunction.ts';
import { cpu, PerCpu } from '../percpu.ts';
import type { ShootdownScheme } from './shootdown.ts';

export const ipi: ShootdownScheme = {
  name: 'ipi',
  doc: 'IPI to every core concerned, wait for all acknowledgements (Linux-like)',
  write: (a) => invalidateByIpi(a, 'shootdown_remote'),
};

/** The same guest under a hypervisor that takes the core from whoever spins for long, and gives it to a vCPU that was preempted. */
export const ipiPle: ShootdownScheme = {
  name: 'ipi-ple',
  doc: 'ipi under PAUSE-loop exiting: a vCPU that waits for long gives its core to one of its VM that was preempted',
  needs: { hypervisor: true, pauseLoopExiting: true },
  write: (a) => invalidateByIpi(a, 'shootdown_remote'),
};

/** Writes `name(RDI = mask of other cores, RSI = start, RDX = end)`: they invalidate, and say so, when it returns. */
export function invalidateByIpi(a: Assembler, name: string): void {
  a.include(callFunction);

  a.proc(name, {}, () => {
    a.mov(cpu(PerCpu.flushStart), rsi);
    a.mov(cpu(PerCpu.flushEnd), rdx);
    a.mov(rdx, cpu(PerCpu.self));
    a.mov(esi, addr('invalidate_for'));
    a.call('call_function');
  });

  a.comment('on the target: RDI = area of the initiator');
  a.proc('invalidate_for', {}, () => {
    a.mov(rax, rdi);
    a.mov(rdi, at(rax, PerCpu.flushStart));
    a.mov(rsi, at(rax, PerCpu.flushEnd));
    a.call('shootdown_serve');
  });
}
