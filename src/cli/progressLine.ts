import type { Output } from './terminal.ts';

/** Nothing is shown before this much host time has passed; then at most this often on a terminal, and in a log. */
const QUIET_MS = 2000;
const TERMINAL_MS = 200;
const LOG_MS = 10_000;

/** Says on standard error how far a long command is and how long it will take: one line that is rewritten on a terminal, now and then a line elsewhere. */
export class ProgressLine {
  private readonly output: Output;
  private readonly now: () => number;
  private readonly started: number;
  private shownAt = 0;
  private shownWidth = 0;

  /** @param now host time in milliseconds */
  constructor(output: Output, now: () => number = () => performance.now()) {
    this.output = output;
    this.now = now;
    this.started = now();
  }

  /** @param done between 0 and 1; undefined when nobody knows. `describe` is called only when something is shown. */
  update(done: number | undefined, describe: () => string): void {
    const now = this.now();
    const elapsed = now - this.started;
    if (elapsed < QUIET_MS || (this.shownAt !== 0 && now - this.shownAt < (this.output.isTTY === true ? TERMINAL_MS : LOG_MS))) return;
    this.shownAt = now;
    const estimate =
      done === undefined || done <= 0 ? '' : `, ${Math.floor(done * 100)} %, ${formatDuration((elapsed / done) * (1 - done))} left`;
    const line = `${describe()}, ${formatDuration(elapsed)} so far${estimate}`;
    if (this.output.isTTY === true) {
      this.output.write(`\r${line.padEnd(this.shownWidth)}`);
      this.shownWidth = line.length;
    } else {
      this.output.write(`${line}\n`);
    }
  }

  /** The line is gone from the terminal. */
  clear(): void {
    if (this.shownWidth > 0) this.output.write(`\r${' '.repeat(this.shownWidth)}\r`);
    this.shownWidth = 0;
  }
}

function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
