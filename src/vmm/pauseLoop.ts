/** What PAUSE-loop exiting is told: both in TSC cycles. */
export interface PauseLoopExiting {
  /** PAUSEs that are no further apart belong to one loop. */
  readonly gap: number;
  /** A loop that lasts longer leaves the guest. */
  readonly window: number;
}

/** What KVM asks for: gap 128 (41 in its first version), window 4096, for "most locks are held less than 2^12 cycles". Recalled, as papers have it. */
export const PLE_DEFAULTS: PauseLoopExiting = { gap: 128, window: 4096 };
