import { describe, expect, test } from 'vitest';
import { CR4_PCIDE } from '../../../src/arch/controlRegisters.ts';
import { INVLPGB_ASID, INVLPGB_COUNT_MAX, INVLPGB_INCLUDE_NESTED, INVLPGB_PCID, INVLPGB_VA } from '../../../src/arch/invlpgb.ts';
import { PAGE_2M } from '../../../src/arch/paging.ts';
import { VECTOR_GP, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { type Assembler, assembler } from '../../../src/asm/assembler.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { cr4, eax, ecx, edx, rax } from '../../../src/asm/register.ts';
import { ENGINES, type EngineName } from '../../../src/cpu/engines/registry.ts';
import { prepareDirectEntry } from '../../../src/machine/directEntry.ts';
import { enterDirect } from '../../../src/machine/enterDirect.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { profileNamed } from '../../../src/machine/profiles/registry.ts';
import { COUNTER_BUSY_CYCLES } from '../../../src/trace/counters.ts';
import { EVENT_EXCEPTION, OPERATION_INVLPGB } from '../../../src/trace/events.ts';

const MEMORY = 4 * 1024 ** 2;

/** A machine of two cores, of which the first runs this code; and the exceptions it raised. */
function run(engine: EngineName, profile: string, write: (a: Assembler) => void) {
  const a = assembler();
  a.label('start');
  write(a);
  a.hlt();
  const exceptions: number[] = [];
  const probe = {
    mask: 1 << EVENT_EXCEPTION,
    event: (_event: number, _core: number, _cycles: number, vector: number) => exceptions.push(vector),
  };
  const machine = new Machine({ profile: profileNamed(profile)!, cores: 2, memory: MEMORY, engine, probe });
  const { image } = a.assemble({ base: 0x10_0000 });
  prepareDirectEntry(machine.memory, 0, image, { tscHz: 1e9, seed: 0, commandLine: '', cores: 2, memory: MEMORY });
  enterDirect(machine.cores[0]!, image.entry);
  while (machine.turn(1e6));
  return { machine, vector: exceptions[0] };
}

/** INVLPGB with these operands. */
const broadcast = (flags: number, count: number, tags: number) => (a: Assembler) => {
  a.mov(eax, flags);
  a.mov(ecx, count);
  a.mov(edx, tags);
  a.invlpgb();
};

describe.each(ENGINES)('on engine %s', (engine) => {
  test.each(['invlpgb', 'tlbsync'] as const)('%s is an invalid opcode where CPUID does not have it', (name) => {
    expect(run(engine, 'ivybridge', (a) => a[name]()).vector).toBe(VECTOR_UD);
  });

  test.each([
    ['more pages than CPUID allows', INVLPGB_VA, INVLPGB_COUNT_MAX + 1, 0],
    ['nested translations, which CPUID does not have', INVLPGB_VA | INVLPGB_INCLUDE_NESTED, 0, 0],
    ['a reserved flag', 1 << 6, 0, 0],
    ['a reserved bit of ECX', 0, 1 << 16, 0],
    ['a reserved bit of EDX', 0, 0, 1 << 28],
    ['an ASID that does not exist', INVLPGB_ASID, 0, 1],
  ])('INVLPGB raises #GP(0) for %s', (_what, flags, count, tags) => {
    expect(run(engine, 'zen3', broadcast(flags, count, tags)).vector).toBe(VECTOR_GP);
  });

  test('INVLPGB raises #GP(0) for a PCID without CR4.PCIDE, and not with it', () => {
    const ofPcid1 = broadcast(INVLPGB_PCID, 0, 1 << 16);
    expect(run(engine, 'zen3', ofPcid1).vector).toBe(VECTOR_GP);
    const withPcids = (a: Assembler): void => {
      a.mov(rax, cr4);
      a.or(rax, CR4_PCIDE);
      a.mov(cr4, rax);
      ofPcid1(a);
    };
    expect(run(engine, 'zen3', withPcids).vector).toBeUndefined();
  });

  describe('TLBSYNC waits for the way there and back', () => {
    const code = (la: number, sync: boolean) => (a: Assembler) => {
      broadcast(la | INVLPGB_VA, 2, 0)(a);
      if (sync) a.tlbsync();
      a.mov(mem64(0x5_0000), 1);
    };
    const busy = ({ cores }: Machine): number => cores[0]!.state.counters[COUNTER_BUSY_CYCLES]!;

    /** What TLBSYNC adds to three pages from `la` on, which both cores drop, and the prices. */
    function added(la: number) {
      const [asynchronous, synchronous] = [false, true].map((sync) => run(engine, 'zen3', code(la, sync)).machine) as [Machine, Machine];
      for (const { cores } of [asynchronous, synchronous])
        expect(cores.map(({ mmu }) => mmu.invalidations[OPERATION_INVLPGB])).toEqual([3, 3]);
      return { cycles: busy(synchronous) - busy(asynchronous), ...synchronous.costs };
    }

    test('and then takes its own time', () => {
      const { cycles, broadcastLatency, tlbsync, instruction } = added(PAGE_2M);
      expect(cycles).toBe(2 * broadcastLatency + tlbsync + instruction);
    });

    test('which hides the walk for the next instruction, when the pages were those that the code lies in', () => {
      const { cycles, broadcastLatency, tlbsync, instruction, walkStart, walkReference } = added(0);
      // One 2 MB page maps code and data: its walk reads three entries. Without TLBSYNC nothing hides it.
      const walk = walkStart + 3 * walkReference;
      expect(cycles).toBe(2 * broadcastLatency + tlbsync + instruction - walk);
    });
  });
});
