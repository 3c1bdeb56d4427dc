/** Numbers collected one by one, in order; room grows by doubling. */
export class Samples {
  private values = new Float64Array(1024);
  private count = 0;

  add(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.count++] = value;
  }

  /** All of them. A copy. */
  toArray(): Float64Array {
    return this.values.slice(0, this.count);
  }
}
