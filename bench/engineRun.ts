/** Runs a guest on this machine and takes the time of its measured part. */
import type { EngineName } from '../src/cpu/engines/registry.ts';
import { planRun } from '../src/session/runPlan.ts';
import { Session } from '../src/session/session.ts';
import type { Measurement } from './measurement.ts';

const MEMORY = 64 * 2 ** 20;
const TURNS = 1000;

export interface EngineRun {
  readonly guest: string;
  readonly engine: EngineName;
  readonly cores: number;
  readonly params: Readonly<Record<string, string>>;
  readonly vmm?: { readonly vms: number; readonly vcpus: number };
  readonly memory?: number;
  readonly maxCycles?: number;
}

export function openSession(run: EngineRun, serial: (byte: number) => void): Session {
  const { guest, engine, cores, params, vmm } = run;
  const plan = planRun({
    guest,
    cores,
    memoryBytes: run.memory ?? MEMORY,
    engine,
    profile: undefined,
    seed: 1,
    append: '',
    params,
    shootdown: undefined,
    lock: undefined,
    vmm: vmm === undefined ? undefined : { ...vmm, scheduler: undefined, slice: undefined },
    maxCycles: run.maxCycles ?? Number.POSITIVE_INFINITY,
    checkTlb: false,
  });
  return new Session(plan, { serial, probe: undefined });
}

/** A bench guest from `start` to its checksum. @throws Error when it does not get there. */
export function measureEngine(run: EngineRun, iterations: number): Measurement {
  let text = '';
  let started: Moment | undefined;
  let ended: Moment | undefined;
  const session = openSession({ ...run, params: { ...run.params, iterations: `${iterations}` } }, (byte) => {
    if (text.length === 0 && byte === 's'.charCodeAt(0)) started = momentOf(session);
    if (ended === undefined && text.endsWith('start\n')) ended = momentOf(session);
    text += String.fromCharCode(byte);
  });
  while (session.advance(TURNS));
  const checksum = /checksum: (\d+)/.exec(text)?.[1];
  if (started === undefined || ended === undefined || checksum === undefined || session.stopReason?.kind !== 'power-off') {
    throw new Error(`${run.guest} did not finish: ${JSON.stringify(session.stopReason)}, ${JSON.stringify(text)}`);
  }
  return {
    iterations,
    checksum,
    seconds: (ended.host - started.host) / 1000,
    instructions: ended.instructions - started.instructions,
    cycles: ended.cycles - started.cycles,
    statistics: Object.fromEntries(
      Object.entries(ended.statistics).map(([name, value]) => [name, value - (started!.statistics[name] ?? 0)]),
    ),
  };
}

interface Moment {
  readonly host: number;
  readonly instructions: number;
  /** Over all cores. */
  readonly cycles: number;
  readonly statistics: Readonly<Record<string, number>>;
}

const momentOf = (session: Session): Moment => ({
  host: performance.now(),
  instructions: session.instructions,
  cycles: session.machine.time * session.machine.cores.length,
  statistics: session.machine.cores[0]!.engine.statistics?.() ?? {},
});
