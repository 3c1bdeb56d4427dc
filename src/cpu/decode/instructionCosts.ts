/** Prices of instructions as the decoder adds them up, in cycles; the machine's cost table fills them in. */
export interface InstructionCosts {
  /** Every instruction. */
  readonly instruction: number;
  /** Added when the access is locked: LOCK prefix, or XCHG with memory. */
  readonly locked: number;
  /** Added to DIV and IDIV. */
  readonly divide: number;
  /** Added to MFENCE, SFENCE and LFENCE. */
  readonly fence: number;
  /** Added to PAUSE. */
  readonly pause: number;
}
