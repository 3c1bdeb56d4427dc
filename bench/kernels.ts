/** What is measured: bench guests, with the sizes of their short and long runs. */

export interface BenchCase {
  /** Letter of the class that outside comparisons use, or a word. */
  readonly id: string;
  readonly guest: string;
  readonly cores: number;
  /** Iterations of the short run, whose checksum every machine must agree on. */
  readonly check: number;
  /** Counts in the geometric means: decided neither by DRAM nor by bulk copying. */
  readonly inMean: boolean;
  /** Waits in loops: how many instructions it takes depends on the machine, so that only iterations compare. */
  readonly waits: boolean;
  /** A processor elsewhere runs it with the same result: its work does not depend on time. */
  readonly portable: boolean;
}

const one = (id: string, guest: string, check: number, inMean: boolean): BenchCase => ({
  id,
  guest,
  cores: 1,
  check,
  inMean,
  waits: false,
  portable: true,
});
const smp = (id: string, guest: string, check: number, waits: boolean, portable = true): BenchCase => ({
  id,
  guest,
  cores: 4,
  check,
  inMean: false,
  waits,
  portable,
});

export const BENCH_CASES: readonly BenchCase[] = [
  one('a', 'bench-alu', 20_000, true),
  one('b', 'bench-sieve', 1, true),
  one('c', 'bench-movs', 1, false),
  one('d', 'bench-bytes', 2, true),
  one('e', 'bench-chase', 20_000, false),
  one('f', 'bench-crc', 2, true),
  one('g', 'bench-fib', 1, true),
  one('h', 'bench-logistic', 2000, true),
  one('i', 'bench-map', 500, false),
  one('alias', 'bench-alias', 2, false),
  one('codegen', 'bench-codegen', 2000, false),
  smp('busy', 'bench-busy', 20_000, false),
  smp('lock', 'bench-lock', 500, true),
  smp('ipi', 'bench-ipi', 100, true),
  smp('idle', 'bench-idle', 20, true, false),
];
