import { describe, expect, test } from 'vitest';
import { ebx } from '../../../src/asm/register.ts';
import { assembleProgram } from '../../../src/kernels/fwk/program.ts';
import { exit, runtime, syscall } from '../../../src/kernels/fwk/user/runtime.ts';
import { virtual } from '../../session/quickRun.ts';
import { runPrograms } from './runPrograms.ts';
import { stress } from './stress.ts';

/** Another one by PARAPET_SEED, as for the properties. */
const SEED = Number(process.env['PARAPET_SEED'] ?? 1) || 1;
const OFF = { kind: 'power-off' };
const FAST = { hz: 4000, 'slice-ticks': 1 };

describe('threads that map, unmap, protect and empty random pages', () => {
  test.for([
    ['on bare cores', { cores: 3 }],
    ['in a VM with more vCPUs than cores', { cores: 2, vmm: virtual(1, 3, 100_000) }],
  ] as const)('find nothing but what is theirs, and no translation outlives its shootdown, %s', ([, where]) => {
    const { stop, serial } = runPrograms([{ program: stress(SEED, 4, 6, 40) }], { ...where, checkTlb: true }, FAST);
    expect({ stop, serial }).toEqual({ stop: OFF, serial: '' });
  });

  test('are found out when nobody is told to invalidate', () => {
    const { stop } = runPrograms([{ program: stress(1, 4, 6, 400) }], { cores: 4, shootdown: 'none', checkTlb: true }, FAST);
    expect(stop?.kind).toBe('oracle');
  });
});

test('cores that start apart wait for the last one, and then do the same', () => {
  const start = (stagger: number) => {
    const { stop, stats } = runPrograms([{ program: stress(1, 3, 4, 10) }], { cores: 3 }, { ...FAST, stagger });
    return { stop, busy: stats.cores.map(({ busyCycles }) => busyCycles), cycles: stats.cycles };
  };
  const [together, apart] = [start(0), start(1000)];
  expect([together.stop, apart.stop]).toEqual([OFF, OFF]);
  // Core 1 is woken first and keeps its core until core 2 has been; at 2.6 GHz a microsecond is 2600 cycles.
  expect(apart.cycles - together.cycles).toBeGreaterThan(100 * 2600);
  expect(apart.cycles - together.cycles).toBeLessThan(2 * 1000 * 2600 + together.cycles);
});

test('a system call costs what syscall-work adds to it, and does the same', () => {
  const calls = 50;
  const run = (work: number) => {
    const { stop, serial, stats } = runPrograms(
      [
        {
          program: assembleProgram('calls', (a) => {
            a.include(runtime);
            a.label('main');
            a.mov(ebx, calls);
            a.repeat_while('nz', () => {
              syscall(a, 'getpid');
              a.dec(ebx);
            });
            exit(a, 0);
          }),
        },
      ],
      { cores: 1 },
      { 'syscall-work': work },
    );
    return { stop, serial, kernel: stats.cpuTime.kernelOtherCycles };
  };
  const [plain, longer] = [run(0), run(800)];
  expect([longer.stop, longer.serial]).toEqual([plain.stop, plain.serial]);
  // The calls of the loop and the last one.
  expect((longer.kernel - plain.kernel) / 800).toBeGreaterThan(calls);
  expect((longer.kernel - plain.kernel) / 800).toBeLessThan(calls + 3);
});
