/**
 * Recorded SSE cases as lines of text, so that what a processor did can be compared where there is none. Fields between bars:
 *
 *   form | code | registers | flags | MXCSR | halves of XMM registers | words of data |
 *   exception | registers that changed | flags | MXCSR | halves that changed | words that changed
 *
 * Numbers are hexadecimal; what is 0, and fields with nothing to say, are left out.
 */
import { readFileSync } from 'node:fs';
import { DATA_SIZE, type VectorCase, type VectorOutcome, type VectorState } from './vectorSilicon.ts';

export const VECTOR_RECORDS = 'test/silicon/vectors/vector.txt';

export interface VectorRecord {
  readonly form: string;
  readonly test: VectorCase;
  readonly outcome: VectorOutcome;
}

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

const wordsOf = (data: Uint8Array): bigint[] => [...new BigUint64Array(data.buffer, data.byteOffset, DATA_SIZE / 8)];
const zeros = (count: number): bigint[] => Array<bigint>(count).fill(0n);

const stateText = (state: VectorState, old: { gpr: readonly bigint[]; xmm: readonly bigint[]; words: readonly bigint[] }): string[] => [
  changed(state.gpr, old.gpr),
  state.flags.toString(16),
  state.mxcsr.toString(16),
  changed(state.xmm, old.xmm),
  changed(wordsOf(state.data), old.words),
];

function parseState(fields: readonly string[], old: { gpr: bigint[]; xmm: bigint[]; words: bigint[] }): VectorState {
  return {
    gpr: apply(fields[0]!, old.gpr),
    flags: Number.parseInt(fields[1]!, 16),
    mxcsr: Number.parseInt(fields[2]!, 16),
    xmm: apply(fields[3]!, old.xmm),
    data: new Uint8Array(BigUint64Array.from(apply(fields[4]!, old.words)).buffer),
  };
}

const EMPTY = { gpr: zeros(16), xmm: zeros(32), words: zeros(DATA_SIZE / 8) };

export function vectorRecordLine({ form, test, outcome }: VectorRecord): string {
  const before = { gpr: test.gpr, xmm: test.xmm, words: wordsOf(test.data) };
  // A fault leaves registers and flags to the signal handler.
  const after = outcome.fault === '' ? outcome : { ...outcome, gpr: test.gpr, flags: test.flags };
  return [form, Buffer.from(test.code).toString('hex'), ...stateText(test, EMPTY), outcome.fault, ...stateText(after, before)].join('|');
}

export function parseVectorRecord(line: string): VectorRecord {
  const [form, code, ...fields] = line.split('|');
  const before = parseState(fields, EMPTY);
  const after = parseState(fields.slice(6), { gpr: [...before.gpr], xmm: [...before.xmm], words: wordsOf(before.data) });
  return {
    form: form!,
    test: { ...before, code: Uint8Array.from(Buffer.from(code!, 'hex')) },
    outcome: { ...after, fault: fields[5]! },
  };
}

/** The recorded cases; lines that begin with # say how and where they were recorded. */
export function readVectorRecords(): VectorRecord[] {
  const lines = readFileSync(VECTOR_RECORDS, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseVectorRecord);
}
