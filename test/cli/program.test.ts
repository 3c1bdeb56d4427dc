import { describe, expect, test } from 'vitest';
import type { BootOptions } from '../../src/cli/bootOptions.ts';
import { CATALOG_KINDS, type Catalog, type ExperimentOptions } from '../../src/cli/library.ts';
import { UsageError } from '../../src/cli/usageError.ts';
import { run, STATS } from './fakes.ts';

describe('what cannot be used ends with status 2 and one line', () => {
  test.each<[args: string, line: string]>([
    ['frob', "error: unknown command 'frob'"],
    ['boot', "error: missing required argument 'guest'"],
    ['boot a b', "error: too many arguments for 'boot'. Expected 1 argument but got 2."],
    ['boot a --bogus', "error: unknown option '--bogus'"],
    ['boot a --cores', "error: option '--cores <n>' argument missing"],
    ['boot a --cores 0', "error: option '--cores <n>' argument '0' is invalid. '0' is not a whole number from 1 to 64"],
    [
      'boot a --memory 1X',
      "error: option '--memory <size>' argument '1X' is invalid. '1X' is not a size such as 256M, 1G or a number of bytes",
    ],
    ['boot a --memory 5000', 'error: --memory: 5000 bytes are not whole pages of 4096'],
    ['boot a --engine qemu', "error: option '--engine <name>' argument 'qemu' is invalid. Allowed choices are jit, reference."],
    ['boot a --seed x', "error: option '--seed <n>' argument 'x' is invalid. 'x' is not a whole number of at least 0"],
    ['boot a --param x', "error: option '--param <key=value>' argument 'x' is invalid. 'x' is not KEY=VALUE"],
    ['boot a --param x=1 --param x=2', "error: option '--param <key=value>' argument 'x=2' is invalid. 'x' is given twice."],
    [
      'boot a --slice 3m --vms 1',
      "error: option '--slice <time>' argument '3m' is invalid. '3m' is not a time such as 3ms, 250us or a number of cycles",
    ],
    ['boot a --slice 3ms', 'error: --slice is for virtual machines: give --vms or --vcpus, too'],
    ['boot a --scheduler fair', 'error: --scheduler is for virtual machines: give --vms or --vcpus, too'],
    ['boot a --trace t.vcd', "error: --trace: 't.vcd' must end in .txt, .jsonl, .pftrace"],
    ['boot a --trace-events tlb', 'error: --trace-events is for a trace: give --trace, too'],
    ['boot a --out /dev/null/here', "error: --out: ENOTDIR: not a directory, mkdir '/dev/null/here'"],
    [
      'list things',
      `error: command-argument value 'things' is invalid for argument 'kind'. Allowed choices are ${CATALOG_KINDS.join(', ')}.`,
    ],
    ['experiment', "error: missing required argument 'name'"],
    ['disasm', "error: missing required argument 'guest'"],
  ])('%s', async (args, line) => {
    expect(await run(args.split(' '))).toEqual({ status: 2, stdout: '', stderr: `${line}\n` });
  });

  test('an event that does not exist is named', async () => {
    const { status, stderr } = await run(['boot', 'a', '--trace', 't.txt', '--trace-events', 'tlb,bogus']);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: --trace-events: no event or group 'bogus'; there are all, default, .*\n$/),
    ]);
  });

  test('a command line that does not fit the boot record', async () => {
    const { status, stderr } = await run(['boot', 'a', '--append', 'x'.repeat(0xe00)]);
    expect([status, stderr]).toEqual([2, 'error: --append: 3584 bytes are more than the 3583 a command line may have\n']);
  });

  test('what the library refuses', async () => {
    const boot = async () => {
      throw new UsageError("no guest 'nobody'");
    };
    expect(await run(['boot', 'nobody'], { boot })).toEqual({ status: 2, stdout: '', stderr: "error: no guest 'nobody'\n" });
  });

  test('no command at all: the help is on standard error', async () => {
    const { status, stdout, stderr } = await run([]);
    expect([status, stdout, stderr.split('\n')[0]]).toEqual([2, '', 'Usage: parapet [options] [command]']);
  });
});

test('asked for, help is on standard output and status 0', async () => {
  const { status, stdout, stderr } = await run(['boot', '--help']);
  expect([status, stderr, stdout.split('\n')[0]]).toEqual([0, '', 'Usage: parapet boot [options] <guest>']);
});

test('a defect is not reported as misuse', async () => {
  const boot = async () => {
    throw new TypeError('a defect');
  };
  await expect(run(['boot', 'a'], { boot })).rejects.toThrow(TypeError);
});

