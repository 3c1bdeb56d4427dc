import { expect, test } from 'vitest';
import { CR4_OSXSAVE } from '../../src/arch/controlRegisters.ts';
import { CPUID_1_ECX_OSXSAVE } from '../../src/arch/cpuidBits.ts';
import { assembler } from '../../src/asm/assembler.ts';
import { mem32 } from '../../src/asm/operand.ts';
import { cr4, eax, ecx, edx, rax } from '../../src/asm/register.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { Vmm } from '../../src/vmm/vmm.ts';

const MEMORY = 4 * 1024 ** 2;
/** XCR0 at the start and at the end, and CPUID.1:ECX. */
const FIRST = 0x5_0000;
const LAST = 0x5_0004;
const FEATURES = 0x5_0008;
/** Longer than a slice, so that the other VM starts in between. */
const ROUNDS = 20_000;
/** VM memory follows the VMM's own 2 MB. */
const FIRST_VM = 0x20_0000;
const XGETBV = [0x0f, 0x01, 0xd0];
const XSETBV = [0x0f, 0x01, 0xd1];

test.for(ENGINES)('XCR0 belongs to the vCPU: 1 at its start, then what it wrote, whichever others run on its core (%s)', (engine) => {
  const a = assembler();
  a.label('start');
  a.mov(rax, cr4);
  a.or(rax, CR4_OSXSAVE);
  a.mov(cr4, rax);
  a.mov(eax, 1);
  a.cpuid();
  a.mov(mem32(FEATURES), ecx);
  a.xor(ecx, ecx);
  a.bytes(XGETBV);
  a.mov(mem32(FIRST), eax);
  a.mov(eax, 3);
  a.xor(edx, edx);
  a.bytes(XSETBV);
  a.mov(ecx, ROUNDS);
  a.repeat_while('nz', () => a.dec(ecx));
  a.bytes(XGETBV);
  a.mov(mem32(LAST), eax);
  a.hlt();
  const { image } = a.assemble({ base: 0x10_0000 });
  const machine = new Machine({ profile: ivybridge, cores: 1, memory: 32 * 1024 ** 2, engine, probe: noProbe });
  const vmm = new Vmm(machine, { vms: 2, vcpus: 1, vmMemory: MEMORY, scheduler: roundRobin, slice: 10_000, seed: 0 });
  vmm.load(image, { tscHz: 1e9, seed: 0, commandLine: '' });
  while (machine.turn(5e6));
  for (const base of [FIRST_VM, FIRST_VM + MEMORY]) {
    const word = (address: number): number => machine.memory.load32(base + address);
    expect([word(FIRST), word(LAST), word(FEATURES) & CPUID_1_ECX_OSXSAVE]).toEqual([1, 3, CPUID_1_ECX_OSXSAVE]);
  }
});
