import type { RunOptions } from '../session/runOptions.ts';
import type { Figure, Table } from './findings.ts';
import type { ResultSet } from './resultSet.ts';

/** How much is run: for the figures, or to see the shape in a minute or two. */
export type Scale = 'full' | 'quick';

/**
 * Where a published statement comes from: `found` in a source that was read (an abstract, published code), `recalled` without one at hand, or
 * `derived` here by arithmetic. A recalled one is never shown as the paper's.
 */
export type Certainty = 'found' | 'recalled' | 'derived';

/** What is known about the published result. */
export interface Fact {
  readonly statement: string;
  readonly certainty: Certainty;
  readonly source: string;
}

/** One run: what is to be run, and how the reduction finds it again. Plain data. */
export interface Point {
  /** What tells this point from the others; the seed is one of them. */
  readonly labels: Labels;
  readonly run: PointRun;
  /** What it costs the host beside the others, for the estimate of the time left. Absent: virtual cores times virtual seconds. */
  readonly weight?: number;
}

export type Labels = Readonly<Record<string, string | number>>;

export interface PointRun {
  readonly options: RunOptions;
  /** Seconds of virtual time that are measured from the beginning of the measured part; undefined: until the guest ends it or itself. */
  readonly seconds: number | undefined;
  /** What is recorded besides the usual; TLB fills slow the run down. */
  readonly observeFills: boolean;
}

export type Verdict = 'holds' | 'fails' | 'not measured';

/** A property that the result must have, looked at by the program. */
export interface ShapeCheck {
  readonly name: string;
  /** What must hold, and by what measure. */
  readonly expectation: string;
  readonly verdict: Verdict;
  /** What was measured, in numbers. */
  readonly evidence: string;
}

/** A number of the paper beside the emulator's. */
export interface Headline {
  readonly what: string;
  readonly published: string;
  readonly certainty: Certainty;
  readonly measured: string;
  /** Why they differ, as far as measurements say. */
  readonly explanation: string;
}

/** What the reduction makes of the results. */
export interface Findings {
  readonly headlines: readonly Headline[];
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
  readonly checks: readonly ShapeCheck[];
  /** What a reader must know about these numbers. */
  readonly notes: readonly string[];
}

/** A published result, to be reproduced: what is run, and what must come out. */
export interface Experiment {
  readonly name: string;
  readonly doc: string;
  readonly facts: readonly Fact[];
  /** In the order in which they are run. */
  points(scale: Scale): readonly Point[];
  /** A function of the results alone. Points may be missing: a check that needs them says `not measured`. */
  reduce(results: ResultSet, scale: Scale): Findings;
}
