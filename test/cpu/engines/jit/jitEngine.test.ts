/** When generated code stops for others, and what is left of it when there is too much, against the reference engine. */
import { describe, expect, it } from 'vitest';
import { APIC_ICR_LOW, APIC_SELF_IPI } from '../../../../src/arch/apicRegisters.ts';
import { X2APIC_MSR_FIRST } from '../../../../src/arch/msr.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem32 } from '../../../../src/asm/operand.ts';
import { eax, ebx, ecx, edx, esi, r8, r9d } from '../../../../src/asm/register.ts';
import { ALL_EVENTS } from '../../../../src/trace/eventSelection.ts';
import { EVENT_INSTRUCTION, EVENT_TLB_FILL } from '../../../../src/trace/events.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import type { EngineCase } from '../../../engines/engineCase.ts';
import { APIC } from '../../../engines/rigLayout.ts';

const SELF = 1 << 18;
const ASSERT = 1 << 14;
const VECTOR = 0x60;
const events = ALL_EVENTS & ~((1 << EVENT_INSTRUCTION) | (1 << EVENT_TLB_FILL));

const interruptible = (one: EngineCase): EngineCase => ({
  ...one,
  programs: one.programs.map((program) => ({ ...program, interruptsOn: true })),
});

/** An interrupt to itself in every round, and short blocks behind it: each of them is a place where it can be seen to come. */
function interruptsItself(a: Assembler, send: () => void): void {
  a.mov(ebx, 12);
  a.label('round');
  send();
  for (let block = 0; block < 4; block++) {
    a.inc(r9d);
    a.jmp(`block${block}`);
    a.label(`block${block}`);
  }
  a.dec(ebx);
  a.jnz('round');
  a.hlt();
}

/** Two pages, each with a number of its own to add, jumped through round and round. */
function throughPages(a: Assembler): void {
  const PAGES = 2;
  a.mov(ebx, 30);
  a.jmp('page0');
  for (let page = 0; page < PAGES; page++) {
    a.align(page === 0 ? 16 : 4096);
    a.label(`page${page}`);
    a.add(esi, 10 ** page);
    a.jmp(`rest${page}`);
    a.align(16);
    a.label(`rest${page}`);
    a.add(eax, esi);
    if (page < PAGES - 1) a.jmp(`page${page + 1}`);
  }
  a.dec(ebx);
  a.jnz('page0');
  a.hlt();
}

describe('JitEngine', () => {
  it('lets an interrupt in at the end of the block whose store to the APIC has sent it', () => {
    const one = codeCase(
      (a) => {
        a.mov(r8, BigInt(APIC));
        interruptsItself(a, () => a.mov(mem32(r8, APIC_ICR_LOW), VECTOR | SELF | ASSERT));
      },
      { x2apic: false, events },
    );
    const { differs, reference } = compare(interruptible(one));
    expect(differs).toBeUndefined();
    expect(reference.trace.toString().match(/ interrupt /g)?.length).toBeGreaterThanOrEqual(12);
  });

  it('lets an interrupt in behind the WRMSR that has sent it', () => {
    const one = codeCase(
      (a) =>
        interruptsItself(a, () => {
          a.mov(ecx, X2APIC_MSR_FIRST + (APIC_SELF_IPI >> 4));
          a.mov(eax, VECTOR);
          a.xor(edx, edx);
          a.wrmsr();
        }),
      { events },
    );
    const { differs, reference } = compare(interruptible(one));
    expect(differs).toBeUndefined();
    expect(reference.trace.toString().match(/ interrupt /g)?.length).toBeGreaterThanOrEqual(12);
  });

  it.each([1, 2, 3])('forgets its regions when there are %i, and never runs one in the place of another', (regionLimit) => {
    const { differs, reference } = compare(codeCase(throughPages, { regionLimit, events }));
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.state.u64[6]).toBe(330n);
  });
});
