/**
 * A guest as it crosses to the machine: bytes at physical addresses, an entry point, symbols. Plain data; kernels written here and the
 * ELF loader both produce it.
 */
export interface GuestSegment {
  /** Physical address of the first byte. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes the segment occupies; what `bytes` does not cover is zero. At least `bytes.length`. */
  readonly memorySize: number;
}

export interface GuestImage {
  /** Address of the first instruction. */
  readonly entry: number;
  /** In ascending order of address; they do not overlap. */
  readonly segments: readonly GuestSegment[];
  /** Addresses by name. */
  readonly symbols: ReadonlyMap<string, number>;
}
