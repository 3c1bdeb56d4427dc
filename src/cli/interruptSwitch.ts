/** Host milliseconds between two looks at the event loop. */
const BREATH_MS = 50;

/**
 * Turns the first Ctrl-C into a wish that the run loop can see; the second one ends the process as usual.
 *
 * Signals are taken between tasks of the event loop, and a machine that runs keeps the loop busy: so the run loop calls `breathe` often, and every 50 ms of
 * host time that gives the loop a turn.
 */
export class InterruptSwitch {
  requested = false;
  private lastBreath = performance.now();
  private readonly onSignal = (): void => {
    this.requested = true;
    process.removeListener('SIGINT', this.onSignal);
  };

  install(): void {
    process.on('SIGINT', this.onSignal);
  }

  remove(): void {
    process.removeListener('SIGINT', this.onSignal);
  }

  /** A promise of one turn of the event loop when one is due, else undefined. */
  breathe(): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.lastBreath < BREATH_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.lastBreath = performance.now();
        resolve();
      });
    });
  }
}
