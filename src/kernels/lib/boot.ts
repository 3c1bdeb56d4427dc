/**
 * From the direct entry (arch/platform) to the scenario: own stack, own page tables, descriptors, APIC, per-core area; then `main`.
 *
 * Entry: 64-bit mode, CPL 0, interrupts off, identity map of 4 GiB, RDI = boot record. The loader has cleared what the image does not
 * cover, so bss is zero. `main` runs on core 0 with interrupts on; when it returns, the run ends as a success.
 */

import {
  CR0_CD,
  CR0_EM,
  CR0_MP,
  CR0_NW,
  CR0_TS,
  CR0_WP,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_PCIDE,
  CR4_PGE,
  EFER_NXE,
  EFER_SCE,
} from '../../arch/controlRegisters.ts';
import { IA32_EFER, IA32_GS_BASE } from '../../arch/msr.ts';
import {
  BOOT_CORES_OFFSET,
  BOOT_MAGIC_OFFSET,
  BOOT_MEMORY_OFFSET,
  BOOT_RECORD_MAGIC,
  BOOT_SEED_OFFSET,
  BOOT_TSC_HZ_OFFSET,
} from '../../arch/platform.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { cr0, cr3, cr4, eax, ecx, edi, edx, esi, r12, r12d, rax, rbx, rdi, rsi, rsp } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { descriptors } from './descriptors.ts';
import { exit, failWith } from './exit.ts';
import { frames } from './frames.ts';
import { interrupts } from './interrupts.ts';
import { lapic } from './lapic.ts';
import { MAX_CORES, STACK_SIZE } from './layout.ts';
import { pageTables } from './pageTables.ts';
import { areaOf, cpu, PerCpu, percpu } from './percpu.ts';
import { random } from './random.ts';
import { serial } from './serial.ts';

const CPUID_1_ECX_PCID = 17;
const CPUID_1_EDX_PGE = 13;
const CPUID_1_EDX_SSE = 25;
const CPUID_80000001_EDX_NX = 20;
/** The process-context identifier of the one address space, where there are any: 0 is left to the loader's. */
const KERNEL_PCID = 1;

/** The boot record's fields, kept as variables. */
const BOOT_VARIABLES = [
  ['boot_cores', BOOT_CORES_OFFSET],
  ['boot_memory', BOOT_MEMORY_OFFSET],
  ['boot_tsc_hz', BOOT_TSC_HZ_OFFSET],
  ['boot_seed', BOOT_SEED_OFFSET],
] as const;

export function boot(a: Assembler): void {
  a.room('stacks', MAX_CORES * STACK_SIZE, 4096);
  for (const [name] of BOOT_VARIABLES) a.variable(name);

  a.label('start');
  a.cli();
  a.mov(rsp, addr('stacks', STACK_SIZE));
  for (const [name, offset] of BOOT_VARIABLES) {
    a.mov(rax, mem64(rdi, offset));
    a.mov(mem64(name), rax);
  }
  a.mov(rbx, mem64(rdi, BOOT_MAGIC_OFFSET));
  a.call('tables_build');
  a.call('idt_build');
  a.mov(rdi, mem64('boot_memory'));
  a.call('frames_init');
  a.xor(edi, edi);
  a.call('core_setup');
  a.comment('only now can anything be reported');
  a.cmp(rbx, BOOT_RECORD_MAGIC);
  a.jne('boot_failed');
  a.cmp(mem64('boot_cores'), MAX_CORES);
  a.ja('boot_failed');
  a.call('lock_setup');
  a.sti();
  a.call('main');
  a.jmp('power_off');

  a.label('boot_failed');
  failWith(a, 'boot: no boot record, or more cores than this kernel serves\n');

  a.comment('RDI = number: the running core uses the kernel tables, its own area through GS, and its APIC');
  a.proc('core_setup', { saves: [rbx, r12] }, () => {
    a.mov(r12, rdi);
    a.call('core_features');
    a.mov(rdi, r12);
    a.call('descriptors_load');
    a.lidt(mem('idt_register'));

    a.mov(rsi, r12);
    areaOf(a, rsi);
    a.mov(at(rsi, PerCpu.self), rsi);
    a.mov(at(rsi, PerCpu.number), r12d);
    a.mov(rdi, r12);
    a.call('random_init');
    a.mov(eax, esi);
    a.xor(edx, edx);
    a.mov(ecx, IA32_GS_BASE);
    a.wrmsr();

    a.call('lapic_init');
    a.call('lapic_id');
    a.mov(cpu(PerCpu.apicId), eax);
  });

  a.comment('features that the processor has: global pages, process-context identifiers, no-execute, SSE; and the kernel page tables');
  a.proc('core_features', { saves: [rbx] }, () => {
    a.mov(eax, 0x8000_0001);
    a.cpuid();
    a.mov(esi, EFER_SCE);
    a.mov(edi, EFER_SCE | EFER_NXE);
    a.bt(edx, CPUID_80000001_EDX_NX);
    a.cmovc(esi, edi);
    a.mov(ecx, IA32_EFER);
    a.rdmsr();
    a.or(eax, esi);
    a.wrmsr();

    a.mov(rax, cr0);
    a.and(rax, ~(CR0_CD | CR0_NW | CR0_EM | CR0_TS));
    a.or(rax, CR0_WP | CR0_MP);
    a.mov(cr0, rax);

    a.comment('a table address with PCID 0 first: CR4.PCIDE may be set only then');
    a.mov(eax, addr('kernel_pml4'));
    a.mov(cr3, rax);
    a.mov(eax, 1);
    a.cpuid();
    a.mov(rsi, cr4);
    a.bt(edx, CPUID_1_EDX_PGE);
    a.if_('c', () => a.or(rsi, CR4_PGE));
    a.bt(edx, CPUID_1_EDX_SSE);
    a.if_('c', () => a.or(rsi, CR4_OSFXSR | CR4_OSXMMEXCPT));
    a.mov(cr4, rsi);
    a.bt(ecx, CPUID_1_ECX_PCID);
    a.if_('c', () => {
      a.or(rsi, CR4_PCIDE);
      a.mov(cr4, rsi);
      a.mov(eax, addr('kernel_pml4', KERNEL_PCID));
      a.mov(cr3, rax);
    });
  });

  for (const part of [serial, exit, descriptors, interrupts, frames, pageTables, percpu, random, lapic]) a.include(part);
}
