import { expect, test } from 'vitest';
import { assembler } from '../../src/asm/assembler.ts';
import { mem64 } from '../../src/asm/operand.ts';
import { eax, rax, rcx } from '../../src/asm/register.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { Vmm } from '../../src/vmm/vmm.ts';

const MEMORY = 4 * 1024 ** 2;
const COUNT = 0x5_0000;
const LAST = 0x5_0008;
/** Far more than a slice takes. */
const ROUNDS = 40_000;
/** VM memory follows the VMM's own 2 MB. */
const FIRST_VM = 0x20_0000;

/** Every VM counts in XMM3 and in a register, and halts when they part: or at the end. */
test('XMM registers and MXCSR belong to the vCPU, whichever others run on its core', () => {
  const a = assembler();
  a.label('start');
  a.xor(eax, eax);
  a.mov(rcx, ROUNDS);
  a.bytes([0x66, 0x0f, 0xef, 0xdb]); // pxor xmm3, xmm3
  a.bytes([0x66, 0x0f, 0x76, 0xe4]); // pcmpeqd xmm4, xmm4: -1
  a.label('again');
  a.inc(rax);
  a.bytes([0x66, 0x0f, 0xfb, 0xdc]); // psubq xmm3, xmm4
  a.cmp(rax, rcx);
  a.jne('again');
  a.mov(mem64(COUNT), rax);
  a.bytes([0x66, 0x0f, 0xd6, 0x1c, 0x25, 0x08, 0x00, 0x05, 0x00]); // movq [LAST], xmm3
  a.hlt();
  const { image } = a.assemble({ base: 0x10_0000 });
  const machine = new Machine({ profile: ivybridge, cores: 1, memory: 32 * 1024 ** 2, engine: 'reference', probe: noProbe });
  const vmm = new Vmm(machine, { vms: 2, vcpus: 1, vmMemory: MEMORY, scheduler: roundRobin, slice: 10_000, seed: 0 });
  vmm.load(image, { tscHz: 1e9, seed: 0, commandLine: '' });
  while (machine.turn(5e6));
  const counts = [0, 1].map((vm) => {
    const base = FIRST_VM + vm * MEMORY;
    return [machine.memory.view.getBigUint64(base + COUNT, true), machine.memory.view.getBigUint64(base + LAST, true)];
  });
  const complete = BigInt(ROUNDS);
  expect(counts).toEqual([
    [complete, complete],
    [complete, complete],
  ]);
});
