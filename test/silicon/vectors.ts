/**
 * Recorded cases as lines of text, so that what a processor did can be compared where there is none. One line a case, fields between bars:
 *
 *   form | code size, s for a small stack, g without a local table | origin | code | registers | flags | template | patches |
 *   vector,error,cr2,rip,flags | registers that changed | selectors that changed | fs,gs bases if not the usual ones | memory that changed
 *
 * Numbers are hexadecimal; registers that are 0, and fields with nothing to say, are left out.
 */
import { readFileSync } from 'node:fs';
import type { CodeSize, Outcome, SiliconCase } from './siliconCase.ts';
import { FS_BASE, GS_BASE, ORIGIN, selectorsOf } from './surroundings.ts';

export const VECTORS = 'test/silicon/vectors/general.txt';

export interface Vector {
  readonly form: string;
  readonly case: SiliconCase;
  readonly outcome: Outcome;
}

const hex = (value: bigint | number): string => value.toString(16);
const unhex = (text: string): bigint => BigInt(`0x${text}`);
const number = (text: string): number => Number.parseInt(text, 16);
const pairs = (items: readonly (readonly [bigint | number, bigint | number])[]): string =>
  items.map(([key, value]) => `${hex(key)}:${hex(value)}`).join(',');
const parsePairs = (text: string): [number, bigint][] =>
  text === ''
    ? []
    : text.split(',').map((item) => {
        const [key, value] = item.split(':');
        return [number(key!), unhex(value!)];
      });

/** Selectors with which a case starts, in the order of an outcome. */
function startSelectors(one: SiliconCase): number[] {
  const { es, cs, ss, ds, fs, gs } = selectorsOf(one);
  return [es, cs, ss, ds, fs, gs];
}

export function vectorLine({ form, case: one, outcome }: Vector): string {
  const before = startSelectors(one);
  const changed = (values: readonly (bigint | number)[], old: readonly (bigint | number)[]): string =>
    pairs(values.map((value, i) => [i, value] as const).filter(([i, value]) => value !== old[i]));
  const usual = outcome.bases[0] === BigInt(FS_BASE) && outcome.bases[1] === BigInt(GS_BASE);
  return [
    form,
    `${one.codeSize}${one.smallStack ? 's' : ''}${one.localTable ? '' : 'g'}`,
    one.origin === ORIGIN ? '' : hex(one.origin),
    Buffer.from(one.code).toString('hex'),
    changed(one.gpr, Array(16).fill(0n)),
    hex(one.flags),
    one.template,
    pairs(one.patches.map(({ address, value }) => [address, value])),
    [outcome.vector, outcome.errorCode, outcome.cr2, outcome.rip, outcome.flags].map(hex).join(','),
    changed(outcome.gpr, one.gpr),
    changed(outcome.selectors, before),
    usual ? '' : outcome.bases.map(hex).join(','),
    pairs(outcome.changes.map(({ address, value }) => [address, value])),
  ].join('|');
}

export function parseVector(line: string): Vector {
  const [form, size, origin, code, registers, flags, template, patches, end, gpr, selectors, bases, changes] = line.split('|') as string[];
  const start = Array<bigint>(16).fill(0n);
  for (const [i, value] of parsePairs(registers!)) start[i] = value;
  const one: SiliconCase = {
    codeSize: Number.parseInt(size!, 10) as CodeSize,
    smallStack: size!.includes('s'),
    localTable: !size!.includes('g'),
    origin: origin === '' ? ORIGIN : number(origin!),
    code: Uint8Array.from(Buffer.from(code!, 'hex')),
    gpr: start,
    flags: number(flags!),
    template: Number(template),
    patches: parsePairs(patches!).map(([address, value]) => ({ address, value })),
  };
  const [vector, errorCode, cr2, rip, endFlags] = end!.split(',') as [string, string, string, string, string];
  const after = [...start];
  for (const [i, value] of parsePairs(gpr!)) after[i] = value;
  const endSelectors = startSelectors(one);
  for (const [i, value] of parsePairs(selectors!)) endSelectors[i] = Number(value);
  const [fs, gs] = bases === '' ? [BigInt(FS_BASE), BigInt(GS_BASE)] : bases!.split(',').map(unhex);
  return {
    form: form!,
    case: one,
    outcome: {
      vector: number(vector),
      errorCode: number(errorCode),
      cr2: unhex(cr2),
      rip: unhex(rip),
      flags: number(endFlags),
      gpr: after,
      selectors: endSelectors,
      bases: [fs!, gs!],
      changes: parsePairs(changes!).map(([address, value]) => ({ address, value })),
    },
  };
}

/** The recorded cases; lines that begin with # say how and where they were recorded. */
export function readVectors(): Vector[] {
  const lines = readFileSync(VECTORS, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseVector);
}
