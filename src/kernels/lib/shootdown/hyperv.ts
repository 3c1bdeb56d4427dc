/**
 * Hyper-V's flush hypercalls, as Linux uses them: the call has an address space, a mask of virtual processors and a list of pages, and it is done
 * when it returns. The hypervisor flushes for those that do not run when they run next.
 */
import {
  CPUID_HYPERV,
  HV_X64_MSR_GUEST_OS_ID,
  HV_X64_MSR_HYPERCALL,
  HVCALL_FLUSH_LIST,
  HVCALL_FLUSH_SPACE,
  HYPERCALL_PAGE_ENABLE,
  HYPERV_ACCESS_HYPERCALL_MSRS,
  HYPERV_LEAF_FEATURES,
  HYPERV_LEAF_RECOMMENDATIONS,
  HYPERV_REMOTE_FLUSH_RECOMMENDED,
  HYPERV_SIGNATURE,
} from '../../../arch/hyperv.ts';
import { at } from '../../../asm/operand.ts';
import { record, sizeOf, u64 } from '../../../asm/record.ts';
import { ax, eax, ecx, edx, r8, r8d, rax, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { failWith } from '../exit.ts';
import { hypervisor, requireBit, requireInterface } from '../hypervisor.ts';
import { MAX_CORES } from '../layout.ts';
import { cpu, PerCpu } from '../percpu.ts';
import { EVERYTHING, type ShootdownScheme, SINGLE_PAGE_CEILING } from './shootdown.ts';

/** Input of both calls; no call's crosses a page. */
const FlushInput = record({ space: u64, flags: u64, processors: u64, list: u64 });
const INPUT_SHIFT = 6;
if (sizeOf(FlushInput) > 1 << INPUT_SHIFT) throw new Error('the input of a flush outgrew its room');

/** An open-source system (bit 63) that nobody has registered. */
const GUEST_OS_ID_HIGH = 0x8000_0000;
const GUEST_OS_ID_LOW = 0x0001_0000;

export const hyperv: ShootdownScheme = {
  name: 'hyperv',
  doc: 'one hypercall: running vCPUs leave their guest and flush, the others flush when they run next (Hyper-V, KVM)',
  needs: { hypervisor: true },
  setup(a) {
    requireInterface(a, 'hyperv', HYPERV_SIGNATURE, HYPERV_LEAF_FEATURES);
    requireBit(a, 'hyperv', eax, HYPERV_ACCESS_HYPERCALL_MSRS);
    a.mov(eax, CPUID_HYPERV + HYPERV_LEAF_RECOMMENDATIONS);
    a.cpuid();
    requireBit(a, 'hyperv', eax, HYPERV_REMOTE_FLUSH_RECOMMENDED);
    a.comment('the page is filled in only for a guest that has said who it is');
    a.mov(ecx, HV_X64_MSR_GUEST_OS_ID);
    a.mov(eax, GUEST_OS_ID_LOW);
    a.mov(edx, GUEST_OS_ID_HIGH);
    a.wrmsr();
    a.mov(ecx, HV_X64_MSR_HYPERCALL);
    a.mov(eax, addr('hyperv_page', HYPERCALL_PAGE_ENABLE));
    a.xor(edx, edx);
    a.wrmsr();
  },
  write(a) {
    a.include(hypervisor);
    a.room('hyperv_page', 4096, 4096);
    a.room('hyperv_inputs', MAX_CORES << INPUT_SHIFT, 4096);

    a.proc('shootdown_remote', {}, () => {
      a.comment('R8 = input of this core; numbers of cores are those of virtual processors');
      a.mov(r8d, cpu(PerCpu.number));
      a.shl(r8d, INPUT_SHIFT);
      a.add(r8, addr('hyperv_inputs'));
      a.and(rcx, -4096);
      a.mov(at(r8, FlushInput.space), rcx);
      a.mov(at(r8, FlushInput.flags), 0);
      a.mov(at(r8, FlushInput.processors), rdi);
      a.mov(ecx, HVCALL_FLUSH_SPACE);
      a.cmp(rdx, EVERYTHING);
      a.je('.call');
      a.comment('pages but the first');
      a.sub(rdx, rsi);
      a.dec(rdx);
      a.shr(rdx, 12);
      a.cmp(rdx, SINGLE_PAGE_CEILING);
      a.jae('.call');
      a.and(rsi, -4096);
      a.or(rsi, rdx);
      a.mov(at(r8, FlushInput.list), rsi);
      a.mov(rcx, (1n << 32n) | BigInt(HVCALL_FLUSH_LIST));
      a.label('.call');
      a.mov(rdx, r8);
      a.xor(r8d, r8d);
      a.mov(eax, addr('hyperv_page'));
      a.call(rax);
      a.test(ax, ax);
      a.jnz('hyperv_refused');
    });

    a.label('hyperv_refused');
    failWith(a, 'hyperv: the hypervisor refused to flush\n');
  },
};
