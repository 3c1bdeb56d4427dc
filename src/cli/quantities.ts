import { basename } from 'node:path';

/** Numbers with units, as options take them. Every parser throws RangeError with what is wrong and what is wanted. */

const NUMBER = /^(\d[\d_]*(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)$/i;

function split(text: string, wanted: string): { number: number; unit: string } {
  const match = NUMBER.exec(text.trim());
  if (match === null) throw new RangeError(`'${text}' is not ${wanted}`);
  return { number: Number(match[1]!.replaceAll('_', '')), unit: match[2]! };
}

/** A whole number of at least `min` and at most `max`: 42, 1_000_000, 2e9. */
export function parseInteger(text: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`;
  const { number, unit } = split(text, wanted);
  if (unit !== '' || !Number.isSafeInteger(number) || number < min || number > max) throw new RangeError(`'${text}' is not ${wanted}`);
  return number;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  m: 2 ** 20,
  mib: 2 ** 20,
  g: 2 ** 30,
  gib: 2 ** 30,
};

/** Bytes: 256M, 1G, 64MiB, 1048576. Units are powers of 1024. */
export function parseSize(text: string): number {
  const wanted = 'a size such as 256M, 1G or a number of bytes';
  const { number, unit } = split(text, wanted);
  const bytes = number * (SIZE_UNITS[unit.toLowerCase()] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new RangeError(`'${text}' is not ${wanted}`);
  return bytes;
}

/** A span of virtual time, in the unit in which it was given. */
export type TimeSpan =
  | { readonly unit: 'cycles'; readonly cycles: number }
  | { readonly unit: 'nanoseconds'; readonly nanoseconds: number };

const TIME_UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** A span (a micro sign or a Greek mu does for the u): 3ms, 250us, 1.5s, or a number of cycles (10000, 10000cycles). */
export function parseTime(text: string): TimeSpan {
  const wanted = 'a time such as 3ms, 250us or a number of cycles';
  const { number, unit } = split(text.replace(/[µμ]/, 'u'), wanted);
  if (unit === '' || unit === 'cycles') {
    if (!Number.isSafeInteger(number) || number <= 0) throw new RangeError(`'${text}' is not ${wanted}`);
    return { unit: 'cycles', cycles: number };
  }
  const nanoseconds = number * (TIME_UNITS[unit] ?? Number.NaN);
  if (!(nanoseconds > 0) || !Number.isFinite(nanoseconds)) throw new RangeError(`'${text}' is not ${wanted}`);
  return { unit: 'nanoseconds', nanoseconds };
}

/** The span in whole cycles, at least one. */
export function timeToCycles(span: TimeSpan, frequencyHz: number): number {
  return span.unit === 'cycles' ? span.cycles : Math.max(1, Math.round((span.nanoseconds * frequencyHz) / 1e9));
}

/** A number of at least 0 to multiply with: 2, 0.5, 1e-3. */
export function parseFactor(text: string): number {
  const factor = Number(text);
  if (text.trim() === '' || !Number.isFinite(factor) || factor < 0) throw new RangeError(`'${text}' is not a factor of at least 0`);
  return factor;
}

/** Whole numbers, separated by commas. */
export function parseWeights(text: string): readonly number[] {
  return text.split(',').map((part) => parseInteger(part, 1));
}

/** WINDOW/GAP in cycles. */
export function parsePauseLoop(text: string): { readonly window: number; readonly gap: number } {
  const match = /^([\d_]+)\/([\d_]+)$/.exec(text.trim());
  if (match === null) throw new RangeError(`'${text}' is not WINDOW/GAP in cycles, such as 4096/128`);
  return { window: parseInteger(match[1]!, 1), gap: parseInteger(match[2]!, 1) };
}

/** KEY=VALUE; the value may be empty and may hold further equal signs. */
export function parseAssignment(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new RangeError(`'${text}' is not KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** FILE or FILE=STRING; without a string it is the file's name without folders. */
export function parseModule(text: string): readonly [path: string, text: string] {
  const at = text.indexOf('=');
  const path = at < 0 ? text : text.slice(0, at);
  if (path === '' || text.includes('\0')) throw new RangeError(`'${text}' is not FILE or FILE=STRING`);
  return [path, at < 0 ? basename(path) : text.slice(at + 1)];
}
