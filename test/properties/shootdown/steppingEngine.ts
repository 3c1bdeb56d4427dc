import type { Core } from '../../../src/cpu/core.ts';
import type { Engine } from '../../../src/cpu/engines/engine.ts';

/** An engine that comes back after every instruction, so that a core can be interrupted, and lose time, between any two of them. */
export class SteppingEngine implements Engine {
  readonly name = 'stepping';
  private readonly inner: Engine;
  private readonly stepped: (core: Core) => void;
  /** False: it is the engine that it is made of. */
  on = false;

  /** @param stepped told after each instruction. */
  constructor(inner: Engine, stepped: (core: Core) => void) {
    this.inner = inner;
    this.stepped = stepped;
  }

  run(core: Core): void {
    if (!this.on) {
      this.inner.run(core);
      return;
    }
    core.singleStep = true;
    this.inner.run(core);
    this.stepped(core);
  }
}
