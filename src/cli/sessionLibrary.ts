import { mkdirSync } from 'node:fs';
import { formatListing } from '../asm/listing.ts';
import type { StopReason } from '../cpu/stop.ts';
import { EXPERIMENTS } from '../experiments/registry.ts';
import { textReport } from '../experiments/report/textReport.ts';
import { writeReport } from '../experiments/report/writeReport.ts';
import { runExperiment, shapeHolds } from '../experiments/runExperiment.ts';
import { WorkerPool } from '../experiments/workerPool.ts';
import { buildGuest, GUESTS } from '../kernels/guests.ts';
import { catalog } from '../session/catalog.ts';
import { crashReport } from '../session/crashReport.ts';
import type { RunOptions } from '../session/runOptions.ts';
import { planRun, type RunPlan, type VirtualPlan } from '../session/runPlan.ts';
import { Session } from '../session/session.ts';
import { UnusableInput } from '../session/unusableInput.ts';
import { openTrace } from '../trace/traceSink.ts';
import type { TraceWriter } from '../trace/traceWriter.ts';
import type { BootOptions, TraceOptions } from './bootOptions.ts';
import type { BootHost, BootOutcome, BootResult, ExperimentHost, ExperimentOptions, ExperimentResult, Library } from './library.ts';
import { UsageError } from './usageError.ts';

/** Turns of the machine between two looks at the host. */
const TURNS_PER_BREATH = 256;

/** The command line's library, over sessions. */
export const sessionLibrary: Library = {
  boot,
  catalog: async () => ({ ...catalog(), experiments: EXPERIMENTS.map(({ name, doc }) => ({ name, doc })) }),
  experiment,
  async disassemble(name) {
    if (!GUESTS.some((guest) => guest.name === name))
      throw new UsageError(`no built-in guest '${name}'; there is ${GUESTS.map((guest) => guest.name).join(', ')}`);
    return formatListing([...buildGuest(name).listing]);
  },
};

async function boot(options: BootOptions, host: BootHost): Promise<BootResult> {
  const plan = usable(() => planRun(runOptions(options)));
  const trace = options.trace === undefined ? undefined : openTraceFile(options.trace, plan.profile.frequencyHz);
  try {
    const session = usable(() => new Session(plan, { serial: host.serial, probe: trace }));
    while (!host.interrupted && session.advance(TURNS_PER_BREATH)) {
      const breath = host.breathe({ cycles: session.machine.time, instructions: session.instructions });
      if (breath !== undefined) await breath;
    }
    return { outcome: outcomeOf(session, host.interrupted), stats: session.stats(), config: configuration(plan) };
  } finally {
    trace?.close();
  }
}

async function experiment(name: string, { quick, jobs, out }: ExperimentOptions, host: ExperimentHost): Promise<ExperimentResult> {
  const found = EXPERIMENTS.find((one) => one.name === name);
  if (found === undefined) throw new UsageError(`no experiment '${name}'; there is ${EXPERIMENTS.map((one) => one.name).join(', ')}`);
  try {
    if (out !== undefined) mkdirSync(out, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out: ${(error as Error).message}`);
  }
  const pool = new WorkerPool(jobs);
  const run = await runExperiment(found, { scale: quick ? 'quick' : 'full', out }, pool, host, host.signal);
  if (out !== undefined) await writeReport(run, out);
  return { report: textReport(run), shapeHolds: shapeHolds(run), interrupted: run.missing > 0 };
}

/** Raises: UsageError when the file cannot be made. */
function openTraceFile({ path, events }: TraceOptions, frequencyHz: number): TraceWriter {
  try {
    return openTrace(path, events, frequencyHz);
  } catch (error) {
    throw new UsageError(`--trace: ${(error as Error).message}`);
  }
}

/** What the sessions call unusable is a usage error here. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof UnusableInput) throw new UsageError(error.message);
    throw error;
  }
}

function runOptions(options: BootOptions): RunOptions {
  const { vmm } = options;
  const slice = vmm?.slice;
  return {
    ...options,
    vmm: vmm && {
      ...vmm,
      slice: slice && (slice.unit === 'cycles' ? { cycles: slice.cycles } : { seconds: slice.nanoseconds / 1e9 }),
    },
  };
}

function outcomeOf(session: Session, interrupted: boolean): BootOutcome {
  const reason = session.stopReason;
  if (reason === undefined) return { kind: interrupted ? 'interrupted' : 'out-of-cycles' };
  return endingOf(session, reason);
}

function endingOf(session: Session, reason: StopReason): BootOutcome {
  switch (reason.kind) {
    case 'power-off':
      return { kind: 'powered-off' };
    case 'debug-exit':
      return { kind: 'exited', status: reason.value };
    case 'unimplemented':
      return { kind: 'not-implemented', report: `${reason.what} at ${reason.rip} on core ${reason.core}: ${reason.bytes}` };
    case 'idle':
      return { kind: 'died', report: 'every core is halted and nothing will ever wake one' };
    case 'no-device':
      return { kind: 'died', report: `it reads port 0x${reason.port.toString(16)} again and again, and no device is there` };
    case 'oracle':
      return { kind: 'died', report: reason.detail };
    case 'triple-fault':
    case 'entry-failure':
      return { kind: 'died', report: `${reason.detail}\n${crashReport(session, reason)}` };
  }
}

/** The resolved configuration, as `config.json` keeps it. */
function configuration(plan: RunPlan): Record<string, unknown> {
  const { image: _image, multiboot, modules, profile, scheme, virtual, maxCycles, ...rest } = plan;
  return {
    ...rest,
    profile,
    protocol: multiboot === undefined ? 'direct' : 'multiboot',
    modules: modules.map(({ text, bytes }) => ({ text, bytes: bytes.length })),
    shootdown: scheme?.name ?? null,
    maxCycles: Number.isFinite(maxCycles) ? maxCycles : null,
    virtual: virtual === undefined ? null : virtualConfiguration(virtual),
  };
}

function virtualConfiguration({ scheduler, coGuest, placement, ...given }: VirtualPlan): Record<string, unknown> {
  const rest = { ...given, placement: placement.name, weights: given.weights ?? null, pauseLoopExiting: given.pauseLoopExiting ?? null };
  if (coGuest === undefined) return { ...rest, scheduler: scheduler.name, coGuest: null };
  const { image: _image, ...named } = coGuest;
  return { ...rest, scheduler: scheduler.name, coGuest: named };
}
