/** Makes a case of registers and memory plainer while processor and model still differ. */

export interface Plainer<T> {
  readonly test: T;
  readonly differences: readonly string[];
}

/** A step towards a plainer case; undefined when the case is as plain in that already. */
export type PlainStep<T> = (test: T) => T | undefined;

/**
 * The plainest case found, or undefined when the first does not show a difference by itself.
 * @param judge differences of a case; empty where there is none.
 */
export function shrinkState<T>(from: T, steps: readonly PlainStep<T>[], judge: (test: T) => readonly string[]): Plainer<T> | undefined {
  let best: Plainer<T> = { test: from, differences: judge(from) };
  if (best.differences.length === 0) return undefined;
  for (let progress = true; progress; ) {
    progress = false;
    for (const step of steps) {
      const test = step(best.test);
      if (test === undefined) continue;
      const differences = judge(test);
      if (differences.length === 0) continue;
      best = { test, differences };
      progress = true;
    }
  }
  return best;
}

/** Steps that make a list's elements `plain`, so many at a time. */
export const plainList = <T, E>(
  length: number,
  together: number,
  plain: E,
  get: (test: T) => readonly E[],
  set: (test: T, list: E[]) => T,
): PlainStep<T>[] =>
  Array.from({ length: length / together }, (_, n) => (test: T) => {
    const list = get(test);
    const mine = (i: number): boolean => Math.floor(i / together) === n;
    if (list.every((element, i) => !mine(i) || element === plain)) return undefined;
    return set(
      test,
      list.map((element, i) => (mine(i) ? plain : element)),
    );
  });

/** Steps that clear bytes, so many at a time. */
export const plainBytes = <T>(
  length: number,
  together: number,
  get: (test: T) => Uint8Array,
  set: (test: T, bytes: Uint8Array) => T,
): PlainStep<T>[] =>
  Array.from({ length: length / together }, (_, n) => (test: T) => {
    const bytes = get(test);
    const part = [n * together, (n + 1) * together] as const;
    if (bytes.subarray(...part).every((byte) => byte === 0)) return undefined;
    const copy = bytes.slice();
    copy.fill(0, ...part);
    return set(test, copy);
  });

/** The step that gives a field its plain value. */
export const plainField =
  <T extends object, K extends keyof T>(key: K, plain: T[K]): PlainStep<T> =>
  (test) =>
    test[key] === plain ? undefined : { ...test, [key]: plain };
