import type { Experiment, Findings, Headline, Scale } from '../experiment.ts';
import type { Datum, Figure } from '../findings.ts';
import { barChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { KVMTLB_FACT, RUNTIME_FACT, SETUP_FACT, SHARE_FACT } from '../shootdown/facts.ts';
import { assumptionTable, gainByAssumption } from './parsecAssumptions.ts';
import { parsecChecks } from './parsecChecks.ts';
import { gainOverKvmtlb, rateFigure, rateMovement, rateTable } from './parsecRates.ts';
import { HEADLINE_PROGRAM, parsecPoints } from './parsecSetup.ts';
import {
  longShootdowns,
  meanRun,
  meanTlbShare,
  percent,
  programTable,
  reduction,
  sensitivityRows,
  sensitivityTable,
  shareData,
} from './parsecTables.ts';

/** Run time of the PARSEC programs by scheme, alone and beside a neighbour, and what the processors' time went into. */
export const shoot4uParsec: Experiment = {
  name: 'shoot4u-parsec',
  doc: 'run time of profile-driven PARSEC programs by scheme at 1:1 and 2:1, with the split of CPU time and the sensitivity of the headline (Shoot4U, VEE 2016)',
  facts: [SHARE_FACT, RUNTIME_FACT, KVMTLB_FACT, SETUP_FACT],
  points: parsecPoints,
  reduce,
};

function reduce(results: ResultSet, scale: Scale): Findings {
  return {
    headlines: headlines(results),
    figures: figures(results),
    tables: [
      programTable(results),
      ...(results.where({ sweep: 'rates' }).isEmpty ? [] : [rateTable(results)]),
      ...(results.where({ sweep: 'assumptions' }).isEmpty ? [] : [assumptionTable(results)]),
      ...(results.where({ sweep: 'costs' }).isEmpty ? [] : [sensitivityTable(results)]),
    ],
    checks: parsecChecks(results, scale),
    notes: [
      'Programs are profiles, not the programs: docs/workloads.md says what each number of a profile is and where it comes from. Rates of giving memory back are assumed for most, so a run time says what a program with such rates would see.',
      'Beside a neighbour programs have half of the work that they have alone, which takes about as long there; run times are for a second of work of each thread, in both cases.',
      'Neighbours are there before the program starts.',
      'Processor time is that of the measured VM’s vCPUs from boot to end; halted time is not counted as used.',
      'The neighbours’ vCPUs halt inside their guests, which HLT does not leave: a scheduler sees vCPUs that always compute.',
    ],
  };
}

/** The largest of a value over programs at 2:1, and whose it is. */
function largest(results: ResultSet, of: (program: ResultSet) => number): { value: number; program: string } {
  let most = { value: Number.NaN, program: 'none' };
  for (const [program, group] of results.where({ sweep: 'programs', vms: 2 }).by('program')) {
    const value = of(group);
    if (Number.isFinite(value) && !(value <= most.value)) most = { value, program: String(program) };
  }
  return most;
}

function headlines(results: ResultSet): Headline[] {
  const share = largest(results, (group) => meanTlbShare(group.where({ scheme: 'ipi' })));
  const ipi = largest(results, (group) => reduction(group, 'shoot4u', 'ipi'));
  const kvmtlb = largest(results, (group) => reduction(group, 'shoot4u', 'kvmtlb'));
  const rate = `the rates at which programs give memory back are assumed (docs/workloads.md), and the largest value over programs follows them. ${rateMovement(results)}`;
  const moved = movement(results);
  return [
    {
      what: 'largest share of a VM’s CPU time in shootdown, native',
      published: 'up to 64 %',
      certainty: 'found',
      measured: `${percent(share.value)} (${share.program}, 2:1)`,
      explanation: rate,
    },
    {
      what: 'run time cut by Shoot4U against native',
      published: 'up to 85 %',
      certainty: 'found',
      measured: `${percent(ipi.value)} (${ipi.program}, 2:1)`,
      explanation: `${moved}. ${rateMovement(results)}`,
    },
    {
      what: 'run time cut by Shoot4U against kvmtlb',
      published: 'up to 44 %',
      certainty: 'found',
      measured: `${percent(kvmtlb.value)} (${kvmtlb.program}, 2:1)`,
      explanation: `${race(results, kvmtlb.program)}. ${gainByAssumption(results)}. ${gainOverKvmtlb(results)}`,
    },
  ];
}

/** What of kvmtlb’s loss is waiting for targets that were seen in their guests, and lost their cores before they answered. */
function race(results: ResultSet, program: string): string {
  const two = results.where({ sweep: 'programs', vms: 2, program });
  const [kvmtlb, shoot4u] = ['kvmtlb', 'shoot4u'].map((scheme) => two.where({ scheme })) as [ResultSet, ResultSet];
  if (kvmtlb.isEmpty || shoot4u.isEmpty) return 'not measured';
  const [long, own] = [longShootdowns(kvmtlb), longShootdowns(shoot4u)];
  const told = ({ millis, perThousand }: typeof long): string => `${millis.toFixed(0)} ms (${perThousand.toFixed(1)} of a thousand)`;
  return `${program} takes ${(meanRun(kvmtlb) - meanRun(shoot4u)).toFixed(0)} ms longer under kvmtlb for a second of work; shootdowns that waited for a core took ${told(long)} of it, under Shoot4U, where it is the initiator’s own, ${told(own)}`;
}

/** How far the headline moves with the prices, in one sentence. */
function movement(results: ResultSet): string {
  const rows = sensitivityRows(results).filter(({ againstIpi }) => Number.isFinite(againstIpi));
  const usual = rows.find(({ cost }) => cost === 'none');
  if (usual === undefined || rows.length < 2) return 'sensitivity to prices: not measured';
  const far = rows.reduce((most, row) =>
    Math.abs(row.againstIpi - usual.againstIpi) > Math.abs(most.againstIpi - usual.againstIpi) ? row : most,
  );
  return `of the prices, ${far.cost} moves it most: times ${far.factor} gives ${percent(far.againstIpi)} instead of ${percent(usual.againstIpi)} (shorter runs, ${HEADLINE_PROGRAM})`;
}

function figures(results: ResultSet): Figure[] {
  const times: Datum[] = [];
  for (const [program, ofProgram] of results.where({ sweep: 'programs' }).by('program')) {
    for (const [vms, ofVms] of ofProgram.by('vms')) {
      const native = meanRun(ofProgram.where({ vms: 1, scheme: 'ipi' }));
      for (const [scheme, group] of ofVms.by('scheme')) times.push({ program, scheme, ratio: `${vms}:1`, value: meanRun(group) / native });
    }
  }
  const share = largest(results, (group) => meanTlbShare(group.where({ scheme: 'ipi' })));
  const cut = largest(results, (group) => reduction(group, 'shoot4u', 'ipi'));
  return [
    {
      id: 'parsec-runtime',
      title: 'Run time, as a multiple of the native one alone',
      shape:
        'with two VMs most programs take about twice as long; those that give memory back far longer under native, and about twice under Shoot4U',
      published: 'Shoot4U cuts run time by up to 85 % against native, by up to 44 % against kvmtlb',
      measured: `largest cut against native ${percent(cut.value)} (${cut.program})`,
      spec: barChart(
        times,
        { field: 'program', title: 'program' },
        { field: 'value', title: 'run time / native alone' },
        { field: 'scheme', title: 'scheme' },
        { facet: 'ratio' },
      ),
    },
    {
      id: 'parsec-time',
      title: 'Where the VM’s processor time went',
      shape: 'the share of kernel-tlb collapses under Shoot4U; what is left is waiting for locks',
      published: 'up to 64 % of CPU time in shootdown',
      measured: `up to ${percent(share.value)} (${share.program})`,
      spec: barChart(
        shareData(results),
        { field: 'run', title: '' },
        { field: 'value', title: 'share of used time', format: '%' },
        { field: 'part', title: '' },
        { stacked: true, facet: 'program' },
      ),
    },
    ...rateFigure(results),
    ...sensitivityFigure(results),
  ];
}

function sensitivityFigure(results: ResultSet): Figure[] {
  const rows = sensitivityRows(results).filter(({ cost }) => cost !== 'none');
  if (rows.length === 0) return [];
  const data = rows.map(({ cost, factor, againstIpi }) => ({ cost, factor: `× ${factor}`, value: againstIpi }));
  return [
    {
      id: 'parsec-sensitivity',
      title: 'Run time cut by Shoot4U against native with one price multiplied',
      shape: 'not published',
      published: 'none: this asks how much of the result hangs on the model’s prices',
      measured: movement(results),
      spec: barChart(
        data,
        { field: 'cost', title: 'price' },
        { field: 'value', title: 'cut of run time', format: '%' },
        { field: 'factor', title: 'price' },
      ),
    },
  ];
}
