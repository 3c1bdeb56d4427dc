/** One generated program, compiled in one way, on this host (or QEMU) and on every engine. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ENGINES } from '../../../src/cpu/engines/registry.ts';
import { quickRun } from '../../session/quickRun.ts';
import { compileGenerated } from './generatedKernel.ts';
import { programText } from './programText.ts';
import type { Variant } from './variant.ts';

const CYCLES = 2e9;

export interface GeneratedRun {
  /** Executed by one engine; 0 when the program was too long there already. */
  readonly instructions: number;
  /** What is different, or undefined. */
  readonly difference: string | undefined;
}

/** A program's outputs and statistics are compared. The folder is as it was, unless there is a difference. */
export function runGenerated(seed: number, units: number, variant: Variant, folder: string): GeneratedRun {
  const { expected, kernel } = compileGenerated(programText(seed, units), variant, folder);
  let run: GeneratedRun = { instructions: 0, difference: undefined };
  if (expected !== undefined) run = compare(expected, kernel);
  if (run.difference === undefined) rmSync(dirname(kernel), { recursive: true });
  return run;
}

function compare(expected: string, kernel: string): GeneratedRun {
  const runs = ENGINES.map((engine) => ({ engine, ...quickRun(kernel, { engine, maxCycles: CYCLES }) }));
  const instructions = runs[0]!.stats.instructions;
  for (const { engine, serial, stop } of runs) {
    const line = differentLine(serial, expected);
    if (line !== undefined) return { instructions, difference: `engine ${engine}: ${line}; it ended by ${JSON.stringify(stop)}` };
  }
  const statistics = runs.map(({ stats }) => JSON.stringify({ ...stats, engine: '' }));
  const other = statistics.findIndex((text) => text !== statistics[0]);
  return { instructions, difference: other < 0 ? undefined : `engines ${ENGINES[0]} and ${ENGINES[other]} have different statistics` };
}

function differentLine(serial: string, expected: string): string | undefined {
  if (serial === expected) return undefined;
  const [here, there] = [serial.split('\n'), expected.split('\n')];
  const at = there.findIndex((line, i) => line !== here[i]);
  return `'${here[at] ?? 'nothing'}' instead of '${there[at] ?? 'nothing'}'`;
}
