/** Programs on a kernel whose waiters for the mmap lock spin. A Linux of that time does both: it spins while the holder runs, and then sleeps. */
import type { Point } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent } from '../runSettings.ts';
import { parsecPoint } from './parsecPoint.ts';
import { meanRun, meanShare, reduction } from './parsecTables.ts';

const SCHEMES = ['ipi', 'kvmtlb', 'shoot4u'];

/** The label `sweep` is `waiting`. @param work millions of instructions of each thread. @param slice in milliseconds. */
export const waitingPoints = (programs: readonly string[], work: number, slice: number): readonly Point[] =>
  programs.flatMap((program) =>
    schemesPresent(SCHEMES).map((scheme) =>
      parsecPoint({ sweep: 'waiting', program, scheme, vms: 2 }, { program, scheme, vms: 2, seed: 1, work, slice, spinningMmapLock: true }),
    ),
  );

export function waitingTable(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [program, ofProgram] of results.where({ sweep: 'waiting' }).by('program')) {
    for (const [scheme, group] of ofProgram.by('scheme')) {
      const cut = 100 * reduction(ofProgram, String(scheme), 'ipi');
      const shares = (['user', 'lock', 'tlb', 'other'] as const).map((part) => 100 * meanShare(group, part));
      rows.push([String(program), String(scheme), meanRun(group), cut, ...shares]);
    }
  }
  return {
    id: 'waiting',
    title: 'The same with two VMs where waiters for the mmap lock spin',
    columns: [
      { name: 'program' },
      { name: 'scheme' },
      { name: 'run time', digits: 2 },
      { name: 'less than ipi, %', digits: 1 },
      { name: 'user', digits: 1 },
      { name: 'lock', digits: 1 },
      { name: 'tlb', digits: 1 },
      { name: 'other', digits: 1 },
    ],
    rows,
  };
}
