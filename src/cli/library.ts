import type { RunStats } from '../trace/runStats.ts';
import type { BootOptions } from './bootOptions.ts';

/** What the command line wants from the rooms below it. Commands know this interface and nothing else of them. */
export interface Library {
  /** Runs a guest until it ends. Raises: UsageError when a name or a file is unusable. */
  boot(options: BootOptions, host: BootHost): Promise<BootResult>;
  /** Everything that can be named, by kind. */
  catalog(): Promise<Catalog>;
  /** Raises: UsageError when there is no such experiment. */
  experiment(name: string, options: ExperimentOptions, host: ExperimentHost): Promise<ExperimentResult>;
  /** Listing of a guest, with labels and symbols. Raises: UsageError. */
  disassemble(guest: string): Promise<string>;
}

/** What a run may ask of its host. None of it may influence what happens in the machine. */
export interface BootHost {
  /** The guest has sent a byte on its serial line or debug console. */
  serial(byte: number): void;
  /**
   * To be called often, say every few thousand blocks. It mostly returns undefined at once; when it returns a promise the run loop awaits it, so
   * that the host can take signals and show progress.
   */
  breathe(progress: BootProgress): Promise<void> | undefined;
  /** The user wants the run to end: stop, and report what was measured so far. */
  readonly interrupted: boolean;
}

export interface BootProgress {
  readonly cycles: number;
  readonly instructions: number;
}

export type BootOutcome =
  | { readonly kind: 'powered-off' }
  /** The guest wrote this status to the debug-exit port. */
  | { readonly kind: 'exited'; readonly status: number }
  /** `report`: registers and the last instructions. */
  | { readonly kind: 'died'; readonly report: string }
  | { readonly kind: 'out-of-cycles' }
  /** `report`: bytes, address and core. */
  | { readonly kind: 'not-implemented'; readonly report: string }
  | { readonly kind: 'interrupted' };

export interface BootResult {
  readonly outcome: BootOutcome;
  /** Everything but the exit status, which follows from the outcome. */
  readonly stats: Omit<RunStats, 'exitStatus'>;
  /** The whole configuration as it was resolved, with seed and image hash: JSON. */
  readonly config: Readonly<Record<string, unknown>>;
}

export const CATALOG_KINDS = ['guests', 'experiments', 'schemes', 'locks', 'schedulers', 'profiles'] as const;
export type CatalogKind = (typeof CATALOG_KINDS)[number];
export type Catalog = Readonly<Record<CatalogKind, readonly { readonly name: string; readonly doc: string }[]>>;

export interface ExperimentOptions {
  readonly quick: boolean;
  readonly jobs: number;
  readonly out: string | undefined;
}

export interface ExperimentHost {
  /** @param done between 0 and 1 */
  progress(done: number, what: string): void;
  /** Aborted when the user wants it to end: then what was measured so far is the result. */
  readonly signal: AbortSignal;
}

export interface ExperimentResult {
  /** What there is to read, for standard output. */
  readonly report: string;
  /** Every run was measured, and the result has the shape it must have. */
  readonly shapeHolds: boolean;
  /** The user ended it before all runs were made. */
  readonly interrupted: boolean;
}

/** Loads the library when a command needs it, so that `--help` does not. This is the one place that names the rooms behind it. */
export async function loadLibrary(): Promise<Library> {
  const { sessionLibrary } = await import('./sessionLibrary.ts');
  return sessionLibrary;
}
