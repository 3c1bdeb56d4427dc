import { PTE_P, PTE_RW } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem, mem32 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, edx, esi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';

/** Linear address of the pages whose translations change; the page table `churn_table` maps it. */
export const CHURN_BASE = 0x3fe0_0000;
export const CHURN_FRAMES = 64;
const WINDOW = 8;

/**
 * EAX = a sum over values read through translations that change before each access: page i mod 8 is mapped to frame 5i mod 64, invalidated, and i is
 * added to a counter in it. The same text assembles for 32-bit and for 64-bit code, with 32-bit addresses in both. Changes all but EBP and ESP.
 */
export function pageChurn(a: Assembler, rounds: number): void {
  a.xor(eax, eax);
  a.xor(ecx, ecx);
  a.repeat_while('b', () => {
    a.lea(edx, mem(ecx, ecx.times(4)));
    a.and(edx, CHURN_FRAMES - 1);
    a.shl(edx, 12);
    a.add(edx, addr('churn_frames', PTE_P | PTE_RW));
    a.mov(esi, ecx);
    a.and(esi, WINDOW - 1);
    a.mov(mem32(esi.times(8), addr('churn_table')), edx);
    a.shl(esi, 12);
    a.add(esi, CHURN_BASE);
    a.invlpg(mem(esi));
    a.add(mem32(esi, 8), ecx);
    a.mov(edi, mem32(esi, 8));
    a.mov(ebx, eax);
    a.shl(eax, 5);
    a.sub(eax, ebx);
    a.add(eax, edi);
    a.inc(ecx);
    a.cmp(ecx, rounds);
  });
}
