import { formatExitReason } from '../arch/exitReasons.ts';
import { GUESTS, guestNamed } from '../kernels/guests.ts';
import { planRun, type RunPlan } from '../session/runPlan.ts';
import { Session } from '../session/session.ts';
import { UnusableInput } from '../session/unusableInput.ts';
import { countWithin, FillLog } from '../trace/fillLog.ts';
import { combineProbes } from '../trace/probe.ts';
import { ShootdownLog } from '../trace/shootdownLog.ts';
import type { PointRun } from './experiment.ts';
import type { Counts, Measurement, PointOutcome } from './measurement.ts';
import { distributionSteps } from './statistics.ts';

/** Turns of the machine between two looks at the measured time: the cut is a function of the run, whatever the host does. */
const TURNS = 64;
/** Seconds of virtual time after which a guest that has not begun to be measured is given up. */
const BOOT_LIMIT_SECONDS = 30;
const FILL_WINDOW_SECONDS = 10e-6;
const TAIL_BYTES = 200;
/** Values that are kept of a distribution: the tail of a share of 10^-3 is seen. */
const DISTRIBUTION_STEPS = 1000;

/** The run is carried out and measured, or it says in one line why it could not be. */
export function measurePoint(run: PointRun): PointOutcome {
  try {
    return measure(run);
  } catch (error) {
    if (error instanceof UnusableInput) return { kind: 'failed', reason: error.message };
    throw error;
  }
}

function measure({ options, seconds, observeFills }: PointRun): PointOutcome {
  const plan = planRun(options);
  const { frequencyHz } = plan.profile;
  const log = new ShootdownLog(0);
  const vcpus = plan.virtual?.vcpus ?? 0;
  // The first VM's VPIDs are 1 to its number of vCPUs; without a VMM all entries have VPID 0.
  const fills = observeFills ? new FillLog(Math.min(1, vcpus), vcpus) : undefined;
  const tail: number[] = [];
  const session = new Session(plan, {
    serial(byte) {
      tail.push(byte);
      if (tail.length > 2 * TAIL_BYTES) tail.splice(0, TAIL_BYTES);
    },
    probe: combineProbes(fills === undefined ? [log] : [log, fills]),
  });
  const neighbours = plan.virtual?.coGuest === undefined ? 0 : plan.virtual.vms - 1;
  const begin = (): number | undefined => beginOf(log, neighbours);
  let before: Counts | undefined;
  const isOver = (): boolean => {
    const { time } = session.machine;
    const since = begin();
    if (since !== undefined) before ??= countsOf(session);
    if (since === undefined) return time >= BOOT_LIMIT_SECONDS * frequencyHz;
    return seconds !== undefined && time >= since + seconds * frequencyHz;
  };
  while (session.advance(TURNS) && !isOver());

  const reason = session.stopReason;
  if (reason !== undefined && reason.kind !== 'power-off') {
    return { kind: 'failed', reason: `the guest ended by ${reason.kind}: ${lastLine(tail) || 'it printed nothing'}` };
  }
  const since = begin();
  if (seconds !== undefined) {
    if (since === undefined)
      return { kind: 'failed', reason: `nothing was measured: not every guest had begun after ${BOOT_LIMIT_SECONDS} s` };
    if (reason !== undefined) {
      const until = log.end ?? session.machine.time;
      if (until < since + seconds * frequencyHz)
        return { kind: 'failed', reason: `the guest ended after ${((until - since) / frequencyHz).toFixed(3)} of ${seconds} s` };
    }
  } else if (reason === undefined) return { kind: 'failed', reason: 'the cycles ran out' };
  return { kind: 'measured', measurement: measurementOf(session, plan, log, since ?? null, before, fills, seconds) };
}

/** The measured part begins when that of the first VM and that of every neighbour have: until then the host is not as crowded as it is to be. */
function beginOf({ begin, neighbours }: ShootdownLog, wanted: number): number | undefined {
  return begin === undefined || neighbours.size < wanted ? undefined : Math.max(begin, ...neighbours.values());
}

function measurementOf(
  session: Session,
  plan: RunPlan,
  log: ShootdownLog,
  begin: number | null,
  before: Counts | undefined,
  fills: FillLog | undefined,
  seconds: number | undefined,
): Measurement {
  const { frequencyHz } = plan.profile;
  const limit = begin === null || seconds === undefined ? Number.POSITIVE_INFINITY : begin + seconds * frequencyHz;
  const end = Number.isFinite(limit) ? Math.min(limit, log.end ?? limit) : (log.end ?? null);
  const shootdowns = log.shootdowns.filter((one) => one.begin >= (begin ?? 0) && one.end <= (end ?? limit));
  const times = fills?.sortedTimes();
  const span = FILL_WINDOW_SECONDS * frequencyHz;
  const built = GUESTS.some(({ name }) => name === plan.guest) ? guestNamed(plan.guest).figures : [];
  return {
    stats: session.stats(),
    imageHash: plan.imageHash,
    begin,
    end,
    frequencyHz,
    shootdowns,
    counts: before === undefined ? countsOf(session) : difference(countsOf(session), before),
    lockWaits: distributionSteps(session.lockRecorder.waits(), DISTRIBUTION_STEPS),
    figures: Object.fromEntries([...log.figures].map(([number, value]) => [built[number] ?? `figure ${number}`, value])),
    fills:
      times === undefined
        ? null
        : {
            before: shootdowns.map((one) => countWithin(times, one.begin - span, one.begin)),
            after: shootdowns.map((one) => countWithin(times, one.end, one.end + span)),
          },
  };
}

function countsOf(session: Session): Counts {
  const exits: Record<string, number> = {};
  session.vmm?.vms[0]?.exits.forEach((count, reason) => {
    if (count > 0) exits[formatExitReason(reason)] = count;
  });
  const { invalidations, ipis, vcpus, cpuTime } = session.stats();
  const userCycles: number[] = vcpus.length === 0 ? [cpuTime.userCycles] : [];
  for (const { vm, cpuTime: own } of vcpus) userCycles[vm] = (userCycles[vm] ?? 0) + own.userCycles;
  return { exits, invalidations, ipis: ipis.sent, userCycles };
}

/** What happened between the two. */
function difference(after: Counts, before: Counts): Counts {
  const since = (now: Readonly<Record<string, number>>, then: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(now)
        .map(([name, count]) => [name, count - (then[name] ?? 0)] as const)
        .filter(([, count]) => count > 0),
    );
  return {
    exits: since(after.exits, before.exits),
    invalidations: since(after.invalidations, before.invalidations),
    ipis: after.ipis - before.ipis,
    userCycles: after.userCycles.map((cycles, vm) => cycles - (before.userCycles[vm] ?? 0)),
  };
}

const lastLine = (bytes: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(bytes)).trim().split('\n').at(-1) ?? '';
