import type { Probe } from './probe.ts';

/** Where a writer's bytes go. */
export interface ByteSink {
  /** The bytes are taken; the caller may reuse the array. */
  write(bytes: Uint8Array): void;
}

/** A probe that writes what it observes. */
export interface TraceWriter extends Probe {
  /** Everything observed has been written. The writer takes no more events. */
  close(): void;
}
