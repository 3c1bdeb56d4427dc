import { expect, test } from 'vitest';
import { APIC_ICR_LOW, APIC_SVR, SHORTHAND_SELF } from '../../src/arch/apicRegisters.ts';
import { IA32_APIC_BASE } from '../../src/arch/msr.ts';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import { mem64 } from '../../src/asm/operand.ts';
import { eax, ecx, edx } from '../../src/asm/register.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { Vmm } from '../../src/vmm/vmm.ts';

const FIXED_SELF = (SHORTHAND_SELF << 18) | (1 << 14) | 0x50;
const MEMORY = 4 * 1024 ** 2;

/** A VM of one vCPU with this code, which has sent itself an interrupt and not taken it. */
function run(write: (a: Assembler) => void): Machine {
  const a = assembler();
  const wrmsr = (msr: number, value: number): void => {
    a.mov(ecx, msr);
    a.mov(eax, value);
    a.xor(edx, edx);
    a.wrmsr();
  };
  a.label('start');
  wrmsr(IA32_APIC_BASE, 0xfee0_0d00);
  wrmsr(0x800 + (APIC_SVR >> 4), 0x1ff);
  wrmsr(0x800 + (APIC_ICR_LOW >> 4), FIXED_SELF);
  write(a);
  const { image } = a.assemble({ base: 0x10_0000 });
  const machine = new Machine({ profile: ivybridge, cores: 1, memory: 16 * 1024 ** 2, engine: 'reference', probe: noProbe });
  const vmm = new Vmm(machine, { vms: 1, vcpus: 1, vmMemory: MEMORY, scheduler: roundRobin, slice: 100_000, seed: 0 });
  vmm.load(image, { tscHz: 1e9, seed: 0, commandLine: '' });
  while (machine.turn(5e6));
  return machine;
}

test('HLT with IF = 0 is not ended by a pending interrupt', () => {
  const machine = run((a) => {
    a.cli();
    a.hlt();
    a.mov(mem64(0x5_0000), 1);
    a.hlt();
  });
  expect(machine.stopReason).toEqual({ kind: 'idle' });
  // The VM's memory follows the VMM's own 2 MB.
  expect(machine.memory.view.getUint32(0x20_0000 + 0x5_0000, true)).toBe(0);
});

test('HLT with IF = 1 is: the guest takes the interrupt at once', () => {
  const machine = run((a) => {
    a.sti();
    a.hlt();
  });
  // There is no IDT: taking it is a triple fault.
  expect(machine.stopReason).toMatchObject({ kind: 'triple-fault' });
});
