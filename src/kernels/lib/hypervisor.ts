/**
 * Finding the hypervisor, as kernels do: CPUID says whether there is one, and at which leaf the interface with a known signature starts.
 *
 * `hypervisor_find(EDI, ESI, EDX = signature as EBX, ECX, EDX have it)` → EAX = base leaf, or 0.
 */
import { CPUID_1_ECX_HYPERVISOR } from '../../arch/cpuidBits.ts';
import { CPUID_HYPERVISOR_FIRST, CPUID_HYPERVISOR_LAST, CPUID_HYPERVISOR_STEP } from '../../arch/hypervisorCpuid.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { eax, ebx, ecx, edi, edx, esi, r8d, r9d, rbx } from '../../asm/register.ts';
import { failWith } from './exit.ts';

const HYPERVISOR_BIT = Math.log2(CPUID_1_ECX_HYPERVISOR);

export function hypervisor(a: Assembler): void {
  a.proc('hypervisor_find', { saves: [rbx] }, () => {
    a.mov(r8d, edx);
    a.mov(eax, 1);
    a.cpuid();
    a.bt(ecx, HYPERVISOR_BIT);
    a.jnc('.none');
    a.mov(r9d, CPUID_HYPERVISOR_FIRST);
    a.repeat_while('be', () => {
      a.mov(eax, r9d);
      a.cpuid();
      a.cmp(ebx, edi);
      a.if_('e', () => {
        a.cmp(ecx, esi);
        a.if_('e', () => {
          a.cmp(edx, r8d);
          a.je('.found');
        });
      });
      a.add(r9d, CPUID_HYPERVISOR_STEP);
      a.cmp(r9d, CPUID_HYPERVISOR_LAST);
    });
    a.label('.none');
    a.xor(r9d, r9d);
    a.label('.found');
    a.mov(eax, r9d);
  });
}

/** A signature as EBX, ECX and EDX have it. */
export function signatureWords(signature: string): [number, number, number] {
  const word = (at: number): number => [3, 2, 1, 0].reduce((value, i) => value * 256 + signature.charCodeAt(at + i), 0);
  return [word(0), word(4), word(8)];
}

/**
 * Ends the run with a message unless the hypervisor has the interface of that signature; otherwise CPUID has answered leaf base + `leaf`.
 * Changes RAX, RBX, RCX, RDX, RSI, RDI, R8, R9. Needs the part `hypervisor`.
 */
export function requireInterface(a: Assembler, who: string, signature: string, leaf: number): void {
  const [first, second, third] = signatureWords(signature);
  a.mov(edi, first);
  a.mov(esi, second);
  a.mov(edx, third);
  a.call('hypervisor_find');
  a.test(eax, eax);
  a.if_('z', () => failWith(a, `${who}: there is no hypervisor with the interface that this needs\n`));
  a.add(eax, leaf);
  a.cpuid();
}

/** Ends the run with a message unless bit `bit` of `register` is set. */
export function requireBit(a: Assembler, who: string, register: typeof eax, bit: number): void {
  a.bt(register, bit);
  a.if_('nc', () => failWith(a, `${who}: the hypervisor lacks a feature that this needs\n`));
}
