/** An engine as a runner of x87 and MMX cases, in the surroundings of the general ones. */
import { VECTOR_GP } from '../../src/arch/vectors.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import {
  I32_MXCSR,
  I32_X87_CONTROL,
  I32_X87_IN_USE,
  I32_X87_OPCODE,
  I32_X87_STATUS,
  U64_X87_DATA,
  U64_X87_INSTRUCTION,
} from '../../src/cpu/state.ts';
import { Model } from './model.ts';
import type { Place } from './sharedPage.ts';
import { CODE } from './surroundings.ts';
import { DATA, DATA_SIZE, X87_EXCEPTION_CLASSES, type X87Case, type X87Outcome } from './x87Silicon.ts';

export class X87Model {
  private readonly model: Model;

  constructor(engine: EngineName) {
    this.model = new Model(engine);
  }

  /** What the engine makes of a case; or the name of the instruction that is not implemented. */
  run(test: X87Case, { origin, page }: Place = { origin: CODE, page: undefined }): X87Outcome | string {
    const { core } = this.model;
    const { u64, i32, xmm, x87 } = core.state;
    i32[I32_MXCSR] = test.mxcsr;
    i32[I32_X87_CONTROL] = test.control;
    i32[I32_X87_STATUS] = test.status;
    i32[I32_X87_IN_USE] = test.inUse;
    i32[I32_X87_OPCODE] = 0;
    u64[U64_X87_INSTRUCTION] = test.instruction;
    u64[U64_X87_DATA] = test.data;
    xmm.set(test.xmm);
    const place = (i: number): number => 2 * (((i32[I32_X87_STATUS]! >> 11) + i) & 7);
    test.stack.forEach((bits, i) => {
      x87[place(i)] = bits;
      x87[place(i) + 1] = bits >> 64n;
    });
    const one = { codeSize: 64, smallStack: false, localTable: true, origin, page, template: 0, patches: [] } as const;
    const outcome = this.model.run({ ...one, code: test.code, gpr: test.gpr, flags: test.flags }, test.memory);
    if (typeof outcome === 'string') return outcome;
    // Behind the code stands a HLT, which level 3 may not execute.
    const through = outcome.vector === VECTOR_GP && outcome.rip === BigInt(origin + test.code.length);
    return {
      fault: through ? '' : (X87_EXCEPTION_CLASSES[outcome.vector] ?? `vector ${outcome.vector}`),
      gpr: outcome.gpr,
      flags: outcome.flags,
      control: i32[I32_X87_CONTROL]!,
      status: i32[I32_X87_STATUS]!,
      inUse: i32[I32_X87_IN_USE]!,
      // The processor has the instruction at the beginning of its page.
      instruction: u64[U64_X87_INSTRUCTION] === BigInt(origin) ? BigInt(CODE) : u64[U64_X87_INSTRUCTION]!,
      data: u64[U64_X87_DATA]!,
      mxcsr: i32[I32_MXCSR]!,
      stack: Array.from({ length: 8 }, (_, i) => (BigInt.asUintN(16, x87[place(i) + 1]!) << 64n) | x87[place(i)]!),
      xmm: [...xmm],
      memory: core.memory.bytes.slice(DATA, DATA + DATA_SIZE),
    };
  }
}
