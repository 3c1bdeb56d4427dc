import type { Library } from '../../src/cli/library.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { RunStats } from '../../src/trace/runStats.ts';

/** A stream that keeps what is written to it. */
export class CapturedOutput {
  readonly isTTY: boolean;
  private readonly pieces: Buffer[] = [];

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(content: string | Uint8Array): boolean {
    this.pieces.push(Buffer.from(content as Uint8Array));
    return true;
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('utf8');
  }
}

export const STATS: Omit<RunStats, 'exitStatus'> = {
  guest: 'shootdown',
  engine: 'reference',
  seed: 7,
  instructions: 1_234_567,
  cycles: 5_000_000,
  seconds: 0.002,
  shootdown: { scheme: 'ipi', count: 3, latencyCycles: { min: 2500, median: 5000, mean: 5000.5, p99: 12_500, max: 12_500 } },
  locks: {
    algorithm: 'ticket',
    acquisitions: 10,
    contended: 0,
    outOfOrder: 0,
    timeouts: 0,
    waitCycles: { min: null, median: null, mean: null, p99: null, max: null },
    holderPreemptions: { preemptions: 0, waits: 0, cycles: 0 },
    waiterPreemptions: { preemptions: 0, waits: 0, cycles: 0 },
    sleepingWaiters: { waits: 0, cycles: 0 },
    authors: { lhp: 0, lwp: 0, lhpConfirmed: 0, lwpConfirmed: 0 },
  },
  vmExits: { HLT: 3, EPT_VIOLATION: 12 },
  ipis: { sent: 6, delivered: 6 },
  invalidations: { INVLPG: 9 },
  cpuTime: { userCycles: 1_000_000, kernelLockCycles: 250_000, kernelTlbCycles: 500_000, kernelOtherCycles: 1_250_000, idleCycles: 0 },
  cores: [{ busyCycles: 4_000_000, idleCycles: 1_000_000 }],
  vms: [
    {
      vm: 0,
      guest: 'shootdown',
      shootdown: { count: 3, latencyCycles: { min: 2500, median: 5000, mean: 5000.5, p99: 12_500, max: 12_500 } },
      vmExits: { HLT: 3, EPT_VIOLATION: 12 },
    },
  ],
  vcpus: [
    {
      vm: 0,
      id: 1,
      cpuTime: { userCycles: 1_000_000, kernelLockCycles: 250_000, kernelTlbCycles: 500_000, kernelOtherCycles: 1_250_000, idleCycles: 0 },
      runCycles: 3_000_000,
      stealCycles: 500_000,
      spinCycles: 750_000,
      haltCycles: 0,
      offlineCycles: 0,
    },
  ],
};

const unexpected = (): never => {
  throw new Error('this part of the library was not to be used');
};

/** Runs a command line against a library of which only these parts may be used. */
export async function run(args: string[], library: Partial<Library> = {}, options: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const stdout = new CapturedOutput(options.isTTY);
  const stderr = new CapturedOutput(options.isTTY);
  const whole = { boot: unexpected, catalog: unexpected, experiment: unexpected, disassemble: unexpected, ...library };
  const status = await runCommandLine(args, { stdout, stderr, env: options.env ?? {} }, async () => whole);
  return { status, stdout: stdout.text, stderr: stderr.text };
}
