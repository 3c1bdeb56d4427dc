import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BootHost, BootOutcome, Library } from '../../src/cli/library.ts';
import { UsageError } from '../../src/cli/usageError.ts';
import { run, STATS } from './fakes.ts';

const boots =
  (outcome: BootOutcome, during: (host: BootHost) => void | Promise<void> = () => {}): Library['boot'] =>
  async (_options, host) => {
    await during(host);
    return { outcome, stats: STATS, config: { seed: 7, image: 'sha256:00' } };
  };
const says = (text: string) => (host: BootHost) => {
  for (const byte of Buffer.from(text)) host.serial(byte);
};

describe('exit status', () => {
  test.each<[BootOutcome, number]>([
    [{ kind: 'powered-off' }, 0],
    [{ kind: 'exited', status: 33 }, 33],
    [{ kind: 'exited', status: 0x1_ffff_ffff }, 255],
    [{ kind: 'died', report: 'rip=…' }, 70],
    [{ kind: 'out-of-cycles' }, 71],
    [{ kind: 'not-implemented', report: '0f 0b' }, 75],
    [{ kind: 'interrupted' }, 130],
  ])('%j', async (outcome, status) => {
    const result = await run(['boot', 'a', '--json'], { boot: boots(outcome) });
    expect([result.status, JSON.parse(result.stdout).exitStatus]).toEqual([status, status]);
  });

  test('a report of what went wrong is shown', async () => {
    const { stderr } = await run(['boot', 'a'], { boot: boots({ kind: 'died', report: 'rax=1\nrbx=2' }) });
    expect(stderr.endsWith('\nparapet: the guest died\nrax=1\nrbx=2\n')).toBe(true);
  });
});

describe('output', () => {
  test('standard output carries the serial output and nothing else, the summary is on standard error', async () => {
    const { stdout, stderr } = await run(['boot', 'a'], { boot: boots({ kind: 'powered-off' }, says('hello\nno newline at the end')) });
    expect(stdout).toBe('hello\nno newline at the end');
    expect(stderr).toBe(`
Run
  guest         shootdown
  engine        reference
  seed                  7
  instructions  1 234 567
  cycles        5 000 000
  virtual time   2.000 ms
  exit status           0

TLB shootdowns (ipi)
  3 measured   cycles    µs
  min           2 500  1.00
  median        5 000  2.00
  mean        5 000.5  2.00
  p99          12 500  5.00
  max          12 500  5.00

VM exits
  EPT_VIOLATION  12
  HLT             3

Invalidations
  INVLPG  9

Interprocessor messages
  sent       6
  delivered  6

Cores
          busy cycles  idle cycles    busy
  core 0    4 000 000    1 000 000  80.0 %

vCPUs
               run cycles   stolen  halted     spun  spun/run
  VM 0 vCPU 1   3 000 000  500 000       0  750 000    25.0 %
`);
  });

  test('with --json standard output is one object and the serial output is on standard error', async () => {
    const { stdout, stderr } = await run(['boot', 'a', '--json'], { boot: boots({ kind: 'powered-off' }, says('hello\n')) });
    const { hostSeconds, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ ...STATS, exitStatus: 0 });
    expect(hostSeconds).toBeGreaterThanOrEqual(0);
    expect([stdout.trimEnd().includes('\n'), stderr.startsWith('hello\n')]).toEqual([false, true]);
  });

  test('bytes that are no text pass unchanged', async () => {
    const bytes = Array.from({ length: 10_000 }, (_, index) => index & 0xff);
    const chunks: Uint8Array[] = [];
    const { SerialOutput } = await import('../../src/cli/serialOutput.ts');
    const serial = new SerialOutput([{ write: (chunk) => chunks.push(chunk as Uint8Array) }]);
    for (const byte of bytes) serial.byte(byte);
    serial.flush();
    expect([...Buffer.concat(chunks)]).toEqual(bytes);
  });

  test.each([
    [{ isTTY: true, env: {} }, true],
    [{ isTTY: true, env: { NO_COLOR: '' } }, true],
    [{ isTTY: true, env: { NO_COLOR: '1' } }, false],
    [{ isTTY: true, env: { TERM: 'dumb' } }, false],
    [{ isTTY: false, env: { FORCE_COLOR: '1' } }, false],
  ])('colour for %j: %s', async (options, coloured) => {
    const { stderr } = await run(['boot', 'a'], { boot: boots({ kind: 'powered-off' }) }, options);
    expect(stderr.includes('\u001b[')).toBe(coloured);
  });
});

describe('--out', () => {
  let parent: string;
  let out: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'parapet-out-'));
    out = join(parent, 'new', 'directory');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  test('holds configuration, statistics and serial output, whole', async () => {
    await run(['boot', 'a', '--out', out], { boot: boots({ kind: 'out-of-cycles' }, says('hi\nthere')) });
    expect(readdirSync(out).sort()).toEqual(['config.json', 'serial.log', 'stats.csv', 'stats.json']);
    const read = (name: string) => readFileSync(join(out, name), 'utf8');
    expect(read('serial.log')).toBe('hi\nthere');
    expect(JSON.parse(read('config.json'))).toEqual({ seed: 7, image: 'sha256:00' });
    expect(JSON.parse(read('stats.json'))).toEqual({ ...STATS, exitStatus: 71 });
    const csv = read('stats.csv').trimEnd().split('\n');
    expect(csv).toEqual(
      expect.arrayContaining([
        'key,value',
        'guest,shootdown',
        'shootdown.latencyCycles.p99,12500',
        'vcpus.0.stealCycles,500000',
        'exitStatus,71',
      ]),
    );
  });

  test('while the guest runs nothing has its final name', async () => {
    let during: string[] = [];
    const boot = boots({ kind: 'powered-off' }, () => {
      during = readdirSync(out);
    });
    await run(['boot', 'a', '--out', out], { boot });
    expect(during).toEqual(['.serial.log.partial']);
  });

  test('a run that never starts leaves nothing behind', async () => {
    const boot = async () => {
      throw new UsageError('no such guest');
    };
    expect((await run(['boot', 'a', '--out', out], { boot })).status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test('a trace without a directory of its own goes there', async () => {
    const paths: (string | undefined)[] = [];
    const boot: Library['boot'] = async (options) => {
      paths.push(options.trace?.path);
      return { outcome: { kind: 'powered-off' }, stats: STATS, config: {} };
    };
    await run(['boot', 'a', '--out', out, '--trace', 't.txt'], { boot });
    await run(['boot', 'a', '--out', out, '--trace', './t.txt'], { boot });
    expect(paths).toEqual([join(out, 't.txt'), './t.txt']);
    expect(existsSync('t.txt')).toBe(false);
  });
});

describe('Ctrl-C', () => {
  test('ends the run at its next breath, reports what was measured, and gives the signal back', async () => {
    const before = process.listenerCount('SIGINT');
    let turns = 0;
    const boot: Library['boot'] = async (_options, host) => {
      setImmediate(() => process.emit('SIGINT'));
      // The run loop of a machine: it never leaves the main thread but for a breath.
      for (; !host.interrupted && turns < 1e9; turns++) {
        const breath = host.breathe({ cycles: turns, instructions: turns });
        if (breath !== undefined) await breath;
      }
      return { outcome: { kind: 'interrupted' }, stats: STATS, config: {} };
    };
    const { status, stderr } = await run(['boot', 'a'], { boot });
    expect([status, stderr.includes('TLB shootdowns'), process.listenerCount('SIGINT')]).toEqual([130, true, before]);
    expect(turns).toBeLessThan(1e9);
  });
});
