/** The bench guests: kernels whose speed is measured (bench/), and checked against other machines by their checksums. */
import type { GuestDefinition } from '../guest.ts';
import { alias } from './alias.ts';
import { alu, busy } from './alu.ts';
import { chase } from './chase.ts';
import { codegen, codegenAll } from './codegen.ts';
import { ipi, lock } from './contended.ts';
import { bytes, movs } from './copy.ts';
import { crc } from './crc.ts';
import { fib } from './fib.ts';
import { idle } from './idle.ts';
import { logistic } from './logistic.ts';
import { map } from './map.ts';
import { sieve } from './sieve.ts';

export const BENCH_GUESTS: readonly GuestDefinition[] = [
  alu,
  sieve,
  movs,
  bytes,
  alias,
  chase,
  crc,
  fib,
  logistic,
  map,
  codegen,
  codegenAll,
  busy,
  lock,
  ipi,
  idle,
];
