import { check } from '../check.ts';
import type { Experiment, Findings, Point, Scale } from '../experiment.ts';
import type { Cell, Datum, Figure } from '../findings.ts';
import { heatmap } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import { SERIAL_FACT, SETUP_FACT } from './facts.ts';
import { formatMicros } from './latencyFigures.ts';
import { latenciesMicros } from './latencyOf.ts';
import { LATENCY_SCHEMES } from './latencySetup.ts';
import { shootdownPoint } from './shootdownPoint.ts';

interface Sizes {
  /** Of a run. */
  readonly seconds: number;
  /** A run keeps the phases of its cores, and with few targets much depends on them: beside neighbours a setting has several. */
  readonly seedsBesideNeighbours: number;
  readonly slice: number;
  readonly schemes: readonly string[];
  readonly vms: readonly number[];
  readonly targets: readonly number[];
  readonly pages: readonly number[];
  /** Factors on what entering and leaving a guest costs. */
  readonly exits: readonly number[];
}

const FULL: Sizes = {
  seconds: 1,
  seedsBesideNeighbours: 4,
  slice: 12,
  schemes: LATENCY_SCHEMES,
  vms: [1, 2, 4],
  targets: [1, 11],
  pages: [1, 16, 64],
  exits: [0.5, 1, 4],
};
const QUICK: Sizes = {
  seconds: 0.05,
  seedsBesideNeighbours: 1,
  slice: 3,
  schemes: ['ipi', 'kvmtlb', 'shoot4u', 'hyperv'],
  vms: [1, 2],
  targets: [1, 11],
  pages: [1, 64],
  exits: [1, 4],
};
const sizes = (scale: Scale): Sizes => (scale === 'full' ? FULL : QUICK);

/** What an exit costs, hardware and dispatch. */
const EXIT_COSTS = ['vmExit', 'vmEntry', 'exitDispatch'] as const;

/** Two schemes whose means are closer than this share the first place. */
const TIE = 0.05;

/** One table that answers which scheme is best where. */
export const shootdownBest: Experiment = {
  name: 'shootdown-best',
  doc: 'which scheme has the shortest mean shootdown, by overcommit, targets, pages and the price of a VM exit',
  facts: [SERIAL_FACT, SETUP_FACT],
  points(scale) {
    const { seconds, seedsBesideNeighbours, slice, schemes, vms, targets, pages, exits } = sizes(scale);
    const points: Point[] = [];
    for (const scheme of schemesPresent(schemes)) {
      for (const m of vms) {
        for (const k of targets) {
          for (const p of pages) {
            for (const factor of exits) {
              const costs = factor === 1 ? {} : Object.fromEntries(EXIT_COSTS.map((cost) => [cost, factor]));
              for (const seed of seeds(m === 1 ? 1 : seedsBesideNeighbours)) {
                const setting = { scheme, targets: k, pages: p, vms: m, slice: slice * 1e-3, seed, undisturbed: false, costs };
                points.push(shootdownPoint({ scheme, vms: m, k, pages: p, exits: factor }, setting, seconds));
              }
            }
          }
        }
      }
    }
    return points;
  },
  reduce,
};

/** One setting with the means of all schemes, in µs, best first. */
interface Cellular {
  readonly vms: number;
  readonly k: number;
  readonly pages: number;
  readonly exits: number;
  readonly ranking: readonly { readonly scheme: string; readonly mean: number }[];
}

function settings(results: ResultSet): Cellular[] {
  const found: Cellular[] = [];
  for (const [vms, ofVms] of results.by('vms')) {
    for (const [exits, ofExits] of ofVms.by('exits')) {
      for (const [k, ofK] of ofExits.by('k')) {
        for (const [pages, group] of ofK.by('pages')) {
          const ranking = [...group.by('scheme')]
            .map(([scheme, ofScheme]) => ({ scheme: String(scheme), mean: meanOf(ofScheme.measurements.flatMap(latenciesMicros)) }))
            .filter(({ mean }) => Number.isFinite(mean))
            .sort((a, b) => a.mean - b.mean);
          if (ranking.length > 0) found.push({ vms: Number(vms), k: Number(k), pages: Number(pages), exits: Number(exits), ranking });
        }
      }
    }
  }
  return found;
}

