/** A seeded sequence, so that a case can be made again. */
export class RandomSource {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** In [0, 1); mulberry32. */
  fraction(): number {
    this.state = (this.state + 0x6d2b_79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  byte(): number {
    return this.below(256);
  }

  bits64(): bigint {
    return (BigInt(this.below(0x1_0000_0000)) << 32n) | BigInt(this.below(0x1_0000_0000));
  }
}
