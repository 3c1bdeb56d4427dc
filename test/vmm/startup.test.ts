import { expect, test } from 'vitest';
import { APIC_ICR_LOW, APIC_SVR, DELIVERY_INIT, DELIVERY_STARTUP } from '../../src/arch/apicRegisters.ts';
import { IA32_APIC_BASE } from '../../src/arch/msr.ts';
import { assembler } from '../../src/asm/assembler.ts';
import { mem8, mem32 } from '../../src/asm/operand.ts';
import { eax, ecx, edx } from '../../src/asm/register.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import type { Profile } from '../../src/machine/profiles/profile.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { Vmm } from '../../src/vmm/vmm.ts';

/** An IPI takes so long that INIT and STARTUP have both been emulated before the other core leaves its guest. */
const slowMessages: Profile = {
  ...ivybridge,
  costs: { ...ivybridge.costs, ipiLatency: { ...ivybridge.costs.ipiLatency, cycles: 50_000 } },
};
const MEMORY = 4 * 1024 ** 2;
/** Bytes that the code at 0x8000 and that at 0x9000 set. */
const RUNNING = 0x501;
const RESTARTED = 0x500;

/** A VM whose first vCPU starts the second, and restarts it elsewhere while it spins. */
function run(cores: number, pause: number): { readonly restarted: number; readonly kind: string | undefined } {
  const a = assembler();
  const wrmsr = (msr: number, low: number, high: number): void => {
    a.mov(ecx, msr);
    a.mov(eax, low);
    a.mov(edx, high);
    a.wrmsr();
  };
  const send = (command: number): void => wrmsr(0x800 + (APIC_ICR_LOW >> 4), command, 1);
  const init = (DELIVERY_INIT << 8) | (1 << 14);
  const startup = (page: number): number => (DELIVERY_STARTUP << 8) | (1 << 14) | page;
  a.label('start');
  wrmsr(IA32_APIC_BASE, 0xfee0_0d00, 0);
  wrmsr(0x800 + (APIC_SVR >> 4), 0x1ff, 0);
  for (const [address, bytes] of [
    [0x8000, [/* mov byte [0x501], 1; jmp $ */ 0xc6, 0x06, 0x01, 0x05, 0x01, 0xeb, 0xfe]],
    [0x9000, [/* mov byte [0x500], 1; hlt */ 0xc6, 0x06, 0x00, 0x05, 0x01, 0xf4]],
  ] as const) {
    for (const [index, byte] of bytes.entries()) a.mov(mem8(address + index), byte);
  }
  send(init);
  send(startup(8));
  a.repeat_while('e', () => a.cmp(mem8(RUNNING), 0));
  send(init);
  a.mov(ecx, pause);
  a.repeat_while('nz', () => a.dec(ecx));
  send(startup(9));
  a.mov(mem32(0x600), 1);
  a.hlt();
  const { image } = a.assemble({ base: 0x10_0000 });
  const machine = new Machine({ profile: slowMessages, cores, memory: 16 * 1024 ** 2, engine: 'reference', probe: noProbe });
  const vmm = new Vmm(machine, { vms: 1, vcpus: 2, vmMemory: MEMORY, scheduler: roundRobin, slice: 100_000, seed: 0 });
  vmm.load(image, { tscHz: 1e9, seed: 0, commandLine: '' });
  while (machine.turn(3e6));
  // The VM's memory follows the VMM's own 2 MB.
  return { restarted: machine.memory.bytes[0x20_0000 + RESTARTED]!, kind: machine.stopReason?.kind };
}

test.each([
  [2, 1],
  [2, 100],
  [2, 10_000],
  [1, 1],
])('INIT and STARTUP restart a vCPU that runs: %i cores, %i loops between them', (cores, pause) => {
  expect(run(cores, pause)).toEqual({ restarted: 1, kind: 'idle' });
});
