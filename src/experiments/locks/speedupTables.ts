import type { Cell, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import type { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { averageSpeedup, lockLosses, meanWork, overShare, publishedLoads, speedup, speedupRange } from './speedup.ts';

/** Every run with its speed, and with what its locks cost it. */
export function workloadTable(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [workload, ofWorkload] of results.where({ sweep: 'workloads' }).by('workload')) {
    for (const [vms, ofVms] of ofWorkload.by('vms')) {
      for (const [variant, group] of ofVms.by('variant')) {
        const mean = (of: (one: Measurement) => number): number => meanOf(group.values(of));
        const losses = group.measurements.map(lockLosses);
        const percent = (name: keyof ReturnType<typeof lockLosses>): number => 100 * meanOf(losses.map((one) => one[name]));
        rows.push([
          String(workload),
          Number(vms),
          String(variant),
          meanWork(group),
          overShare(ofWorkload, String(variant), Number(vms)),
          speedup(ofVms, String(variant)),
          ...speedupRange(ofVms, String(variant)),
          mean(({ stats }) => stats.locks.holderPreemptions.waits),
          mean(({ stats }) => stats.locks.waiterPreemptions.waits),
          percent('holder'),
          percent('waiter'),
          percent('asleep'),
          percent('spinning'),
          percent('tlb'),
          mean(({ counts }) => counts.exits['HLT'] ?? 0),
          mean(({ counts }) => counts.exits['VMCALL'] ?? 0),
          mean(({ counts }) => counts.exits['PAUSE'] ?? 0),
        ]);
      }
    }
  }
  return {
    id: 'workloads',
    title:
      'Machine time for each second of the programs’ own, in s, as a multiple of that alone, and speed-up over ticket, mean, least and most over seeds; waits that a preempted holder or waiter cost something, what preempted holders, preempted and sleeping waiters cost of all processor time, and of the first VM time in wait loops and in TLB shootdowns; exits',
    columns: [
      { name: 'workload' },
      { name: 'VMs' },
      { name: 'lock' },
      { name: 'machine time', digits: 2 },
      { name: 'of share', digits: 2 },
      { name: 'speed-up', digits: 2 },
      { name: 'least', digits: 2 },
      { name: 'most', digits: 2 },
      { name: 'LHP' },
      { name: 'LWP' },
      { name: 'holder, %', digits: 1 },
      { name: 'waiter, %', digits: 1 },
      { name: 'asleep, %', digits: 1 },
      { name: 'spins, %', digits: 1 },
      { name: 'tlb, %', digits: 1 },
      { name: 'halts' },
      { name: 'kicks' },
      { name: 'PAUSE exits' },
    ],
    rows,
  };
}

/** Averages over the published loads. */
export function averageTable(results: ResultSet): Table {
  const workloads = publishedLoads(results).where({ sweep: 'workloads' });
  const rows: Cell[][] = [];
  for (const [vms, ofVms] of workloads.by('vms')) {
    for (const variant of ofVms.by('variant').keys()) {
      const { arithmetic, geometric, rates } = averageSpeedup(workloads, String(variant), Number(vms));
      rows.push([Number(vms), String(variant), arithmetic, geometric, rates]);
    }
  }
  return {
    id: 'averages',
    title: 'Speed-up over ticket, averaged over the published loads that were measured with the lock',
    columns: [
      { name: 'VMs' },
      { name: 'lock' },
      { name: 'arithmetic', digits: 2 },
      { name: 'geometric', digits: 2 },
      { name: 'of rates', digits: 2 },
    ],
    rows,
  };
}
