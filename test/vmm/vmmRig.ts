/** Virtual machines that run a few instructions each, under the real VMM. */
import { RDX, RSI } from '../../src/arch/registers.ts';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe, type Probe } from '../../src/trace/probe.ts';
import { setupDirectEntry } from '../../src/vmm/guestSetup.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { Vmm, type VmmConfiguration, vmmReserve } from '../../src/vmm/vmm.ts';

const MEMORY = 4 * 1024 ** 2;
/** Free guest memory for the words of a test. */
export const WORDS = 0x5_0000;

export interface VmmRigOptions extends Partial<VmmConfiguration> {
  readonly cores?: number;
  readonly engine?: EngineName;
  readonly probe?: Probe;
  readonly quantum?: number;
}

export class VmmRig {
  readonly machine: Machine;
  readonly vmm: Vmm;

  /** Every vCPU starts at `start` in 64-bit mode, CPL 0, interrupts off, with its number in RSI and its VM's in RDX. */
  constructor(
    write: (a: Assembler) => void,
    { cores = 1, engine = 'reference', probe = noProbe, quantum = 1000, ...given }: VmmRigOptions = {},
  ) {
    const a = assembler();
    a.label('start');
    write(a);
    const { image } = a.assemble({ base: 0x10_0000 });
    const configuration: VmmConfiguration = {
      vms: 1,
      vcpus: 1,
      vmMemory: MEMORY,
      scheduler: roundRobin,
      slice: 100_000,
      seed: 0,
      ...given,
    };
    const memory = vmmReserve(configuration) + configuration.vms * MEMORY;
    this.machine = new Machine({ profile: ivybridge, cores, memory, engine, probe, quantum });
    this.vmm = new Vmm(this.machine, configuration);
    this.vmm.load(image, { tscHz: 1e9, seed: 0, commandLine: '' });
    for (const vm of this.vmm.vms) {
      for (const vcpu of vm.vcpus) {
        if (vcpu.id !== 0) {
          setupDirectEntry(vcpu, image.entry);
          vcpu.enterState('runnable', 0);
          vcpu.home.scheduler.enqueue(vcpu, 0);
        }
        vcpu.registers[RSI] = BigInt(vcpu.id);
        vcpu.registers[RDX] = BigInt(vm.id);
      }
    }
  }

  run(cycles: number): this {
    while (this.machine.turn(cycles));
    return this;
  }

  /** Number `index` of the words of a VM. */
  word(vm: number, index: number): number {
    return Number(this.machine.memory.view.getBigUint64(this.vmm.vms[vm]!.base + WORDS + index * 8, true));
  }
}
