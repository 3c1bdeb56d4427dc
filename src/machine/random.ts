/** A deterministic pseudo-random sequence (xorshift32): the only randomness in a run, a function of its seed. */
export class Random {
  private state: number;

  /** @param seed any integer; 0 is as good as another. */
  constructor(seed: number) {
    this.state = Math.imul(seed ^ 0x5bd1_e995, 0x9e37_79b1) | 1;
    this.next();
    this.next();
  }

  /** 32 bits, unsigned. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }
}
