import type { Experiment, Labels, Point } from '../../src/experiments/experiment.ts';
import type { Measurement } from '../../src/experiments/measurement.ts';
import { runOptions } from '../../src/experiments/runSettings.ts';
import { addCpuTimes } from '../../src/trace/cpuTime.ts';
import { LockRecorder } from '../../src/trace/lockRecorder.ts';
import type { LoggedShootdown } from '../../src/trace/shootdownLog.ts';

export const FREQUENCY_HZ = 2.6e9;

/** A point that nobody will run. */
export const point = (labels: Labels): Point => ({
  labels,
  run: { options: runOptions({ guest: 'hello', append: JSON.stringify(labels) }), seconds: undefined, observeFills: false },
});

/** A shootdown of this many microseconds. */
export const shootdownOf = (micros: number, descheduled = 0): LoggedShootdown => ({
  initiator: 0,
  begin: 0,
  end: (micros * FREQUENCY_HZ) / 1e6,
  targets: 1,
  pages: 1,
  descheduled,
});

/** A measurement with these shootdowns and nothing else. */
export const measurementOf = (shootdowns: readonly LoggedShootdown[], given: Partial<Measurement> = {}): Measurement => ({
  stats: {
    guest: 'synthetic',
    engine: 'jit',
    seed: 0,
    instructions: 1,
    cycles: FREQUENCY_HZ,
    seconds: 1,
    shootdown: { scheme: 'ipi', count: 0, latencyCycles: { min: null, median: null, mean: null, p99: null, max: null } },
    locks: { algorithm: null, ...new LockRecorder({ instruction: 1, pause: 1 }).stats() },
    vmExits: {},
    ipis: { sent: 0, delivered: 0 },
    cpuTime: addCpuTimes([]),
    invalidations: {},
    cores: [],
    vms: [],
    vcpus: [],
  },
  imageHash: 'none',
  begin: 0,
  end: FREQUENCY_HZ,
  frequencyHz: FREQUENCY_HZ,
  shootdowns,
  counts: { exits: {}, invalidations: {}, ipis: 0, userCycles: [1] },
  lockWaits: [],
  figures: {},
  fills: null,
  ...given,
});

/** An experiment over these points whose one check is that the first latencies, in µs, add up to `sum`. */
export const experimentOf = (points: readonly Point[], sum = Number.NaN): Experiment => ({
  name: 'synthetic',
  doc: 'for tests <only> & nothing else',
  facts: [{ statement: 'a "fact"', certainty: 'recalled', source: 'nowhere' }],
  points: () => points,
  reduce(results) {
    const firsts = results.values(({ shootdowns }) => ((shootdowns[0]?.end ?? 0) / FREQUENCY_HZ) * 1e6);
    const total = Math.round(firsts.reduce((all, value) => all + value, 0));
    return {
      headlines: [{ what: 'total', published: '64 %', certainty: 'found', measured: `${total}`, explanation: 'none' }],
      figures: [
        {
          id: 'firsts',
          title: 'first latencies',
          shape: 'any',
          published: 'none',
          measured: `${total}`,
          spec: {
            data: { values: firsts.map((value, index) => ({ value, index })) },
            mark: 'bar',
            encoding: { x: { field: 'index', type: 'ordinal' }, y: { field: 'value', type: 'quantitative' } },
          },
        },
      ],
      tables: [
        { id: 't', title: 'firsts', columns: [{ name: 'name' }, { name: 'µs', digits: 1 }], rows: firsts.map((value) => ['one', value]) },
      ],
      checks: [{ name: 'sum', expectation: `${sum}`, verdict: total === sum ? 'holds' : 'fails', evidence: `${total}` }],
      notes: ['a note'],
    };
  },
});
