/** An engine as a runner of SSE cases, in the surroundings of the general ones. */
import { VECTOR_GP } from '../../src/arch/vectors.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { I32_MXCSR } from '../../src/cpu/state.ts';
import { Model } from './model.ts';
import type { Place } from './sharedPage.ts';
import { CODE } from './surroundings.ts';
import { DATA, DATA_SIZE, EXCEPTION_CLASSES, type VectorCase, type VectorOutcome } from './vectorSilicon.ts';

export class VectorModel {
  private readonly model: Model;

  constructor(engine: EngineName) {
    this.model = new Model(engine);
  }

  /** What the engine makes of a case; or the name of the instruction that is not implemented. */
  run(test: VectorCase, { origin, page }: Place = { origin: CODE, page: undefined }): VectorOutcome | string {
    const { xmm, i32 } = this.model.core.state;
    xmm.set(test.xmm);
    i32[I32_MXCSR] = test.mxcsr;
    const one = { codeSize: 64, smallStack: false, localTable: true, origin, page, template: 0, patches: [] } as const;
    const outcome = this.model.run({ ...one, code: test.code, gpr: test.gpr, flags: test.flags }, test.data);
    if (typeof outcome === 'string') return outcome;
    // Behind the code stands a HLT, which level 3 may not execute.
    const through = outcome.vector === VECTOR_GP && outcome.rip === BigInt(origin + test.code.length);
    return {
      fault: through ? '' : (EXCEPTION_CLASSES[outcome.vector] ?? `vector ${outcome.vector}`),
      gpr: outcome.gpr,
      flags: outcome.flags,
      mxcsr: i32[I32_MXCSR]!,
      xmm: [...xmm],
      data: this.model.core.memory.bytes.slice(DATA, DATA + DATA_SIZE),
    };
  }
}
