/**
 * Shoot4U: the hypervisor invalidates for the other virtual CPUs, wherever they are and whether they run or not. One hypercall, no IPI,
 * no acknowledgement to wait for. Core numbers are vCPU numbers.
 *
 * Without a hypervisor VMCALL raises #UD: that ends the run with a message.
 */
import { HYPERCALL_SHOOT4U, SHOOT4U_ONE_PAGE } from '../../../arch/hypercalls.ts';
import { VECTOR_UD } from '../../../arch/vectors.ts';
import { eax, rax, rbx, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { failWith } from '../exit.ts';
import { setHandler } from '../interrupts.ts';
import { EVERYTHING, type ShootdownScheme, SINGLE_PAGE_CEILING } from './shootdown.ts';

export const shoot4u: ShootdownScheme = {
  name: 'shoot4u',
  doc: 'one hypercall: the hypervisor invalidates for all other vCPUs; only in a virtual machine',
  hypercall: HYPERCALL_SHOOT4U,
  write(a) {
    a.proc('shootdown_setup', {}, () => {
      setHandler(a, VECTOR_UD, 'no_hypervisor');
    });

    a.proc('shootdown_remote', { saves: [rbx] }, () => {
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
    a.label('no_hypervisor');
    failWith(a, 'shoot4u: VMCALL raised #UD: this scheme needs a hypervisor\n');
  },
};
