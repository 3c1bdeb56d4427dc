import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MULTIBOOT_VIDEO_MODE } from '../../src/arch/multiboot.ts';
import { writeElf } from '../../src/asm/elf.ts';
import { loadLibrary } from '../../src/cli/library.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { buildGuest } from '../../src/kernels/guests.ts';
import { multibootTour } from '../../src/kernels/multiboot/tour.ts';
import { ensureBuilt } from '../built.ts';
import { type CliResult, runCli } from '../runCli.ts';
import { CapturedOutput } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-bad-'));
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

const kernel = writeElf(buildGuest('hello').image);
/** The kernel with some bytes of its headers changed. */
function spoilt(name: string, offset: number, ...bytes: number[]): string {
  const copy = kernel.slice();
  copy.set(bytes, offset);
  return file(name, copy);
}

/** A Multiboot header that requires a video mode. */
function wantingVideo(): Uint8Array {
  const bytes = multibootTour();
  const view = new DataView(bytes.buffer);
  view.setUint32(4, view.getUint32(4, true) | MULTIBOOT_VIDEO_MODE, true);
  view.setUint32(8, view.getUint32(8, true) - MULTIBOOT_VIDEO_MODE, true);
  return bytes;
}

beforeAll(ensureBuilt);
afterAll(() => rmSync(folder, { recursive: true }));

const PHYSICAL_ADDRESS = 64 + 24;

type BadInput = readonly [what: string, args: readonly string[], text: string];

const BAD: readonly BadInput[] = [
  ['an unknown guest', ['helo'], "'helo' is neither a built-in guest"],
  ['an unknown option', ['hello', '--core', '2'], 'unknown option'],
  ['an unknown scheme', ['shootdown', '--shootdown', 'magic'], "no shootdown scheme 'magic'; there is ipi, ipi-ple"],
  ['a scheme that needs a hypervisor', ['shootdown', '--shootdown', 'shoot4u'], 'needs a hypervisor'],
  ['an unknown parameter', ['shootdown', '--param', 'iteration=3'], "no parameter of shootdown 'iteration'"],
  ['a parameter out of range', ['shootdown', '--param', 'iterations=0'], 'iterations = 0'],
  ['a parameter that is no number', ['shootdown', '--param', 'iterations=many'], 'not a whole number'],
  ['parameters that contradict each other', ['shootdown', '--param', 'pages=32'], '32 pages cannot be unmapped out of 16 slots'],
  ['more cores than coherence has room for', ['smp', '--cores', '16', '--coherence'], '--coherence: at most 15 cores'],
  ['an unknown lock', ['smp', '--lock', 'prayer'], "no lock 'prayer'"],
  ['a lock that needs a hypervisor', ['smp', '--lock', 'pv-ticket'], '--lock pv-ticket needs a hypervisor'],
  [
    'a parameter of another lock',
    ['smp', '--lock', 'tas', '--param', 'lock-unit=3'],
    "no parameter of smp 'lock-unit'; there is lock-marks",
  ],
  ['a lock parameter out of range', ['smp', '--lock', 'preemptable', '--param', 'lock-unit=15'], 'lock-unit = 15 is not a whole number'],
  ['an unknown scheduler', ['smp', '--vcpus', '2', '--scheduler', 'lottery'], "no scheduler 'lottery'"],
  ['an unknown profile', ['smp', '--profile', 'z80'], "no profile 'z80'"],
  ['a price that there is not', ['smp', '--cost', 'vmexit=2'], "--cost: no price 'vmexit'"],
  ['a price below zero', ['smp', '--cost', 'vmExit=-2'], "'-2' is not a factor of at least 0"],
  ['halt exits without virtual machines', ['smp', '--no-halt-exits'], '--no-halt-exits is for virtual machines'],
  ['an unknown engine', ['smp', '--engine', 'steam'], 'steam'],
  ['no cores', ['smp', '--cores', '0'], '--cores'],
  ['too many cores', ['smp', '--cores', '65'], "'65' is not a whole number from 1 to 64"],
  ['more vCPUs than the bitmap holds', ['smp', '--vcpus', '65'], "'65' is not a whole number from 1 to 64"],
  ['too few cores for the guest', ['ipi-pingpong', '--cores', '1'], 'ipi-pingpong needs at least 2 cores'],
  ['more memory than there can be', ['smp', '--memory', '64G'], '--memory'],
  ['a slice shorter than a world switch', ['smp', '--vcpus', '2', '--slice', '100'], '--slice'],
  [
    'gang scheduling with fewer cores than vCPUs',
    ['smp', '--cores', '2', '--vcpus', '3', '--scheduler', 'gang'],
    'needs as many cores; there are 2',
  ],
  [
    'a placement that the scheduler does not have',
    ['smp', '--vcpus', '2', '--scheduler', 'gang', '--placement', 'floating'],
    'does not leave vCPUs floating',
  ],
  ['a placement that nobody has', ['smp', '--vcpus', '2', '--placement', 'flying'], "no placement 'flying'"],
  ['weights for a scheduler that does not weigh', ['smp', '--vcpus', '2', '--weights', '1'], 'gives every vCPU the same'],
  ['too few weights', ['smp', '--vms', '2', '--scheduler', 'fair', '--weights', '1'], '--weights: 1 weights for 2 VMs'],
  ['a window of PAUSE loops within the gap', ['smp', '--vcpus', '2', '--ple', '100/128'], '--ple: a window of 100 cycles'],
  ['PAUSE-loop exiting that is no pair', ['smp', '--vcpus', '2', '--ple', '4096'], 'is not WINDOW/GAP'],
  ['an option of virtual machines without any', ['smp', '--slice', '3ms'], '--slice is for virtual machines'],
  ['a co-guest that does not exist', ['smp', '--vms', '2', '--co-guest', 'x'], "--co-guest: no built-in guest 'x'"],
  ['a co-guest without a VM for it', ['smp', '--vms', '1', '--co-guest', 'smp'], '--co-guest is for the VMs beside the first'],
  ['a co-guest without virtual machines', ['smp', '--co-guest', 'smp'], '--co-guest is for virtual machines'],
  ['a parameter of no co-guest', ['smp', '--vms', '2', '--co-param', 'a=1'], '--co-param is for another guest'],
  ['a co-guest with too few cores', ['hello', '--vms', '2', '--co-guest', 'ipi-pingpong', '--vcpus', '1'], 'needs at least 2 cores'],
  ['a name that an option does not have', ['cpu-bound', '--param', 'work=x'], 'work = x is not one of primes, spin'],
  ['rounds of waiting', ['cpu-bound', '--param', 'work=spin', '--param', 'rounds=1'], 'rounds are for work=primes'],
  ['an unknown event', ['smp', '--trace', join(folder, 'x.txt'), '--trace-events', 'everything'], "no event or group 'everything'"],
  ['a trace of no known kind', ['smp', '--trace', 'x.svg'], "'x.svg' must end in"],
  ['a trace that cannot be written', ['smp', '--trace', join(folder, 'nowhere', 'x.txt')], '--trace: '],
  ['a file that is no ELF', [file('text.elf', Buffer.from('hello'))], 'not an ELF file, nor a Multiboot image'],
  ['a module for a built-in guest', ['smp', '--module', 'x'], '--module is for Multiboot kernels'],
  ['a module for a plain ELF', [file('plain.elf', kernel), '--module', 'x'], "plain.elf' is a plain ELF64 file"],
  ['a module without a name', ['smp', '--module', '=x'], "'=x' is not FILE or FILE=STRING"],
  ['a module that is not there', [file('tour.bin', multibootTour()), '--module', 'nowhere/m'], "there is no file 'nowhere/m'"],
  ['a Multiboot image cut off', [file('cut.bin', multibootTour().slice(0, 30))], 'the Multiboot header is cut off'],
  ['a Multiboot image that wants video', [file('video.bin', wantingVideo())], 'asks for a video mode'],
  ['a truncated ELF', [file('short.elf', kernel.slice(0, 100))], 'beyond the end of the file'],
  ['an ELF of another machine', [spoilt('machine.elf', 18, 3)], 'is not x86-64'],
  ['a segment outside memory', [spoilt('far.elf', PHYSICAL_ADDRESS, 0, 0, 0, 0, 1)], 'outside'],
  ['a segment in the boot area', [spoilt('low.elf', PHYSICAL_ADDRESS, 0, 0x10, 0, 0, 0)], 'boot area'],
  ['a folder', [folder], 'cannot read'],
];

