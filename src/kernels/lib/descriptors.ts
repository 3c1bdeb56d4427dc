/** Segment descriptors and the task-state segments of all cores. SDM: Vol. 3, "Segment Descriptors in IA-32e Mode". */
import { AR_P, TSS64_IO_MAP_BASE, TSS64_IST1, TSS64_RSP0, TSS64_SIZE, TYPE_TSS_AVAILABLE } from '../../arch/segments.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem16, mem32, mem64 } from '../../asm/operand.ts';
import { ax, ds, eax, ecx, edi, es, fs, gs, rax, rbx, rcx, rdi, rdx, rsp, ss } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { EMERGENCY_STACK_SHIFT, FIRST_TSS, KERNEL_CS, KERNEL_DS, MAX_CORES, STACK_SHIFT } from './layout.ts';
import { areaOf, PerCpu } from './percpu.ts';

const TSS_DESCRIPTOR_SIZE = 16;

/** `descriptors_load(RDI = core number)`: GDT, TSS and segment registers of this core are the kernel's. GS base is lost. */
export function descriptors(a: Assembler): void {
  a.section('data', () => {
    a.align(16);
    a.label('gdt');
    a.u64(0);
    a.u64(0x00af_9b00_0000_ffffn); // KERNEL_CS: 64-bit code
    a.u64(0x00cf_9300_0000_ffffn); // KERNEL_DS
    a.u64(0x00cf_fb00_0000_ffffn); // 32-bit user code: never used, SYSRET counts on its place
    a.u64(0x00cf_f300_0000_ffffn); // USER_DS
    a.u64(0x00af_fb00_0000_ffffn); // USER_CS: 64-bit code
    a.reserve(MAX_CORES * TSS_DESCRIPTOR_SIZE);
    a.label('gdt_register');
    a.u16(FIRST_TSS + MAX_CORES * TSS_DESCRIPTOR_SIZE - 1);
    a.u64(addr('gdt'));
  });
  a.room('emergency_stacks', MAX_CORES << EMERGENCY_STACK_SHIFT, 4096);

  a.proc('descriptors_load', { saves: [rbx] }, () => {
    a.lgdt(mem('gdt_register'));
    a.mov(eax, KERNEL_DS);
    for (const segment of [ds, es, ss]) a.mov(segment, ax);
    a.xor(eax, eax);
    for (const segment of [fs, gs]) a.mov(segment, ax);
    a.comment('CS changes by a return from an interrupt that never was');
    a.mov(rax, rsp);
    a.push(KERNEL_DS);
    a.push(rax);
    a.pushfq();
    a.push(KERNEL_CS);
    a.lea(rax, mem('.new_cs'));
    a.push(rax);
    a.iretq();
    a.label('.new_cs');

    a.comment('the task-state segment: stack for interrupts from user mode, and the emergency stack');
    a.mov(rbx, rdi);
    areaOf(a, rbx);
    a.lea(rax, mem64(rdi, 1));
    a.shl(rax, STACK_SHIFT);
    a.add(rax, addr('stacks'));
    a.mov(at(rbx, PerCpu.kernelStack), rax);
    a.mov(mem64(rbx, PerCpu.tss, TSS64_RSP0), rax);
    a.lea(rax, mem64(rdi, 1));
    a.shl(rax, EMERGENCY_STACK_SHIFT);
    a.add(rax, addr('emergency_stacks'));
    a.mov(mem64(rbx, PerCpu.tss, TSS64_IST1), rax);
    a.mov(mem16(rbx, PerCpu.tss, TSS64_IO_MAP_BASE), TSS64_SIZE);

    a.comment('its descriptor: limit, base 31:0 in three parts, type; base 63:32 is zero');
    a.lea(rcx, mem(rbx, PerCpu.tss));
    a.mov(rax, rcx);
    a.and(eax, 0xff_ffff);
    a.shl(rax, 16);
    a.mov(rdx, rcx);
    a.shr(rdx, 24);
    a.shl(rdx, 56);
    a.or(rax, rdx);
    a.mov(rdx, (BigInt(AR_P | TYPE_TSS_AVAILABLE) << 40n) | BigInt(TSS64_SIZE - 1));
    a.or(rax, rdx);
    a.shl(edi, Math.log2(TSS_DESCRIPTOR_SIZE));
    a.mov(mem64(rdi, addr('gdt', FIRST_TSS)), rax);
    a.mov(mem64(rdi, addr('gdt', FIRST_TSS + 8)), 0);
    a.lea(ecx, mem32(rdi, FIRST_TSS));
    a.ltr(ecx);
  });
}
