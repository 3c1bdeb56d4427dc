import type { ChalkInstance } from 'chalk';
import type { RunStats, VcpuStats, VmStats } from '../trace/runStats.ts';
import { formatCount, formatShare, formatTable } from './textTable.ts';

/** What a run measured, for people. Sections about things that did not occur are left out. Ends in a newline. */
export function formatSummary(stats: RunStats, colours: ChalkInstance): string {
  const sections: [title: string, body: string][] = [
    ['Run', runTable(stats)],
    [`TLB shootdowns${stats.shootdown.scheme === null ? '' : ` (${stats.shootdown.scheme})`}`, latencyTable(stats)],
    ['TLB shootdowns by VM, cycles', latencyTableByVm(stats.vms)],
    ['VM exits', countTable(stats.vmExits)],
    ['Invalidations', countTable(stats.invalidations)],
    ['Interprocessor messages', messageTable(stats)],
    ['Cores', coreTable(stats)],
    ['vCPUs', vcpuTable(stats.vcpus)],
  ];
  return sections
    .filter(([, body]) => body !== '')
    .map(([title, body]) => `${colours.bold(title)}\n${body}\n`)
    .join('\n');
}

function runTable({ guest, engine, seed, instructions, cycles, seconds, exitStatus }: RunStats): string {
  return formatTable([
    ['guest', guest],
    ['engine', engine],
    ['seed', String(seed)],
    ['instructions', formatCount(instructions)],
    ['cycles', formatCount(cycles)],
    ['virtual time', `${(seconds * 1e3).toFixed(3)} ms`],
    ['exit status', String(exitStatus)],
  ]);
}

function latencyTable({ shootdown, cycles, seconds }: RunStats): string {
  if (shootdown.count === 0) return '';
  const microsecondsPerCycle = cycles === 0 ? 0 : (seconds * 1e6) / cycles;
  const { min, median, mean, p99, max } = shootdown.latencyCycles;
  const row = (name: string, value: number | null): string[] =>
    value === null ? [name, '-', '-'] : [name, formatCount(value), (value * microsecondsPerCycle).toFixed(2)];
  return formatTable([
    [`${formatCount(shootdown.count)} measured`, 'cycles', 'µs'],
    row('min', min),
    row('median', median),
    row('mean', mean),
    row('p99', p99),
    row('max', max),
  ]);
}

/** With one VM, or with one that had any, the table above says it all, but whose they were when others ran beside it. */
function latencyTableByVm(vms: readonly VmStats[]): string {
  if (vms.length < 2 || vms.every(({ shootdown }) => shootdown.count === 0)) return '';
  const cell = (value: number | null): string => (value === null ? '-' : formatCount(value));
  const rows = vms.map(({ vm, guest, shootdown: { count, latencyCycles } }) => {
    const { min, median, mean, p99, max } = latencyCycles;
    return [`VM ${vm} (${guest})`, formatCount(count), ...[min, median, mean === null ? null : Math.round(mean), p99, max].map(cell)];
  });
  return formatTable([['', 'measured', 'min', 'median', 'mean', 'p99', 'max'], ...rows]);
}

/** Largest first; equal ones by name. */
function countTable(counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return formatTable(rows.map(([name, count]) => [name, formatCount(count)]));
}

function messageTable({ ipis }: RunStats): string {
  if (ipis.sent === 0 && ipis.delivered === 0) return '';
  return formatTable([
    ['sent', formatCount(ipis.sent)],
    ['delivered', formatCount(ipis.delivered)],
  ]);
}

function coreTable({ cores }: RunStats): string {
  if (cores.length === 0) return '';
  const rows = cores.map(({ busyCycles, idleCycles }, core) => [
    `core ${core}`,
    formatCount(busyCycles),
    formatCount(idleCycles),
    formatShare(busyCycles, busyCycles + idleCycles),
  ]);
  return formatTable([['', 'busy cycles', 'idle cycles', 'busy'], ...rows]);
}

function vcpuTable(vcpus: readonly VcpuStats[]): string {
  if (vcpus.length === 0) return '';
  const rows = vcpus.map(({ vm, id, runCycles, stealCycles, spinCycles, haltCycles }) => [
    `VM ${vm} vCPU ${id}`,
    formatCount(runCycles),
    formatCount(stealCycles),
    formatCount(haltCycles),
    formatCount(spinCycles),
    formatShare(spinCycles, runCycles),
  ]);
  return formatTable([['', 'run cycles', 'stolen', 'halted', 'spun', 'spun/run'], ...rows]);
}
