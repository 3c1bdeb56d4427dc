/** Columns of a message in an inbox. */
export const MESSAGE_DUE = 0;
export const MESSAGE_FLOW = 1;
export const MESSAGE_SOURCE = 2;
export const MESSAGE_DELIVERY = 3;
export const MESSAGE_VECTOR = 4;
const COLUMNS = 5;

/**
 * Messages on their way to one core, as rows of numbers sorted by (due time, flow number). Insertion is linear: a few messages are on their
 * way at a time.
 */
export class MessageInbox {
  private rows = new Float64Array(16 * COLUMNS);
  private count = 0;

  /** When the first message arrives; Infinity when there is none. */
  get nextDue(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.rows[MESSAGE_DUE]!;
  }

  get length(): number {
    return this.count;
  }

  /** A column (MESSAGE_…) of the first message. Precondition: there is one. */
  first(column: number): number {
    return this.rows[column]!;
  }

  /** The message waits behind all that arrive no later. Precondition: `flow` is above that of every message inserted before. */
  insert(due: number, flow: number, source: number, delivery: number, vector: number): void {
    if ((this.count + 1) * COLUMNS > this.rows.length) this.grow();
    const { rows } = this;
    let row = this.count;
    while (row > 0 && rows[(row - 1) * COLUMNS + MESSAGE_DUE]! > due) row--;
    const at = row * COLUMNS;
    rows.copyWithin(at + COLUMNS, at, this.count * COLUMNS);
    rows[at + MESSAGE_DUE] = due;
    rows[at + MESSAGE_FLOW] = flow;
    rows[at + MESSAGE_SOURCE] = source;
    rows[at + MESSAGE_DELIVERY] = delivery;
    rows[at + MESSAGE_VECTOR] = vector;
    this.count++;
  }

  /** The first message is gone. */
  shift(): void {
    this.rows.copyWithin(0, COLUMNS, this.count * COLUMNS);
    this.count--;
  }

  /** A copy of the rows in use. */
  snapshot(): Float64Array {
    return this.rows.slice(0, this.count * COLUMNS);
  }

  restore(rows: Float64Array): void {
    this.rows = new Float64Array(Math.max(rows.length, 16 * COLUMNS));
    this.rows.set(rows);
    this.count = rows.length / COLUMNS;
  }

  private grow(): void {
    const larger = new Float64Array(this.rows.length * 2);
    larger.set(this.rows);
    this.rows = larger;
  }
}
