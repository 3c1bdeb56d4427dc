/** A long comparison in this process: families in turn, seed after seed, until the time is over. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Family, type Finding, Tally } from './family.ts';

const REGRESSIONS = 'test/regressions/silicon';

export interface LongRunOptions {
  readonly seconds: number;
  readonly seed: number;
  /** What is added to the seed after each round. */
  readonly stride: number;
  /** Differences do not end the run, and are shown only. */
  readonly keepGoing: boolean;
  /** Asked between two batches. */
  stopped(): boolean;
  /** Told after each round. */
  progress(seed: number, tally: Tally): void;
}

/** What was compared. The first difference of each form and kind is shown, and written where the ordinary suite replays it. */
export async function longRun(families: readonly Family[], options: LongRunOptions): Promise<Tally> {
  const end = performance.now() + options.seconds * 1000;
  const tally = new Tally();
  const shown = new Set<string>();
  for (let seed = options.seed; performance.now() < end; seed += options.stride) {
    for (const family of families) {
      for (const finding of family.compare(seed, tally)) {
        if (!shown.has(keyOf(finding))) {
          shown.add(keyOf(finding));
          show(finding, options.keepGoing);
          if (!options.keepGoing) return tally;
        }
      }
      await setImmediate();
      if (options.stopped()) return tally;
    }
    options.progress(seed, tally);
  }
  return tally;
}

const keyOf = ({ engine, form, kind }: Finding): string => `${engine} ${form} ${kind}`;

function show(finding: Finding, only: boolean): void {
  const { text, file, contents } = finding.explain();
  console.log(text);
  if (only) return;
  mkdirSync(REGRESSIONS, { recursive: true });
  writeFileSync(join(REGRESSIONS, file), contents);
  console.log(`written to ${join(REGRESSIONS, file)}`);
}