/** What the arguments of `boot` came to. */
function expectRefusal({ status, stdout, stderr }: CliResult, text: string, out: string): void {
  expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
  expect(stderr).toContain(text);
  expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
}

test.for(BAD)('%s: one line on standard error, status 2, nothing in --out', async ([, args, text]) => {
  const out = join(folder, 'out');
  const [stdout, stderr] = [new CapturedOutput(), new CapturedOutput()];
  const status = await runCommandLine(['boot', ...args, '--out', out], { stdout, stderr, env: {} }, loadLibrary);
  expectRefusal({ status, stdout: stdout.text, stderr: stderr.text }, text, out);
});

/** One of each place where input is refused: the parser of arguments, the plan of the run, the trace's file, the loaders. */
const BY_THE_PROCESS = ['an unknown option', 'an unknown guest', 'a trace that cannot be written', 'a segment outside memory'];

test.for(BAD.filter(([what]) => BY_THE_PROCESS.includes(what)))('%s: the same from the process', async ([, args, text]) => {
  const out = join(folder, 'out');
  expectRefusal(await runCli('boot', ...args, '--out', out), text, out);
});

test.each([
  ['an unknown experiment', ['nope'], "no experiment 'nope'; there is shootdown-latency"],
  ['no jobs', ['shootdown-latency', '--jobs', '0'], "'0' is not a whole number from 1 to 1024"],
  ['a directory that cannot be', ['shootdown-latency', '--quick', '--out', join(folder, 'text.elf', 'x')], '--out: '],
])('%s: one line on standard error, status 2', async (_what, args, text) => {
  const { status, stdout, stderr } = await runCli('experiment', ...args);
  expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
  expect(stderr).toContain(text);
});
