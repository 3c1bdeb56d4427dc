import type { Experiment, Findings, Scale } from '../experiment.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent } from '../runSettings.ts';
import { KVMTLB_FACT, MODEL_FACT, RUNTIME_FACT, SERIAL_FACT, SETUP_FACT, SHARE_FACT, UNITS_FACT } from './facts.ts';
import { latencyChecks } from './latencyChecks.ts';
import { latencyFigures } from './latencyFigures.ts';
import { LATENCY_SCHEMES, latencyPoints } from './latencySetup.ts';
import { latencyTables } from './latencyTables.ts';

/** How long a shootdown takes: the distribution for each scheme, over targets, virtual machines, slices and pages. */
export const shootdownLatency: Experiment = {
  name: 'shootdown-latency',
  doc: 'distribution of shootdown latency for each scheme over targets, overcommit, slices and pages (Shoot4U, VEE 2016)',
  facts: [SHARE_FACT, RUNTIME_FACT, KVMTLB_FACT, UNITS_FACT, SERIAL_FACT, MODEL_FACT, SETUP_FACT],
  points: latencyPoints,
  reduce,
};

function reduce(results: ResultSet, scale: Scale): Findings {
  const absent = LATENCY_SCHEMES.filter((name) => !schemesPresent(LATENCY_SCHEMES).includes(name));
  return {
    headlines: [],
    figures: latencyFigures(results, scale),
    tables: latencyTables(results, scale),
    checks: latencyChecks(results, scale),
    notes: [
      'Model check: the neighbours leave the initiator’s core alone (their vCPU for it is never started), so that the initiator is never descheduled, as the model states. Nothing is selected from the samples: leaving out shootdowns in whose middle the initiator lost its core would leave out the long waits.',
      'The initiator computes between shootdowns for a time that is uniform over one turn of the cores (M slices). Without that a shootdown, which ends when the last target’s slice begins, would make the next one find that target running.',
      'A run keeps the phases of its cores, so samples of one run are not independent: intervals are over seeds.',
      'In all other sweeps the neighbours use every core, the initiator’s too: latencies then contain what the scheduler takes from the initiator itself.',
      'Targets and neighbours halt inside their guests, which HLT does not leave (--no-halt-exits): a scheduler sees vCPUs that always compute. They pay the price of leaving HLT for each interrupt (`wake`), which a target that computes does not.',
      ...(absent.length > 0 ? [`Not in this version: ${absent.join(', ')}.`] : []),
    ],
  };
}
