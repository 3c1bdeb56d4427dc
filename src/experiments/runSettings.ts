import { SHOOTDOWN_SCHEMES } from '../kernels/lib/shootdown/schemes.ts';
import type { RunOptions } from '../session/runOptions.ts';

/** Options of a run: what is not given takes the default, as on the command line. */
export function runOptions(given: Partial<RunOptions> & Pick<RunOptions, 'guest'>): RunOptions {
  return {
    cores: undefined,
    memoryBytes: undefined,
    engine: undefined,
    profile: undefined,
    seed: 0,
    append: '',
    params: {},
    shootdown: undefined,
    lock: undefined,
    vmm: undefined,
    maxCycles: Number.POSITIVE_INFINITY,
    checkTlb: false,
    ...given,
  };
}

/** Guest parameters as options hold them. */
export const parameters = (values: Readonly<Record<string, number | string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** Those of `wanted` that this version has, in that order. */
export const schemesPresent = (wanted: readonly string[]): readonly string[] =>
  wanted.filter((name) => SHOOTDOWN_SCHEMES.some((scheme) => scheme.name === name));

/** Schemes in hardware want a processor that has it: the same one, with that feature added, so that all prices are alike. */
const FEATURES: Readonly<Record<string, string>> = { invlpgb: 'invlpgb', rar: 'rar' };
const PROFILE = 'ivybridge';

/** The profile that a scheme is measured on. */
export const profileOf = (scheme: string): string => (FEATURES[scheme] === undefined ? PROFILE : `${PROFILE}+${FEATURES[scheme]}`);

/** Numbers from 1 to `count`. */
export const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);
