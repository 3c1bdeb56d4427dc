import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUESTS } from '../kernels/guests.ts';
import { planRun } from '../session/runPlan.ts';
import { UnusableInput } from '../session/unusableInput.ts';
import type { PointRun } from './experiment.ts';
import type { Measurement } from './measurement.ts';

/** Where the measurements of single points are kept below `--out`. */
const FOLDER = 'points';

/**
 * Measurements of points, one file each, so that an experiment that was interrupted goes on where it was.
 *
 * The name of a file is the hash of everything that the measurement is a function of: the point's configuration, the image of a kernel that comes from
 * a file, and the program (`programVersion`), which has the built-in guests in it. A file that cannot be read is as good as none.
 */
export class ResultStore {
  private readonly folder: string;
  private readonly version: string;
  private readonly images = new Map<string, string>();

  /** The folder exists. @param out directory of the experiment's results. */
  constructor(out: string, version: string) {
    this.folder = join(out, FOLDER);
    this.version = version;
    mkdirSync(this.folder, { recursive: true });
  }

  /** The measurement of this point from an earlier run, if there is one. */
  read(run: PointRun): Measurement | undefined {
    try {
      return JSON.parse(readFileSync(this.path(run), 'utf8')) as Measurement;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The measurement will be found by the next run. The file is whole or not there. */
  write(run: PointRun, measurement: Measurement): void {
    const path = this.path(run);
    writeFileSync(`${path}.partial`, JSON.stringify(measurement));
    renameSync(`${path}.partial`, path);
  }

  private path(run: PointRun): string {
    const hash = createHash('sha256').update(this.version).update(canonical(run)).update(this.imageOf(run));
    return join(this.folder, `${hash.digest('hex').slice(0, 32)}.json`);
  }

  /** Hash of the image that the point runs, where the configuration and the program do not determine it: a kernel from a file, with its modules. */
  private imageOf({ options }: PointRun): string {
    if (GUESTS.some(({ name }) => name === options.guest)) return 'built in';
    const files = canonical([options.guest, options.modules ?? []]);
    const known = this.images.get(files);
    if (known !== undefined) return known;
    const found = imageHash(options);
    this.images.set(files, found);
    return found;
  }
}

/** A point that cannot be planned has no image: it will fail. */
function imageHash(options: PointRun['options']): string {
  try {
    return planRun(options).imageHash;
  } catch (error) {
    if (error instanceof UnusableInput) return 'unusable';
    throw error;
  }
}

/** JSON with the keys of objects in order, so that equal values are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
