/** A run of one program written in the assembler, as a case that engines are compared on. */
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { difference } from './difference.ts';
import type { EngineCase } from './engineCase.ts';
import { PROGRAMS } from './rigLayout.ts';
import { type FinishedRun, runCase } from './runCase.ts';

/** The program stands at PROGRAMS, privilege level 0, interrupts off, and ends with HLT or not at all; `changes` are made to the rest. */
export function codeCase(write: (a: Assembler) => void, changes: Partial<EngineCase> = {}): EngineCase {
  const a = assembler();
  a.label('start');
  write(a);
  const [segment] = a.assemble({ base: PROGRAMS }).image.segments;
  return {
    cores: 1,
    programs: [
      { pieces: [{ code: Buffer.from(segment!.bytes).toString('hex') }], offset: 0, user: false, interruptsOn: false, registers: [] },
    ],
    timers: [null],
    geometry: ivybridge.mmu,
    quantum: 1000,
    ipiLatency: 1000,
    x2apic: true,
    cr4: 0,
    virtual: null,
    events: 0,
    pause: 20_000,
    maxCycles: 20_000,
    heat: 1,
    ...changes,
  };
}

/** What the JIT engine does differently from the reference, if anything; and the reference's run. */
export function compare(one: EngineCase): { readonly differs: string | undefined; readonly reference: FinishedRun } {
  const reference = runCase(one, 'reference');
  return { differs: difference(reference, runCase(one, 'jit')), reference };
}
