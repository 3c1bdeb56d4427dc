/**
 * What the schemes have in common that leave a request for a vCPU which does not run: it is in a record that the vCPU shares with its hypervisor, who
 * carries it out before the guest runs again. Those that run get an IPI.
 */

import { KVM_MSR_ENABLED, KVM_RECORD_SIZE } from '../../../arch/kvmRecords.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { mem8 } from '../../../asm/operand.ts';
import { al, dl, eax, ecx, edx, r8, r9, r10, rcx, rdi, rdx } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { MAX_CORES } from '../layout.ts';
import { cpu, PerCpu } from '../percpu.ts';
import { invalidateByIpi } from './ipi.ts';

const RECORD_SHIFT = Math.log2(KVM_RECORD_SIZE);

export interface DeferringRecord {
  /** Where the record's address is registered. */
  readonly msr: number;
  /** Offset of the byte that says whether the vCPU runs, and takes the request. */
  readonly offset: number;
  /** The bit whose value `whenSet` says that it does not. */
  readonly bit: number;
  readonly awayWhen: 'set' | 'clear';
  /** The bit that asks for the flush. */
  readonly request: number;
}

/** The running core's record is registered. Changes RAX, RCX, RDX. */
export function registerRecord(a: Assembler, { msr }: DeferringRecord): void {
  a.mov(eax, cpu(PerCpu.number));
  a.shl(eax, RECORD_SHIFT);
  a.add(eax, addr('shared_records', KVM_MSR_ENABLED));
  a.xor(edx, edx);
  a.mov(ecx, msr);
  a.wrmsr();
}

/** Writes `shootdown_remote`, and makes room for the records. */
export function deferOrInterrupt(a: Assembler, { offset, bit, awayWhen, request }: DeferringRecord): void {
  a.room('shared_records', MAX_CORES * KVM_RECORD_SIZE, 64);
  invalidateByIpi(a, 'invalidate_by_ipi');

  a.proc('shootdown_remote', {}, () => {
    a.comment('R8 = targets to look at, RDI = those that need an IPI, R10 = end');
    a.mov(r10, rdx);
    a.mov(r8, rdi);
    a.repeat_while('nz', () => {
      a.bsf(rcx, r8);
      a.btr(r8, rcx);
      a.mov(r9, rcx);
      a.shl(r9, RECORD_SHIFT);
      a.movzx(eax, mem8(r9, addr('shared_records', offset)));
      a.test(al, bit);
      a.if_(awayWhen === 'set' ? 'nz' : 'z', () => {
        a.comment('the request counts only if the vCPU has not come back meanwhile');
        a.mov(edx, eax);
        a.or(edx, request);
        a.lock.cmpxchg(mem8(r9, addr('shared_records', offset)), dl);
        a.if_('e', () => a.btr(rdi, rcx));
      });
      a.test(r8, r8);
    });
    a.test(rdi, rdi);
    a.return_if('z');
    a.mov(rdx, r10);
    a.call('invalidate_by_ipi');
  });
}
