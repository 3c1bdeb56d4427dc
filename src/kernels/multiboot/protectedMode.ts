import { CR0_PG, CR0_WP, CR4_PAE, EFER_LME } from '../../arch/controlRegisters.ts';
import { IA32_EFER } from '../../arch/msr.ts';
import { PAGE_2M, PTE_P, PTE_PS, PTE_RW } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem, mem32 } from '../../asm/operand.ts';
import { ax, cr0, cr3, cr4, ds, eax, ebx, ecx, edi, edx, es, esi, esp, ss } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { CHURN_BASE, CHURN_FRAMES, pageChurn } from './pageChurn.ts';

export const FIB_ARGUMENT = 15;
export const SUM_TERMS = 5000;
export const SUM_FACTOR = 0x9e37_79b1;
export const PAE_ROUNDS = 400;

const CODE_32 = 0x08;
const DATA = 0x10;
const CODE_64 = 0x18;

/**
 * The 32-bit part of the tour: entered by a Multiboot loader, it computes without paging, then under 32-bit PAE paging, and goes on in 64-bit mode
 * at `long_mode`. Results are left in `fib_result`, `sum_result` and `pae_result`; EAX and EBX of the entry in `loader_magic` and
 * `information`. Identity map of the first GiB in 2 MB pages, but for the last, which `churn_table` maps.
 */
export function protectedMode(a: Assembler): void {
  for (const name of ['loader_magic', 'information', 'fib_result', 'pae_result']) a.variable(name);
  a.variable('sum_result');
  a.room('stack32', 4096, 16);
  a.room('pml4', 4096, 4096);
  a.room('pdpt', 4096, 4096);
  a.room('pae_pdpt', 32, 32);
  a.room('directory', 4096, 4096);
  a.room('churn_table', 4096, 4096);
  a.room('churn_frames', CHURN_FRAMES * 4096, 4096);

  a.section('data', () => {
    a.align(8);
    a.label('gdt');
    a.u64(0n, 0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0x00af_9b00_0000_ffffn);
    a.label('gdt_register');
    a.u16(31);
    a.u32(addr('gdt'));
  });

  a.bits(32, () => {
    a.label('entry');
    a.cli();
    a.cld();
    a.mov(esp, addr('stack32', 4096));
    a.mov(mem32('loader_magic'), eax);
    a.mov(mem32('information'), ebx);
    a.lgdt(mem('gdt_register'));
    a.jmp_far(CODE_32, addr('own_segments'), 32);
    a.label('own_segments');
    a.mov(eax, DATA);
    for (const segment of [ds, es, ss]) a.mov(segment, ax);

    a.mov(eax, FIB_ARGUMENT);
    a.call('fib');
    a.mov(mem32('fib_result'), eax);
    wideSum(a);
    identityMap(a);

    a.comment('32-bit PAE paging');
    a.mov(eax, cr4);
    a.or(eax, CR4_PAE);
    a.mov(cr4, eax);
    a.mov(eax, addr('pae_pdpt'));
    a.mov(cr3, eax);
    a.mov(eax, cr0);
    a.or(eax, CR0_PG | CR0_WP);
    a.mov(cr0, eax);
    pageChurn(a, PAE_ROUNDS);
    a.mov(mem32('pae_result'), eax);

    a.comment('EFER.LME may only change without paging');
    a.mov(eax, cr0);
    a.and(eax, ~CR0_PG);
    a.mov(cr0, eax);
    a.mov(eax, addr('pml4'));
    a.mov(cr3, eax);
    a.mov(ecx, IA32_EFER);
    a.rdmsr();
    a.or(eax, EFER_LME);
    a.wrmsr();
    a.mov(eax, cr0);
    a.or(eax, CR0_PG);
    a.mov(cr0, eax);
    a.jmp_far(CODE_64, addr('long_mode'), 32);

    a.comment('EAX = Fibonacci number EAX, by recursion; changes ECX');
    a.label('fib');
    a.cmp(eax, 2);
    a.jb('.small');
    a.push(eax);
    a.dec(eax);
    a.call('fib');
    a.xchg(mem32(esp), eax);
    a.sub(eax, 2);
    a.call('fib');
    a.pop(ecx);
    a.add(eax, ecx);
    a.label('.small');
    a.ret();
  });
}

/** 64-bit sum of i * SUM_FACTOR in a pair of registers. */
function wideSum(a: Assembler): void {
  a.xor(esi, esi);
  a.xor(edi, edi);
  a.mov(ecx, SUM_TERMS);
  a.repeat_while('nz', () => {
    a.mov(eax, SUM_FACTOR);
    a.mul(ecx);
    a.add(esi, eax);
    a.adc(edi, edx);
    a.dec(ecx);
  });
  a.mov(mem32('sum_result'), esi);
  a.mov(mem32(addr('sum_result', 4)), edi);
}

function identityMap(a: Assembler): void {
  const table = PTE_P | PTE_RW;
  a.mov(mem32('pae_pdpt'), addr('directory', PTE_P));
  a.mov(mem32('pml4'), addr('pdpt', table));
  a.mov(mem32('pdpt'), addr('directory', table));
  a.mov(edi, addr('directory'));
  a.mov(eax, table | PTE_PS);
  a.mov(ecx, 511);
  a.repeat_while('nz', () => {
    a.mov(mem32(edi), eax);
    a.add(edi, 8);
    a.add(eax, PAGE_2M);
    a.dec(ecx);
  });
  a.mov(mem32(addr('directory', (CHURN_BASE / PAGE_2M) * 8)), addr('churn_table', table));
}
