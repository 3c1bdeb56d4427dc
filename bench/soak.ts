/**
 * `npm run soak -- [--seconds N] [--cores N] [--memory MB] [--engine NAME]`
 *
 * Big machines, one after the other, run a guest that generates code on every core, for N seconds; the memory of the process is printed every ten. Exit status 1
 * when it was ever above the limit.
 */
import { toolOptions } from '../scripts/toolOptions.ts';
import { ENGINES } from '../src/cpu/engines/registry.ts';
import type { Session } from '../src/session/session.ts';
import { openSession } from './engineRun.ts';

const MEGABYTE = 2 ** 20;
const INTERVAL_SECONDS = 10;
const TURNS = 200;
/** Seconds for each machine: then it is thrown away and the next one is made, as a program does that boots guest after guest. */
const MACHINE_SECONDS = 120;

const values = toolOptions('npm run soak --', 'Big machines, one after the other: is memory given back?', {
  seconds: { kind: 'number', fraction: true, doc: 'how long to run (60)' },
  cores: { kind: 'number', min: 1, doc: 'of each machine (64)' },
  memory: { kind: 'number', min: 16, doc: 'megabytes of each machine (1024)' },
  engine: { kind: 'text', choices: ENGINES, doc: `what executes instructions (${ENGINES[0]})` },
  limit: { kind: 'number', doc: 'megabytes that the process may take (2048)' },
});
const { seconds = 60, cores = 64, memory = 1024, limit = 2048 } = values;
const engine = ENGINES.find((name) => name === values.engine) ?? ENGINES[0];

const begin = performance.now();
const elapsed = (): number => (performance.now() - begin) / 1000;
let peak = 0;
let nextReport = INTERVAL_SECONDS;
let machines = 0;
let instructions = 0;
let earlier = 0;

while (elapsed() < seconds) {
  const session = openSession(
    {
      guest: 'bench-codegen-all',
      engine,
      cores,
      params: { iterations: '4000000000' },
      memory: memory * MEGABYTE,
    },
    () => {},
  );
  machines++;
  const end = Math.min(seconds, elapsed() + MACHINE_SECONDS);
  while (elapsed() < end && session.advance(TURNS)) observe(session);
  observe(session);
  earlier += session.instructions;
}
report();
process.exitCode = peak > limit ? 1 : 0;

function observe(session: Session): void {
  instructions = earlier + session.instructions;
  peak = Math.max(peak, process.memoryUsage.rss() / MEGABYTE);
  if (elapsed() < nextReport) return;
  report();
  nextReport += INTERVAL_SECONDS;
}

function report(): void {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const parts = { rss, heap: heapUsed, external, buffers: arrayBuffers };
  const text = Object.entries(parts).map(([name, bytes]) => `${name} ${(bytes / MEGABYTE).toFixed(0)} MB`);
  console.log(
    `${elapsed().toFixed(0)} s: ${text.join(', ')}; peak ${peak.toFixed(0)} MB; machine ${machines}, ${(instructions / 1e6).toFixed(0)} M instructions`,
  );
}
