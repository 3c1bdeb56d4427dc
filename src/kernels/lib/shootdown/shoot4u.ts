/**
 * Shoot4U: the hypervisor invalidates for the other virtual CPUs, wherever they are and whether they run or not. One hypercall, no IPI,
 * no acknowledgement to wait for. Core numbers are vCPU numbers.
 *
 * What the host does with the call is its own choice, so the schemes here differ only in what they ask their host to be (`needs`).
 */
import { HYPERCALL_SHOOT4U, SHOOT4U_ONE_PAGE, type Shoot4uPolicy } from '../../../arch/hypercalls.ts';
import { KVM_SIGNATURE } from '../../../arch/hypervisorCpuid.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { eax, rax, rbx, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { failWith } from '../exit.ts';
import { hypervisor, requireInterface } from '../hypervisor.ts';
import { EVERYTHING, type ShootdownScheme, SINGLE_PAGE_CEILING } from './shootdown.ts';

const scheme = (name: string, policy: Shoot4uPolicy, doc: string): ShootdownScheme => ({
  name,
  doc,
  needs: { hypervisor: true, shoot4u: policy },
  // The published patch has no feature bit: it is for guests of KVM.
  setup: (a) => requireInterface(a, name, KVM_SIGNATURE, 1),
  write(a) {
    a.include(hypervisor);
    writeRemote(a, 'shootdown_remote');
  },
});

/** Writes `name(RDI = mask of other cores, RSI = start, RDX = end)` by hypercall 12. */
export function writeRemote(a: Assembler, name: string): void {
  a.proc(name, { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(rcx, rsi);
    a.comment('end as the hypercall has it: 0 for one page, all ones for everything and for what is too much to go page by page');
    a.mov(rax, rdx);
    a.sub(rax, rcx);
    a.cmp(rdx, EVERYTHING);
    a.if_('ne', () => {
      a.cmp(rax, SINGLE_PAGE_CEILING * 4096);
      a.if_('a', () => a.mov(rdx, EVERYTHING));
      a.cmp(rax, 4096);
      a.if_('be', () => a.mov(rdx, SHOOT4U_ONE_PAGE));
    });
    a.mov(eax, HYPERCALL_SHOOT4U);
    a.vmcall();
    a.test(rax, rax);
    a.jnz('hypercall_refused');
  });

  a.label('hypercall_refused');
  failWith(a, 'shoot4u: the hypervisor does not know this hypercall\n');
}

/** As the paper's text describes it: by address when it is one page, everything otherwise. */
export const shoot4u = scheme(
  'shoot4u',
  'mode2',
  'one hypercall: the host invalidates for each vCPU in turn; one page by address, more as a whole',
);
export const shoot4uMode0 = scheme(
  'shoot4u-mode0',
  'mode0',
  'shoot4u, always the whole context and its EPT mappings (default of the published code)',
);
export const shoot4uMode1 = scheme('shoot4u-mode1', 'mode1', 'shoot4u, always the whole context by VPID');
export const shoot4uMode3 = scheme('shoot4u-mode3', 'mode3', 'shoot4u, one page by address, more by VPID; marked as faulty by its author');
export const shoot4uFine = scheme(
  'shoot4u-fine',
  'fine',
  'wrong: shoot4u as first published, whose loop over a range invalidates its first page only',
);
export const shoot4uMulticast = scheme('shoot4u-multicast', 'multicast', 'shoot4u, all cores interrupted at once, page by page up to 33');
