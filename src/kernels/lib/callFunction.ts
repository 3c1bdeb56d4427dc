/**
 * Calling a function on other cores by IPI, and waiting until all have run it.
 *
 * `call_function(RDI = mask of cores, RSI = procedure, RDX = its argument)`. The mask must not hold the caller. Call it with interrupts
 * on: while a core waits, it serves the requests of others, so that two cores that call each other both get their answers.
 *
 * IPIs go out one by one, or all at once by the procedure in `ipi_multicast` (RDI = mask of cores, ESI = low half of the ICR) if there is one.
 *
 * Each core has one request of its own (`callFunction`, `callArgument`, and in `callWaiting` who has yet to serve it) and a mask of the
 * cores whose requests it must serve (`callRequests`). A request is published by the locked BTS in the target's mask, which orders it
 * after everything the caller wrote before, page-table entries included. A server clears its bit in the caller's `callWaiting` last: from
 * then on the request may be written anew.
 */
import { DELIVERY_FIXED, ICR_ASSERT, ICR_DELIVERY_SHIFT } from '../../arch/apicRegisters.ts';
import { MARK_SPIN_BEGIN, MARK_SPIN_END, WAIT_SHOOTDOWN_ACK } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { eax, ecx, edi, esi, r12, r13, r14, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { VECTOR_CALL_FUNCTION } from './layout.ts';
import { areaOf, cpu, PerCpu } from './percpu.ts';

export const FIXED_IPI = (DELIVERY_FIXED << ICR_DELIVERY_SHIFT) | ICR_ASSERT;

export function callFunction(a: Assembler): void {
  a.variable('ipi_multicast');

  a.proc('call_function', { saves: [rbx, r12, r13, r14] }, () => {
    a.test(rdi, rdi);
    a.return_if('z');
    a.mov(rbx, cpu(PerCpu.self));
    a.mov(at(rbx, PerCpu.callFunction), rsi);
    a.mov(at(rbx, PerCpu.callArgument), rdx);
    a.mov(at(rbx, PerCpu.callWaiting), rdi);

    a.mov(r12, rdi);
    a.mov(r14, rdi);
    a.repeat_while('nz', () => {
      a.bsf(r13, r12);
      a.btr(r12, r13);
      a.mov(rcx, r13);
      areaOf(a, rcx);
      a.mov(eax, at(rbx, PerCpu.number));
      a.lock.bts(at(rcx, PerCpu.callRequests), rax);
      a.cmp(mem64('ipi_multicast'), 0);
      a.if_('e', () => {
        a.mov(edi, at(rcx, PerCpu.apicId));
        a.mov(esi, FIXED_IPI | VECTOR_CALL_FUNCTION);
        a.call('lapic_send');
      });
      a.test(r12, r12);
    });
    a.cmp(mem64('ipi_multicast'), 0);
    a.if_('ne', () => {
      a.mov(rdi, r14);
      a.mov(esi, FIXED_IPI | VECTOR_CALL_FUNCTION);
      a.call(mem64('ipi_multicast'));
    });

    a.cmp(at(rbx, PerCpu.callWaiting), 0);
    a.return_if('e');
    a.mov(edi, WAIT_SHOOTDOWN_ACK);
    a.mark(MARK_SPIN_BEGIN);
    a.repeat_while('ne', () => {
      a.pause();
      a.cmp(at(rbx, PerCpu.callWaiting), 0);
    });
    a.mark(MARK_SPIN_END);
  });

  a.comment('the interrupt: serve whoever has asked, until nobody has. A later interrupt for a request served here finds nothing to do');
  a.proc('serve_calls', { saves: [rbx, r12, r13, r14] }, () => {
    a.call('lapic_eoi');
    a.mov(rbx, cpu(PerCpu.self));
    a.loop(() => {
      a.xor(eax, eax);
      a.xchg(at(rbx, PerCpu.callRequests), rax);
      a.mov(r12, rax);
      a.test(r12, r12);
      a.break_if('z');
      a.repeat_while('nz', () => {
        a.bsf(r13, r12);
        a.btr(r12, r13);
        a.mov(r14, r13);
        areaOf(a, r14);
        a.mov(rdi, at(r14, PerCpu.callArgument));
        a.call(at(r14, PerCpu.callFunction));
        a.mov(eax, at(rbx, PerCpu.number));
        a.lock.btr(at(r14, PerCpu.callWaiting), rax);
        a.test(r12, r12);
      });
    });
  });
}

/** Runs a procedure on all other cores that are online. Changes what a call changes. */
export function callOthers(a: Assembler, procedure: string): void {
  a.mov(rdi, mem64('cores_online'));
  a.mov(ecx, cpu(PerCpu.number));
  a.btr(rdi, rcx);
  a.mov(esi, addr(procedure));
  a.call('call_function');
}