describe('boot options', () => {
  const optionsOf = async (...args: string[]): Promise<BootOptions> => {
    let seen: BootOptions | undefined;
    await run(['boot', ...args], {
      boot: async (options) => {
        seen = options;
        return { outcome: { kind: 'powered-off' }, stats: STATS, config: {} };
      },
    });
    return seen!;
  };

  test('what is not said is left to guest and profile', async () => {
    expect(await optionsOf('hello')).toEqual({
      guest: 'hello',
      cores: undefined,
      memoryBytes: undefined,
      engine: undefined,
      profile: undefined,
      costs: {},
      seed: 0,
      append: '',
      modules: [],
      params: {},
      shootdown: undefined,
      lock: undefined,
      vmm: undefined,
      maxCycles: Number.POSITIVE_INFINITY,
      checkTlb: false,
      coherence: false,
      trace: undefined,
    });
  });

  test('everything that can be said', async () => {
    const args =
      `kernel.elf --cores 4 --memory 256M --engine jit --profile skylake --cost vmExit=2 --cost pause=0.5 --seed 9 --append console=ttyS0 --module a/initrd --module b=root=1
      --param pages=8 --param mode=a=b --vms 2 --vcpus 4 --scheduler fair --slice 3ms --no-halt-exits --co-guest b --co-param n=1 --shootdown ipi --lock ticket
      --max-cycles 2e9 --check-tlb --coherence --trace /tmp/t.jsonl --trace-events mark`.split(/\s+/);
    expect(await optionsOf(...args)).toEqual({
      guest: 'kernel.elf',
      cores: 4,
      memoryBytes: 256 * 2 ** 20,
      engine: 'jit',
      profile: 'skylake',
      costs: { vmExit: 2, pause: 0.5 },
      seed: 9,
      append: 'console=ttyS0',
      modules: [
        { path: 'a/initrd', text: 'initrd' },
        { path: 'b', text: 'root=1' },
      ],
      params: { pages: '8', mode: 'a=b' },
      shootdown: 'ipi',
      lock: 'ticket',
      vmm: {
        vms: 2,
        vcpus: 4,
        scheduler: 'fair',
        slice: { unit: 'nanoseconds', nanoseconds: 3e6 },
        haltExits: false,
        coGuest: { guest: 'b', params: { n: '1' } },
      },
      maxCycles: 2e9,
      checkTlb: true,
      coherence: true,
      trace: { path: '/tmp/t.jsonl', events: 1 << 14 },
    });
  });

  test.each([
    ['--vms', { vms: 3, vcpus: undefined }],
    ['--vcpus', { vms: 1, vcpus: 3 }],
  ])('%s alone runs the guest under the VMM', async (option, vmm) => {
    expect((await optionsOf('a', option, '3')).vmm).toEqual({
      ...vmm,
      scheduler: undefined,
      slice: undefined,
      haltExits: true,
      coGuest: undefined,
    });
  });
});

describe('the other commands', () => {
  const catalog = async (): Promise<Catalog> => ({
    guests: [
      { name: 'a', doc: 'first' },
      { name: 'long', doc: 'second' },
    ],
    experiments: [],
    schemes: [],
    locks: [{ name: 'ticket', doc: 'fair' }],
    schedulers: [],
    profiles: [],
  });

  test('list of a kind prints names and docs', async () => {
    expect(await run(['list', 'guests'], { catalog })).toEqual({ status: 0, stdout: 'a     first\nlong  second\n', stderr: '' });
  });

  test('list prints every kind', async () => {
    const { stdout } = await run(['list'], { catalog });
    expect(stdout).toBe(
      'guests\n  a     first\n  long  second\n\nexperiments\n\nschemes\n\nlocks\n  ticket  fair\n\nschedulers\n\nprofiles\n',
    );
  });

  test('experiment hands over its options and says by its status whether the shape holds', async () => {
    const seen: [string, ExperimentOptions][] = [];
    const experiment = (shapeHolds: boolean, interrupted: boolean) => async (name: string, options: ExperimentOptions) => {
      seen.push([name, options]);
      return { report: 'the report\n', shapeHolds, interrupted };
    };
    const args = ['experiment', 'shoot4u', '--quick', '--jobs', '2', '--out', 'd'];
    expect(await run(args, { experiment: experiment(true, false) })).toEqual({ status: 0, stdout: 'the report\n', stderr: '' });
    expect((await run(['experiment', 'x'], { experiment: experiment(false, false) })).status).toBe(1);
    expect((await run(['experiment', 'x'], { experiment: experiment(false, true) })).status).toBe(130);
    expect(seen[0]).toEqual(['shoot4u', { quick: true, jobs: 2, out: 'd' }]);
    expect(seen[1]).toEqual(['x', { quick: false, jobs: expect.any(Number), out: undefined }]);
  });

  test('disasm prints the listing', async () => {
    const disassemble = async (guest: string) => `listing of ${guest}\n`;
    expect(await run(['disasm', 'hello'], { disassemble })).toEqual({ status: 0, stdout: 'listing of hello\n', stderr: '' });
  });
});
