/**
 * Remote action requests: the targets' microcode invalidates, without an interrupt and whatever RFLAGS.IF says (arch/remoteActions). Entry n of the payload
 * table, and of each core's action vector, belongs to core n.
 *
 * In a virtual machine the feature is the hypervisor's: one hypercall, Shoot4U's, which the host serves by requests for INVVPID. No guest leaves its
 * core for it but the caller's.
 */
import { DELIVERY_REMOTE_ACTION, ICR_ASSERT, ICR_DELIVERY_SHIFT } from '../../../arch/apicRegisters.ts';
import { KVM_SIGNATURE } from '../../../arch/hypervisorCpuid.ts';
import { MARK_SPIN_BEGIN, MARK_SPIN_END, WAIT_SHOOTDOWN_ACK } from '../../../arch/marks.ts';
import {
  CORE_CAPABILITIES_BIT,
  CORE_CAPABILITIES_RAR,
  IA32_CORE_CAPABILITIES,
  IA32_RAR_ACT_VEC,
  IA32_RAR_CTRL,
  IA32_RAR_PAYLOAD_BASE,
  RAR_CTRL_ENABLE,
  RAR_CTRL_IGNORE_IF,
  RAR_PAGES_SHIFT,
  RAR_PAYLOAD_ADDRESS,
  RAR_PAYLOAD_SIZE,
  RAR_PAYLOAD_SPACE,
  RAR_PAYLOADS,
  RAR_PENDING,
  RAR_SUBTYPE_SHIFT,
  RAR_SUCCESS,
  RAR_TYPE_INVPCID,
  RAR_TYPE_SHIFT,
} from '../../../arch/remoteActions.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem8, mem64 } from '../../../asm/operand.ts';
import { eax, ecx, edi, edx, esi, r8, r8d, r12, r13, r14, rax, rbx, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { failWith } from '../exit.ts';
import { hypervisor, signatureWords } from '../hypervisor.ts';
import { MAX_CORES } from '../layout.ts';
import { areaOf, cpu, PerCpu } from '../percpu.ts';
import { writeRemote } from './shoot4u.ts';
import { EVERYTHING, type ShootdownScheme, SINGLE_PAGE_CEILING } from './shootdown.ts';

const INVPCID_CONTEXT = 1n;
const VECTOR_SHIFT = Math.log2(RAR_PAYLOADS);
const PAYLOAD_SHIFT = Math.log2(RAR_PAYLOAD_SIZE);

export const rar: ShootdownScheme = {
  name: 'rar',
  doc: "the targets' microcode invalidates on request, without interrupts and exits (Intel since Sapphire Rapids)",
  needs: { processor: 'rar', shoot4u: 'rar' },
  setup(a) {
    const [first, second, third] = signatureWords(KVM_SIGNATURE);
    a.mov(edi, first);
    a.mov(esi, second);
    a.mov(edx, third);
    a.call('hypervisor_find');
    a.mov(mem64('rar_by_hypercall'), rax);
    a.test(eax, eax);
    a.if_('z', () => requireFeature(a));
  },
  coreSetup(a) {
    a.cmp(mem64('rar_by_hypercall'), 0);
    a.return_if('ne');
    a.xor(edx, edx);
    a.mov(eax, cpu(PerCpu.number));
    a.shl(eax, VECTOR_SHIFT);
    a.add(eax, addr('rar_vectors'));
    a.mov(ecx, IA32_RAR_ACT_VEC);
    a.wrmsr();
    a.mov(eax, addr('rar_payloads'));
    a.mov(ecx, IA32_RAR_PAYLOAD_BASE);
    a.wrmsr();
    a.mov(eax, RAR_CTRL_ENABLE + RAR_CTRL_IGNORE_IF);
    a.mov(ecx, IA32_RAR_CTRL);
    a.wrmsr();
  },
  write(a) {
    a.include(hypervisor);
    a.comment('base leaf of the hypervisor whose hypercall is used, or 0');
    a.variable('rar_by_hypercall');
    a.room('rar_payloads', RAR_PAYLOADS * RAR_PAYLOAD_SIZE, 4096);
    a.room('rar_vectors', MAX_CORES << VECTOR_SHIFT, 64);
    writeRemote(a, 'flush_by_hypercall');

    a.proc('shootdown_remote', { saves: [rbx, r12, r13, r14] }, () => {
      a.cmp(mem64('rar_by_hypercall'), 0);
      a.if_('ne', () => {
        a.call('flush_by_hypercall');
        a.return_();
      });
      writePayload(a);
      a.comment('R12 = targets, RBX = number of this core and of its payload');
      a.mov(r12, rdi);
      a.mov(r13, rdi);
      a.repeat_while('nz', () => {
        nextTarget(a);
        a.mov(mem8(rcx, rbx, addr('rar_vectors')), RAR_PENDING);
        a.mov(rcx, r14);
        areaOf(a, rcx);
        a.mov(edi, at(rcx, PerCpu.apicId));
        a.mov(esi, (DELIVERY_REMOTE_ACTION << ICR_DELIVERY_SHIFT) | ICR_ASSERT);
        a.call('lapic_send');
        a.test(r13, r13);
      });
      a.mov(edi, WAIT_SHOOTDOWN_ACK);
      a.mark(MARK_SPIN_BEGIN);
      a.mov(r13, r12);
      a.repeat_while('nz', () => {
        nextTarget(a);
        a.while_(
          () => a.cmp(mem8(rcx, rbx, addr('rar_vectors')), RAR_PENDING),
          'e',
          () => a.pause(),
        );
        a.cmp(mem8(rcx, rbx, addr('rar_vectors')), RAR_SUCCESS);
        a.jne('rar_failed');
        a.test(r13, r13);
      });
      a.mark(MARK_SPIN_END);
    });

    a.label('rar_failed');
    failWith(a, 'rar: a core failed to act\n');
  },
};

/** R14 is the lowest core in R13, taken out of it; RCX is where its action vector lies in `rar_vectors`. */
function nextTarget(a: Assembler): void {
  a.bsf(r14, r13);
  a.btr(r13, r14);
  a.mov(rcx, r14);
  a.shl(rcx, VECTOR_SHIFT);
}

/** This core's payload: INVPCID of the pages from RSI to RDX in the space with CR3 = RCX, or of all of it. RBX is its number. */
function writePayload(a: Assembler): void {
  a.mov(r8d, cpu(PerCpu.number));
  a.mov(rbx, r8);
  a.shl(r8d, PAYLOAD_SHIFT);
  a.and(ecx, 0xfff);
  a.mov(mem64(r8, addr('rar_payloads', RAR_PAYLOAD_SPACE)), rcx);
  a.mov(mem64(r8, addr('rar_payloads', RAR_PAYLOAD_ADDRESS)), rsi);
  const type = BigInt(RAR_TYPE_INVPCID) << BigInt(RAR_TYPE_SHIFT);
  a.mov(rax, type | (INVPCID_CONTEXT << BigInt(RAR_SUBTYPE_SHIFT)));
  a.cmp(rdx, EVERYTHING);
  a.if_('ne', () => {
    a.sub(rdx, rsi);
    a.add(rdx, 4095);
    a.shr(rdx, 12);
    a.cmp(rdx, SINGLE_PAGE_CEILING);
    a.if_('be', () => {
      a.mov(rax, type);
      a.shl(rdx, RAR_PAGES_SHIFT);
      a.or(rax, rdx);
    });
  });
  a.mov(mem64(r8, addr('rar_payloads')), rax);
}

/** Ends the run with a message unless the processor has remote action requests. */
function requireFeature(a: Assembler): void {
  a.mov(eax, 7);
  a.xor(ecx, ecx);
  a.cpuid();
  a.bt(edx, CORE_CAPABILITIES_BIT);
  a.if_('nc', () => failWith(a, 'rar: the processor does not have remote action requests\n'));
  a.mov(ecx, IA32_CORE_CAPABILITIES);
  a.rdmsr();
  a.test(eax, CORE_CAPABILITIES_RAR);
  a.if_('z', () => failWith(a, 'rar: the processor does not have remote action requests\n'));
}
