/**
 * Where an application processor comes to life: real mode at TRAMPOLINE:0, then protected mode, then 64-bit mode, then `core_entry`.
 * The code is part of the image, at its low address from the start; nothing is copied.
 *
 * Contract: `trampoline_stack` and `trampoline_number` hold RSP and the core's number; they are read once, in 64-bit mode.
 */
import { CR0_PE, CR0_PG, CR4_PAE, EFER_LME } from '../../arch/controlRegisters.ts';
import { IA32_EFER } from '../../arch/msr.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem, mem32, mem64 } from '../../asm/operand.ts';
import { ax, cr0, cr3, cr4, cs, ds, eax, ecx, edi, es, rsp, ss } from '../../asm/register.ts';
import { addr, distance } from '../../asm/symbolValue.ts';
import { TRAMPOLINE } from './layout.ts';

const CODE_32 = 0x08;
const CODE_64 = 0x10;
const DATA = 0x18;

export function trampoline(a: Assembler): void {
  a.section('trampoline', () => write(a), { address: TRAMPOLINE });
}

function write(a: Assembler): void {
  a.label('trampoline');
  a.bits(16, () => {
    a.cli();
    a.comment('LGDT reads through DS, at an offset from the start of this segment');
    a.mov(ax, cs);
    a.mov(ds, ax);
    a.lgdt(mem(distance('trampoline', 'trampoline_gdt_register')));
    a.mov(eax, cr0);
    a.or(eax, CR0_PE);
    a.mov(cr0, eax);
    a.jmp_far(CODE_32, addr('.protected'), 32);
  });

  a.bits(32, () => {
    a.label('.protected');
    a.mov(eax, DATA);
    for (const segment of [ds, es, ss]) a.mov(segment, ax);
    a.mov(eax, cr4);
    a.or(eax, CR4_PAE);
    a.mov(cr4, eax);
    a.mov(eax, addr('kernel_pml4'));
    a.mov(cr3, eax);
    a.mov(ecx, IA32_EFER);
    a.rdmsr();
    a.or(eax, EFER_LME);
    a.wrmsr();
    a.mov(eax, cr0);
    a.or(eax, CR0_PG);
    a.mov(cr0, eax);
    a.jmp_far(CODE_64, addr('.long'), 32);
  });

  a.label('.long');
  a.mov(rsp, mem64('trampoline_stack'));
  a.mov(edi, mem32('trampoline_number'));
  a.jmp('core_entry');

  a.align(8);
  a.label('trampoline_gdt');
  a.u64(0);
  a.u64(0x00cf_9b00_0000_ffffn); // CODE_32
  a.u64(0x00af_9b00_0000_ffffn); // CODE_64
  a.u64(0x00cf_9300_0000_ffffn); // DATA
  a.label('trampoline_gdt_register');
  a.u16(4 * 8 - 1);
  a.u32(addr('trampoline_gdt'));
  a.align(8);
  a.label('trampoline_stack');
  a.u64(0);
  a.label('trampoline_number');
  a.u64(0);
}
