import type { LockAlgorithm } from '../../../src/kernels/lib/locks/lock.ts';

/** Values that make waits short, so that timing out and halting are ordinary; and a patience that never runs out. */
const SMALL: Readonly<Record<string, readonly number[]>> = { 'lock-unit': [0, 2, 14], 'lock-spin': [0, 2] };

/** Combinations of small values for the parameters that the lock has; the others take their defaults. */
export function parametersOf({ parameters }: LockAlgorithm): Record<string, number>[] {
  let combinations: Record<string, number>[] = [Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.default]))];
  for (const { name } of parameters) {
    const values = SMALL[name];
    if (values !== undefined) combinations = combinations.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  }
  return combinations;
}
