/** One measurement in a process of its own, so that no kernel profits or suffers from another. Arguments and result are JSON. */
import { type EngineRun, measureEngine, openSession } from './engineRun.ts';
import { type Measurement, measureFor } from './measurement.ts';

export type WorkerTask =
  | { readonly kind: 'check'; readonly run: EngineRun; readonly iterations: number }
  | { readonly kind: 'time'; readonly run: EngineRun; readonly first: number; readonly seconds: number }
  /** Runs the whole guest, from an empty machine to its end. */
  | { readonly kind: 'whole'; readonly run: EngineRun; readonly seconds: number };

export interface WholeRun {
  readonly seconds: number;
  readonly instructions: number;
  /** Of the slowest core, and of all. */
  readonly cycles: number;
  readonly allCycles: number;
  /** Of all cores: without the time they were halted. */
  readonly busyCycles: number;
  /** Resident set of the process at its largest, bytes. */
  readonly memoryBytes: number;
}

export type WorkerResult = Measurement | WholeRun;

/** Runs until the guest ends or this much host time is over. */
function whole(run: EngineRun, seconds: number): WholeRun {
  const session = openSession(run, () => {});
  const begin = performance.now();
  while (session.advance(1) && performance.now() - begin < seconds * 1000);
  const { machine } = session;
  return {
    seconds: (performance.now() - begin) / 1000,
    instructions: session.instructions,
    cycles: machine.time,
    allCycles: machine.cores.reduce((sum, core) => sum + core.clock, 0),
    busyCycles: session.stats().cores.reduce((sum, { busyCycles }) => sum + busyCycles, 0),
    memoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function perform(task: WorkerTask): Promise<WorkerResult> {
  switch (task.kind) {
    case 'check':
      return measureEngine(task.run, task.iterations);
    case 'time':
      return measureFor(task.seconds, task.first, (iterations) => measureEngine(task.run, iterations));
    case 'whole':
      return whole(task.run, task.seconds);
  }
}

const [task] = process.argv.slice(2);
if (task !== undefined) process.stdout.write(`${JSON.stringify(await perform(JSON.parse(task) as WorkerTask))}\n`);
