/** One run of the lock rig as a small file: what the rig says of it, and the run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from '../../../scripts/toolOptions.ts';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import type { CoreRole, Decision, LockCase } from './lockCase.ts';
import { MAX_CORES } from './lockRig.ts';

export interface Finding {
  /** What the rig says of it; absent: nothing is wrong. */
  readonly violation?: string | undefined;
  readonly case: LockCase;
}

export const writeFinding = (path: string, finding: Finding): void => writeFileSync(path, `${JSON.stringify(finding, null, 1)}\n`);

/** @throws UsageError for a file that cannot be read, or is no such run. */
export function readFinding(path: string): Finding {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  let finding: Finding;
  try {
    finding = JSON.parse(text) as Finding;
  } catch {
    throw new UsageError(`${path} is no JSON`);
  }
  const wrong = isRecord(finding) && isRecord(finding.case) ? faultOf(finding.case) : 'it has no "case"';
  if (wrong !== undefined) throw new UsageError(`${path} is no run of a lock: ${wrong}`);
  return finding;
}

const OPERANDS: ReadonlyMap<string, number> = new Map([
  ['run', 2],
  ['interrupt', 1],
  ['wake', 1],
  ['kicks', 0],
]);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** What is wrong with the run; undefined when nothing. */
function faultOf(one: Partial<LockCase>): string | undefined {
  const algorithm = LOCKS.find(({ name }) => name === one.lock);
  if (algorithm === undefined) return `there is no lock '${one.lock}'`;
  if (!isRecord(one.parameters)) return 'it has no "parameters"';
  for (const { name, min, max } of algorithm.parameters) {
    const value = one.parameters[name];
    if (!isCount(value) || value! < min || value! > max) return `${name} is from ${min} to ${max}`;
  }
  if (!Number.isSafeInteger(one.beforeWrap)) return '"beforeWrap" is a whole number';
  const { cores, schedule } = one;
  if (!Array.isArray(cores) || cores.length === 0 || cores.length > MAX_CORES || !cores.every(isRole))
    return `"cores" are 1 to ${MAX_CORES} of { kind, rounds, masked }`;
  const bad = Array.isArray(schedule) ? schedule.findIndex((decision) => !isDecision(decision)) : 0;
  return bad >= 0 ? `decision ${bad} of its "schedule" is none` : undefined;
}

const isRole = (role: Partial<CoreRole>): boolean =>
  isRecord(role) && ['acquire', 'try', 'nest'].includes(role.kind!) && isCount(role.rounds) && typeof role.masked === 'boolean';

function isDecision(decision: Decision): boolean {
  if (!Array.isArray(decision)) return false;
  const [kind, ...operands] = decision as readonly [string, ...unknown[]];
  return operands.length === OPERANDS.get(kind) && operands.every(isCount);
}
