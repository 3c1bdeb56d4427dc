/** A set of 256 vectors in eight words, as IRR, ISR and TMR hold it; `first` is the word of vectors 31:0. */

/** The highest vector in the set, or -1. */
export function highestVector(words: Int32Array, first: number): number {
  for (let word = 7; word >= 0; word--) {
    const bits = words[first + word]!;
    if (bits !== 0) return word * 32 + 31 - Math.clz32(bits);
  }
  return -1;
}

export function hasVector(words: Int32Array, first: number, vector: number): boolean {
  return ((words[first + (vector >> 5)]! >>> (vector & 31)) & 1) === 1;
}

export function addVector(words: Int32Array, first: number, vector: number): void {
  words[first + (vector >> 5)]! |= 1 << (vector & 31);
}

export function removeVector(words: Int32Array, first: number, vector: number): void {
  words[first + (vector >> 5)]! &= ~(1 << (vector & 31));
}
