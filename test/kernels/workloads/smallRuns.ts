/** Every compiled program with arguments that make it short, and what it must print for them, on whatever machine. */
import type { ProgramName } from '../../../src/kernels/workloads/programFile.ts';

export interface SmallRun {
  readonly program: ProgramName;
  /** Parameters of the guest, and arguments of the program: they have the same names. */
  readonly parameters: Readonly<Record<string, number>>;
  readonly checksum: string;
  /** A line, but for what depends on time. */
  readonly says: RegExp;
}

export const SMALL_RUNS: readonly SmallRun[] = [
  {
    program: 'allocstress',
    parameters: { threads: 3, rounds: 12, slots: 8, most: 200_000, seed: 1 },
    checksum: '2c12aa91eec78e7c',
    says: /^allocstress: 3 threads, 36 blocks, \d+ bytes$/m,
  },
  {
    program: 'dedup',
    parameters: { threads: 2, kilobytes: 170, buffer: 160, seed: 2 },
    checksum: '351c5cb5e41a1872',
    says: /^dedup: 174080 bytes in \d+ chunks, \d+ different, packed into \d+ bytes$/m,
  },
  {
    program: 'hackbench',
    parameters: { groups: 2, fan: 3, loops: 4 },
    checksum: 'ada21176a795705c',
    says: /^hackbench: 72 messages in \d+ cycles$/m,
  },
  {
    program: 'ebizzy',
    parameters: { threads: 4, requests: 8, chunks: 4, chunk: 16_384, mmap: 1, seed: 1 },
    checksum: 'bb291a8ba504585c',
    says: /^ebizzy: 32 requests in \d+ cycles$/m,
  },
  {
    program: 'kernbench',
    parameters: { jobs: 3, files: 6, kilobytes: 64, work: 200, seed: 1 },
    checksum: 'f9b77e0bd1e72173',
    says: /^kernbench: 6 files in \d+ cycles$/m,
  },
  {
    program: 'dvdstore',
    parameters: { sessions: 6, transactions: 4, think: 0, titles: 20, work: 50, seed: 1 },
    checksum: 'e84702142b2a1e27',
    says: /^dvdstore: 24 transactions in \d+ cycles, \d+ orders of \d+ titles$/m,
  },
];
