/** Both engines find the same PAUSE loops, and leave them at the same time. */
import { describe, expect, it } from 'vitest';
import { EXIT_PAUSE } from '../../../../src/arch/exitReasons.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem8 } from '../../../../src/asm/operand.ts';
import { ecx } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import type { EngineCase } from '../../../engines/engineCase.ts';
import { DATA } from '../../../engines/rigLayout.ts';

/** A PAUSE costs 11 cycles on the rig's profile. */
const loops: Record<string, (a: Assembler) => void> = {
  'one PAUSE a round': (a) => {
    a.label('again');
    a.pause();
    a.test(mem8(DATA), 1);
    a.jz('again');
  },
  'two PAUSEs a round, far apart and near': (a) => {
    a.label('again');
    a.pause();
    for (let i = 0; i < 30; i++) a.nop();
    a.pause();
    a.test(mem8(DATA), 1);
    a.jz('again');
  },
  'a PAUSE in an inner loop that comes to its end': (a) => {
    a.label('again');
    a.mov(ecx, 9);
    a.label('inner');
    a.pause();
    a.dec(ecx);
    a.jnz('inner');
    a.test(mem8(DATA), 1);
    a.jz('again');
  },
  'a PAUSE on a way that is not taken': (a) => {
    a.label('again');
    a.test(mem8(DATA), 1);
    a.jz('again');
    a.pause();
    a.jmp('again');
  },
};

function run(write: (a: Assembler) => void, gap: number, window: number, changes: Partial<EngineCase> = {}): number {
  const one = codeCase(write, {
    virtual: { vms: 2, vcpus: 1, slice: 40_000, pauseLoopExiting: { gap, window } },
    maxCycles: 400_000,
    pause: 400_000,
    ...changes,
  });
  const { differs, reference } = compare(one);
  expect(differs).toBeUndefined();
  return reference.vmm!.vms[0]!.exits[EXIT_PAUSE]!;
}

describe('PAUSE-loop exiting', () => {
  it.each(Object.entries(loops))('is the same with both engines: %s', (_, write) => {
    for (const gap of [0, 2, 28, 29, 33, 128]) for (const window of [150, 4096]) run(write, gap, window);
  });

  it('leaves a loop that is older than the window, and no loop with gaps too wide', () => {
    const [write] = Object.values(loops);
    expect(run(write!, 2, 4096)).toBeGreaterThan(2);
    // TEST and JZ are two cycles between PAUSEs.
    expect(run(write!, 1, 4096)).toBe(0);
  });

  it('takes the last PAUSE that is near enough as part of the loop, not the one before the gap', () => {
    const write = loops['two PAUSEs a round, far apart and near']!;
    expect(run(write, 29, 4096)).toBe(0);
    expect(run(write, 30, 4096)).toBeGreaterThan(0);
  });

  it('does not look at PAUSEs in user mode', () => {
    const [write] = Object.values(loops);
    const [program] = codeCase(write!).programs;
    expect(run(write!, 128, 4096, { programs: [{ ...program!, user: true }] })).toBe(0);
  });
});
