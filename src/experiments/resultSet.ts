import type { Labels, Point } from './experiment.ts';
import type { Measurement } from './measurement.ts';

export interface MeasuredPoint {
  readonly point: Point;
  readonly measurement: Measurement;
}

/** The points that were measured, to be looked up by their labels. Order is the experiment's, whatever the order of the runs was. */
export class ResultSet {
  readonly entries: readonly MeasuredPoint[];

  constructor(entries: readonly MeasuredPoint[]) {
    this.entries = entries;
  }

  /** The points that have all these labels. */
  where(labels: Labels): ResultSet {
    const wanted = Object.entries(labels);
    return new ResultSet(this.entries.filter(({ point }) => wanted.every(([name, value]) => point.labels[name] === value)));
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  get measurements(): readonly Measurement[] {
    return this.entries.map(({ measurement }) => measurement);
  }

  /** One value of each point; of points that differ in their seeds only, one for each seed. */
  values(of: (measurement: Measurement) => number): number[] {
    return this.measurements.map(of);
  }

  /** The distinct values of a label, in order of appearance, and the points that have it. */
  by(label: string): ReadonlyMap<string | number, ResultSet> {
    const groups = new Map<string | number, MeasuredPoint[]>();
    for (const entry of this.entries) {
      const value = entry.point.labels[label];
      if (value === undefined) continue;
      const group = groups.get(value);
      if (group === undefined) groups.set(value, [entry]);
      else group.push(entry);
    }
    return new Map([...groups].map(([value, entries]) => [value, new ResultSet(entries)]));
  }
}
