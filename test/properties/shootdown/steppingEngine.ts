import type { Core } from '../../../src/cpu/core.ts';
import type { Engine } from '../../../src/cpu/engines/engine.ts';

/** An engine that comes back after every instruction, so that a core can be interrupted, and lose time, between any two of them. */
export class SteppingEngine implements Engine {
  readonly name = 'stepping';
  private readonly inner: Engine;
  private readonly stepped: (core: Core) => void;
  private readonly stillness: (core: Core) => number;
  /** False: it is the engine that it is made of. */
  on = false;

  /** @param stepped told after each instruction. @param stillness cycles that pass before anything else is done; asked again when they have. */
  constructor(inner: Engine, stepped: (core: Core) => void, stillness: (core: Core) => number) {
    this.inner = inner;
    this.stepped = stepped;
    this.stillness = stillness;
  }

  run(core: Core): void {
    if (!this.on) {
      this.inner.run(core);
      return;
    }
    // What follows STI comes at once: the core has forgotten its interrupt shadow by now.
    const still = core.singleStep ? 0 : this.stillness(core);
    if (still > 0) {
      core.charge(still);
      return;
    }
    core.singleStep = true;
    this.inner.run(core);
    this.stepped(core);
  }
}
