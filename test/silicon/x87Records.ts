/**
 * Recorded x87 and MMX cases as lines of text, so that what a processor did can be compared where there is none. Fields between bars:
 *
 *   form | code | state | exception | state
 *
 * and a state is fields between semicolons: registers; flags; control word, status word, registers in use and MXCSR; last instruction and its data; ST(0) to
 * ST(7); halves of XMM registers; words of data. Lists say what differs from zero, in the second state what differs from the first. Numbers are hexadecimal.
 */
import { readFileSync } from 'node:fs';
import { DATA_SIZE, type X87Case, type X87Outcome, type X87State } from './x87Silicon.ts';

export const X87_RECORDS = 'test/silicon/vectors/x87.txt';

export interface X87Record {
  readonly form: string;
  readonly test: X87Case;
  readonly outcome: X87Outcome;
}

/** Lists of a state, in the order in which they are written. */
interface Lists {
  readonly gpr: readonly bigint[];
  readonly stack: readonly bigint[];
  readonly xmm: readonly bigint[];
  readonly words: readonly bigint[];
}

const zeros = (count: number): bigint[] => Array<bigint>(count).fill(0n);
const EMPTY: Lists = { gpr: zeros(16), stack: zeros(8), xmm: zeros(32), words: zeros(DATA_SIZE / 8) };
const listsOf = ({ gpr, stack, xmm, memory }: X87State): Lists => ({
  gpr,
  stack,
  xmm,
  words: [...new BigUint64Array(memory.buffer, memory.byteOffset, DATA_SIZE / 8)],
});

const changed = (values: readonly bigint[], old: readonly bigint[]): string =>
  values
    .map((value, i) => [i, value] as const)
    .filter(([i, value]) => value !== old[i])
    .map(([i, value]) => `${i.toString(16)}:${value.toString(16)}`)
    .join(',');

/** `old` with the changes. */
function apply(text: string, old: readonly bigint[]): bigint[] {
  const values = [...old];
  for (const item of text === '' ? [] : text.split(',')) {
    const [i, value] = item.split(':');
    values[Number.parseInt(i!, 16)] = BigInt(`0x${value}`);
  }
  return values;
}

function stateText(state: X87State, old: Lists): string {
  const { gpr, stack, xmm, words } = listsOf(state);
  const { flags, control, status, inUse, mxcsr, instruction, data } = state;
  return [
    changed(gpr, old.gpr),
    ...[flags, control, status, inUse, mxcsr, instruction, data].map((value) => value.toString(16)),
    changed(stack, old.stack),
    changed(xmm, old.xmm),
    changed(words, old.words),
  ].join(';');
}

function parseState(text: string, old: Lists): X87State {
  const fields = text.split(';');
  const number = (i: number): number => Number.parseInt(fields[i]!, 16);
  return {
    gpr: apply(fields[0]!, old.gpr),
    flags: number(1),
    control: number(2),
    status: number(3),
    inUse: number(4),
    mxcsr: number(5),
    instruction: BigInt(`0x${fields[6]}`),
    data: BigInt(`0x${fields[7]}`),
    stack: apply(fields[8]!, old.stack),
    xmm: apply(fields[9]!, old.xmm),
    memory: new Uint8Array(BigUint64Array.from(apply(fields[10]!, old.words)).buffer),
  };
}

export function x87RecordLine({ form, test, outcome }: X87Record): string {
  // A fault leaves registers and flags to the signal handler.
  const after = outcome.fault === '' ? outcome : { ...outcome, gpr: test.gpr, flags: test.flags };
  const code = Buffer.from(test.code).toString('hex');
  return [form, code, stateText(test, EMPTY), outcome.fault, stateText(after, listsOf(test))].join('|');
}

export function parseX87Record(line: string): X87Record {
  const [form, code, before, fault, after] = line.split('|') as [string, string, string, string, string];
  const state = parseState(before, EMPTY);
  return {
    form,
    test: { ...state, code: Uint8Array.from(Buffer.from(code, 'hex')) },
    outcome: { ...parseState(after, listsOf(state)), fault },
  };
}

/** The recorded cases; lines that begin with # say how and where they were recorded. */
export function readX87Records(): X87Record[] {
  const lines = readFileSync(X87_RECORDS, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseX87Record);
}
