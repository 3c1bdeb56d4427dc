import type { RunOptions } from '../../src/session/runOptions.ts';
import { planRun } from '../../src/session/runPlan.ts';
import { Session } from '../../src/session/session.ts';
import { selectEvents } from '../../src/trace/eventSelection.ts';
import { combineProbes, type Probe } from '../../src/trace/probe.ts';
import type { RunStats } from '../../src/trace/runStats.ts';
import { createTraceWriter, TRACE_EXTENSIONS } from '../../src/trace/traceSink.ts';

/** A run with defaults for everything but the guest. */
export const options = (guest: string, given: Partial<RunOptions> = {}): RunOptions => ({
  guest,
  cores: undefined,
  memoryBytes: undefined,
  engine: undefined,
  profile: undefined,
  seed: 0,
  append: '',
  params: {},
  shootdown: undefined,
  lock: undefined,
  vmm: undefined,
  maxCycles: 2e9,
  checkTlb: false,
  ...given,
});

/** Virtual machines with defaults for the rest. */
export const virtual = (vms: number, vcpus: number, sliceCycles = 200_000): NonNullable<RunOptions['vmm']> => ({
  vms,
  vcpus,
  scheduler: undefined,
  slice: { cycles: sliceCycles },
});

export interface QuickResult {
  readonly session: Session;
  readonly stop: Session['stopReason'];
  readonly serial: string;
  readonly stats: Omit<RunStats, 'exitStatus'>;
}

/** Runs to the end. */
export function quickRun(guest: string, given: Partial<RunOptions> = {}, probe?: Probe): QuickResult {
  const bytes: number[] = [];
  const session = new Session(planRun(options(guest, given)), { serial: (byte) => bytes.push(byte), probe });
  while (session.advance(10_000));
  return { session, stop: session.stopReason, serial: Buffer.from(bytes).toString(), stats: session.stats() };
}

/** Runs with a trace of these events in every format there is: statistics, serial output and the bytes of the traces. */
export function tracedRun(guest: string, given: Partial<RunOptions>, events: string): { result: QuickResult; traces: Buffer[] } {
  const pieces: Buffer[][] = TRACE_EXTENSIONS.map(() => []);
  const writers = TRACE_EXTENSIONS.map((extension, index) =>
    createTraceWriter(extension, { write: (bytes) => pieces[index]!.push(Buffer.from(bytes)) }, selectEvents(events), 2.6e9),
  );
  const result = quickRun(guest, given, combineProbes(writers));
  for (const writer of writers) writer.close();
  return { result, traces: pieces.map((parts) => Buffer.concat(parts)) };
}