/** Those that nobody beats by more than a tie. */
const winners = ({ ranking }: Cellular): string[] =>
  ranking.filter(({ mean }) => mean <= ranking[0]!.mean * (1 + TIE)).map(({ scheme }) => scheme);

/** Schemes that need instructions, or messages, which most processors do not have. */
const IN_HARDWARE: readonly string[] = ['invlpgb', 'rar'];

/** The same settings for a processor that has none of them. */
const withoutHardware = (cells: readonly Cellular[]): Cellular[] =>
  cells
    .map((cell) => ({ ...cell, ranking: cell.ranking.filter(({ scheme }) => !IN_HARDWARE.includes(scheme)) }))
    .filter(({ ranking }) => ranking.length > 0);

function bestFigure(id: string, title: string, cells: readonly Cellular[]): Figure {
  const data: Datum[] = cells.map((cell) => ({
    column: `k=${cell.k}, ${cell.pages} p.`,
    row: `exit × ${cell.exits}`,
    overcommit: `${cell.vms}:1`,
    scheme: cell.ranking[0]!.scheme,
    text: `${cell.ranking[0]!.scheme} ${formatMicros(cell.ranking[0]!.mean)}`,
  }));
  const wins = new Map<string, number>();
  for (const cell of cells) for (const scheme of winners(cell)) wins.set(scheme, (wins.get(scheme) ?? 0) + 1);
  const tally = [...wins].sort(([, a], [, b]) => b - a).map(([scheme, count]) => `${scheme} in ${count}`);
  return {
    id,
    title,
    shape: 'not published: the later schemes are newer than the paper',
    published: 'none',
    measured: `best or within ${100 * TIE} % of it, of ${cells.length} settings: ${tally.join(', ')}`,
    spec: heatmap(
      data,
      { column: 'column', row: 'row', text: 'text', colour: { field: 'scheme', title: 'best scheme', nominal: true } },
      'overcommit',
    ),
  };
}

function reduce(results: ResultSet, scale: Scale): Findings {
  const cells = settings(results);
  const names = [...results.by('scheme').keys()].map(String);
  const crowded = cells.filter(({ vms, ranking }) => vms > 1 && ranking.length > 1);
  const software = new Map(withoutHardware(cells).map((cell) => [`${cell.vms} ${cell.exits} ${cell.k} ${cell.pages}`, winners(cell)]));
  return {
    headlines: [],
    figures: [
      bestFigure('best-scheme', 'The scheme with the shortest mean shootdown', cells),
      bestFigure('best-software', 'The same without INVLPGB and remote action requests', withoutHardware(cells)),
    ],
    tables: [
      {
        id: 'best',
        title: `Mean latency in µs, slices of ${sizes(scale).slice} ms`,
        columns: [
          { name: 'best' },
          { name: 'without hardware' },
          { name: 'VMs' },
          { name: 'exit ×', digits: 1 },
          { name: 'targets' },
          { name: 'pages' },
          ...names.map((name) => ({ name, digits: 1 })),
        ],
        rows: cells.map((cell): Cell[] => [
          winners(cell).join(' = '),
          (software.get(`${cell.vms} ${cell.exits} ${cell.k} ${cell.pages}`) ?? []).join(' = '),
          cell.vms,
          cell.exits,
          cell.k,
          cell.pages,
          ...names.map((name) => cell.ranking.find(({ scheme }) => scheme === name)?.mean ?? null),
        ]),
      },
    ],
    checks: [
      check(
        'native is never best on a crowded host',
        'two VMs or more: ipi is neither best nor within 5 % of it',
        crowded.some(({ ranking }) => ranking.some(({ scheme }) => scheme === 'ipi')),
        () => crowded.every((cell) => !winners(cell).includes('ipi')),
        () => `best or tied in ${crowded.filter((cell) => winners(cell).includes('ipi')).length} of ${crowded.length} settings`,
      ),
    ],
    notes: [
      'Latency is what the initiator waits. What a scheme costs others — Shoot4U interrupts cores that run other VMs, deferring schemes flush a whole context at the next entry — is in shootdown-breakdown.',
      'Beside neighbours the mean is over the shootdowns of several seeds, since a run keeps the phases of its cores; means that differ by less than 5 % are called equal.',
      'A setting of an exit’s price multiplies vmExit, vmEntry and exitDispatch together.',
    ],
  };
}
