/**
 * The local APIC: x2APIC through MSRs when CPUID has it, else xAPIC through memory.
 *
 * `lapic_init`, `lapic_id` → EAX, `lapic_send(EDI = APIC ID, ESI = low half of the ICR)`, `lapic_eoi`,
 * `lapic_timer(EDI = LVT entry, ESI = initial count)`, `lapic_deadline(RDI = TSC)`. Init must run on each core first.
 */
import {
  APIC_EOI,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_ID,
  APIC_LVT_ERROR,
  APIC_LVT_LINT0,
  APIC_LVT_LINT1,
  APIC_LVT_MASKED,
  APIC_LVT_TIMER,
  APIC_LVT_TIMER_MODE_SHIFT,
  APIC_SVR,
  APIC_SVR_ENABLE,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TIMER_TSC_DEADLINE,
  APIC_TPR,
  ICR_DELIVERY_STATUS,
} from '../../arch/apicRegisters.ts';
import {
  APIC_BASE_ENABLE,
  APIC_BASE_X2APIC,
  APIC_DEFAULT_BASE,
  IA32_APIC_BASE,
  IA32_TSC_DEADLINE,
  X2APIC_MSR_FIRST,
} from '../../arch/msr.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem32, mem64 } from '../../asm/operand.ts';
import { eax, ecx, edi, edx, esi, r8, r9d, rbx, rdi, rdx } from '../../asm/register.ts';
import { VECTOR_SPURIOUS, VECTOR_TIMER } from './layout.ts';

const CPUID_1_ECX_X2APIC = 21;
/** Timer clock divided by 1. */
const DIVIDE_BY_1 = 0xb;

const msrOf = (register: number): number => X2APIC_MSR_FIRST + (register >> 4);

/** Runs one branch or the other, by the mode of the APIC. */
function byMode(a: Assembler, x2apic: () => void, xapic: () => void): void {
  a.cmp(mem64('lapic_x2'), 0);
  a.if_('ne', x2apic, xapic);
}

/** Writes EAX to a register. Changes RCX, RDX, R8. */
function writeRegister(a: Assembler, register: number): void {
  byMode(
    a,
    () => {
      a.xor(edx, edx);
      a.mov(ecx, msrOf(register));
      a.wrmsr();
    },
    () => {
      a.mov(r8, APIC_DEFAULT_BASE);
      a.mov(mem32(r8, register), eax);
    },
  );
}

export function lapic(a: Assembler): void {
  a.comment('1 when the APICs are in x2APIC mode');
  a.variable('lapic_x2');

  a.proc('lapic_init', { saves: [rbx] }, () => {
    a.mov(eax, 1);
    a.cpuid();
    a.bt(ecx, CPUID_1_ECX_X2APIC);
    a.mov(ecx, IA32_APIC_BASE);
    a.if_('c', () => {
      a.mov(mem64('lapic_x2'), 1);
      a.rdmsr();
      a.or(eax, APIC_BASE_ENABLE | APIC_BASE_X2APIC);
      a.wrmsr();
    });
    a.comment('nothing arrives but what this kernel sends');
    for (const entry of [APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR]) {
      a.mov(eax, APIC_LVT_MASKED);
      writeRegister(a, entry);
    }
    a.xor(eax, eax);
    writeRegister(a, APIC_TPR);
    a.mov(eax, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    writeRegister(a, APIC_SVR);
  });

  a.proc('lapic_id', {}, () => {
    byMode(
      a,
      () => {
        a.mov(ecx, msrOf(APIC_ID));
        a.rdmsr();
      },
      () => {
        a.mov(r8, APIC_DEFAULT_BASE);
        a.mov(eax, mem32(r8, APIC_ID));
        a.shr(eax, 24);
      },
    );
  });

  // The ICR is one register in x2APIC mode. In xAPIC mode it is written in halves: an interrupt handler that sends must not come between.
  a.proc('lapic_send', {}, () => {
    byMode(
      a,
      () => {
        a.mov(edx, edi);
        a.mov(eax, esi);
        a.mov(ecx, msrOf(APIC_ICR_LOW));
        a.wrmsr();
      },
      () => {
        a.pushfq();
        a.cli();
        a.mov(r8, APIC_DEFAULT_BASE);
        a.loop(() => {
          a.mov(r9d, mem32(r8, APIC_ICR_LOW));
          a.test(r9d, ICR_DELIVERY_STATUS);
          a.break_if('z');
          a.pause();
        });
        a.shl(edi, 24);
        a.mov(mem32(r8, APIC_ICR_HIGH), edi);
        a.mov(mem32(r8, APIC_ICR_LOW), esi);
        a.popfq();
      },
    );
  });

  a.proc('lapic_eoi', {}, () => {
    a.xor(eax, eax);
    writeRegister(a, APIC_EOI);
  });

  a.proc('lapic_timer', {}, () => {
    a.mov(eax, DIVIDE_BY_1);
    writeRegister(a, APIC_TIMER_DIVIDE);
    a.mov(eax, edi);
    writeRegister(a, APIC_LVT_TIMER);
    a.mov(eax, esi);
    writeRegister(a, APIC_TIMER_INITIAL);
  });

  a.proc('lapic_deadline', {}, () => {
    a.mov(eax, (APIC_TIMER_TSC_DEADLINE << APIC_LVT_TIMER_MODE_SHIFT) | VECTOR_TIMER);
    writeRegister(a, APIC_LVT_TIMER);
    a.mov(eax, edi);
    a.mov(rdx, rdi);
    a.shr(rdx, 32);
    a.mov(ecx, IA32_TSC_DEADLINE);
    a.wrmsr();
  });
}
