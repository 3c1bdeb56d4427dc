/** The xAPIC page as code sees it. SDM: Vol. 3, "The Local APIC Block Diagram" (register address map); "xAPIC Mode". */
import { describe, expect, test } from 'vitest';
import { APIC_EOI, APIC_ICR_LOW, APIC_LVT_PERFORMANCE, APIC_SVR, SHORTHAND_SELF } from '../../../src/arch/apicRegisters.ts';
import { IA32_APIC_BASE } from '../../../src/arch/msr.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem8, mem32 } from '../../../src/asm/operand.ts';
import { al, eax, ebx, ecx, edx, esi, rbx } from '../../../src/asm/register.ts';
import { KERNEL_CS, Rig } from '../rig.ts';

const PAGE = 0xfee0_0000;
const MOVED = 0xfed0_0000;
const TPR = 0x80;
const VERSION = 0x30;
const VECTOR = 0x51;
const [RAX, RCX] = [0, 1];

const run = (write: (a: Assembler) => void): Rig => {
  const rig = new Rig((a) => {
    a.mov(ebx, PAGE);
    write(a);
  });
  rig.core.apic.write(APIC_SVR, 0x1ff);
  return rig;
};

describe('the APIC page', () => {
  test('takes stores, answers loads, and costs an APIC access each', () => {
    const rig = run((a) => {
      a.mov(mem32(rbx, TPR), 0x40);
      a.mov(eax, mem32(rbx, TPR));
      a.mov(ecx, mem32(rbx, VERSION));
      a.hlt();
    });
    const { core } = rig;
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect([core.state.u64[RAX], core.apic.read(TPR)]).toEqual([0x40n, 0x40]);
    expect(core.state.u64[RCX]).toBe(BigInt(core.apic.read(VERSION)));
    expect(core.clock).toBeGreaterThan(3 * core.costs.apicAccess);
  });

  test('answers a narrow load with as many bits of the register: what is computed of them goes back as it is', () => {
    const rig = run((a) => {
      a.mov(al, mem8(rbx, APIC_LVT_PERFORMANCE));
      a.sub(mem8(rbx, APIC_LVT_PERFORMANCE), 0);
      a.hlt();
    });
    expect(rig.core.apic.read(APIC_LVT_PERFORMANCE)).toBe(0x1_0000);
    rig.run();
    expect([rig.core.state.u64[RAX]! & 0xffn, rig.core.apic.read(APIC_LVT_PERFORMANCE)]).toEqual([0n, 0]);
  });

  test('sends: a store to the ICR interrupts the core that asked for itself, and EOI ends it', () => {
    const rig = run((a) => {
      a.sti();
      a.mov(mem32(rbx, APIC_ICR_LOW), (SHORTHAND_SELF << 18) | (1 << 14) | VECTOR);
      a.nop();
      a.hlt();
      a.label('handler');
      a.mov(mem32(rbx, APIC_EOI), 0);
      a.mov(eax, VECTOR);
      a.hlt();
    });
    rig.gate(VECTOR, { selector: KERNEL_CS, offset: BigInt(rig.at('handler')) });
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect([rig.core.state.u64[RAX], rig.core.apic.pending()]).toEqual([BigInt(VECTOR), -1]);
  });

  test('is where IA32_APIC_BASE says, and nowhere in x2APIC mode', () => {
    const base = (a: Assembler, value: number): void => {
      a.mov(ecx, IA32_APIC_BASE);
      a.mov(eax, value);
      a.xor(edx, edx);
      a.wrmsr();
    };
    const moved = run((a) => {
      base(a, MOVED + 0x900);
      a.mov(esi, mem32(rbx, VERSION));
      a.mov(ebx, MOVED);
      a.mov(eax, mem32(rbx, VERSION));
      a.hlt();
    });
    moved.run();
    expect([moved.core.state.u64[6], moved.core.state.u64[RAX]]).toEqual([0xffff_ffffn, BigInt(moved.core.apic.read(VERSION))]);
    const x2apic = run((a) => {
      base(a, PAGE + 0xd00);
      a.mov(eax, mem32(rbx, VERSION));
      a.hlt();
    });
    x2apic.run();
    expect(x2apic.core.state.u64[RAX]).toBe(0xffff_ffffn);
  });
});
