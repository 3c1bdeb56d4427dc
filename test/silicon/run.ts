/**
 * The model against the processor at hand, for long runs.
 * `npm run test:silicon -- --seconds N [--seed S] [--family general|vector|x87|mmx|state] [--form PATTERN] [--engine reference|jit|both]
 * [--size 16|32|64] [--jobs N] [--keep-going]`
 *
 * Prints the processor's name, a table by family, and what was left out. One process for each processor, unless told otherwise. A difference is shrunk
 * where that can be, shown, and written to test/regressions/silicon/, where the ordinary suite replays it. Exit status 1 then.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { endWithUsage, toolOptions } from '../../scripts/toolOptions.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { type Family, Tally, type TallyText } from './family.ts';
import { type FamilyOptions, generalFamily } from './generalFamily.ts';
import { longRun } from './longRun.ts';
import { processorName } from './processor.ts';
import { vectorFamily } from './vectorFamily.ts';
import { X87_SETS } from './x87Cases.ts';
import { x87Family } from './x87Family.ts';

const FAMILIES: Readonly<Record<string, (options: FamilyOptions) => Family | string>> = {
  general: generalFamily,
  vector: vectorFamily,
  ...Object.fromEntries(X87_SETS.map((set) => [set, (options: FamilyOptions): Family | string => x87Family(set, options)])),
};

const values = toolOptions('npm run test:silicon --', 'The model against the processor at hand.', {
  seconds: { kind: 'number', fraction: true, doc: 'how long to run (60)' },
  seed: { kind: 'number', doc: 'of the first cases (of the time of day)' },
  family: { kind: 'text', choices: Object.keys(FAMILIES), doc: 'one family of forms (all)' },
  form: { kind: 'text', doc: 'regular expression for the names of forms (all)' },
  engine: { kind: 'text', choices: [...ENGINES, 'both'], doc: 'what is compared with the processor (both)' },
  size: { kind: 'text', choices: ['16', '32', '64'], doc: 'one code size (all)' },
  jobs: { kind: 'number', min: 1, doc: 'processes (one for each processor)' },
  'keep-going': { kind: 'flag', doc: 'go on after a difference' },
  job: { kind: 'number', doc: 'of a process that works for another one: its number' },
});

const children: ChildProcess[] = [];

/** What a job tells at its end. */
interface Report {
  readonly tally: TallyText;
  readonly missing: readonly string[];
}

const { seconds = 60, jobs = availableParallelism(), engine: wanted = 'both' } = values;
const engines = ENGINES.filter((name) => wanted === 'both' || wanted === name);
const isMain = values.job === undefined;
const families = openFamilies();
const seed = values.seed ?? Date.now() % 1_000_000_000;
if (families.length === 0) process.exit(0);

if (isMain) {
  console.log(`processor: ${processorName()}`);
  console.log(`seed ${seed}, engines ${engines.join(' and ')}, ${jobs} jobs`);
  for (const { notes } of families) for (const note of notes) console.log(note);
}
if (isMain && jobs > 1) {
  for (const family of families) family.close();
  print(await Promise.all(Array.from({ length: jobs }, (_, job) => startJob(job))));
} else {
  let stopped = false;
  process.on('message', () => {
    stopped = true;
  });
  const tally = await longRun(families, {
    seconds,
    seed: seed + (values.job ?? 0),
    stride: isMain ? 1 : jobs,
    keepGoing: values['keep-going'],
    stopped: () => stopped,
    progress: (at, { cases, differences }) => {
      if (process.stdout.isTTY) process.stdout.write(`\rseed ${at}: ${cases} cases, ${differences} differences `);
    },
  });
  const missing = families.flatMap((family) => [...family.missing]);
  for (const family of families) family.close();
  const report: Report = { tally: tally.text, missing };
  if (isMain) print([report]);
  else process.send!(report, () => process.disconnect());
}

function openFamilies(): Family[] {
  const options = { engines, pattern: formPattern(), size: values.size === undefined ? undefined : Number(values.size) };
  const opened: Family[] = [];
  for (const [name, open] of Object.entries(FAMILIES)) {
    if (values.family !== undefined && values.family !== name) continue;
    const family = open(options);
    if (typeof family !== 'string') opened.push(family);
    else if (isMain) console.log(`test:silicon skips ${name}: ${family}`);
  }
  return opened;
}

function formPattern(): RegExp {
  try {
    return new RegExp(values.form ?? '', 'i');
  } catch {
    endWithUsage(`--form: '${values.form}' is no regular expression`);
  }
}

/** Starts a job with seeds of its own; the first that finds a difference stops the others. */
function startJob(job: number): Promise<Report> {
  const child = fork(process.argv[1]!, [...process.argv.slice(2), '--job', String(job), '--jobs', String(jobs), '--seed', String(seed)]);
  children.push(child);
  return new Promise((resolve, reject) => {
    child.on('message', (report: Report) => {
      resolve(report);
      if (!values['keep-going'] && Tally.of(report.tally).differences > 0)
        for (const other of children) if (other !== child && other.connected) other.send('stop');
    });
    child.on('exit', (status) => reject(new Error(`job ${job} ended with status ${status}`)));
  });
}

function print(reports: readonly Report[]): void {
  const tally = Tally.sum(reports.map(({ tally: text }) => Tally.of(text)));
  const missing = [...new Set(reports.flatMap((report) => report.missing))].sort();
  for (const line of tally.lines) console.log(line);
  if (missing.length > 0) console.log(`not implemented:\n  ${missing.join('\n  ')}`);
  console.log(`${tally.cases} cases, ${tally.differences} differences, ${missing.length} forms not implemented`);
  if (tally.differences > 0) process.exitCode = 1;
}
