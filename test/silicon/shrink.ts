/** Makes a case in which processor and model differ smaller while they still differ. */
import { differences, isUndefined } from './comparison.ts';
import { instructionsOf } from './generator.ts';
import type { Model } from './model.ts';
import type { Processor } from './processor.ts';
import type { Outcome, SiliconCase } from './siliconCase.ts';

export interface Shrunk {
  readonly case: SiliconCase;
  readonly expected: Outcome;
  readonly differences: readonly string[];
  readonly summary: string;
}

/** Drops instructions and patches, and sets registers and flags to 0, as long as a difference remains; undefined when it does not show alone. */
export function shrink(from: SiliconCase, processor: Processor, model: Model): Shrunk | undefined {
  // Alone in its page: what is written down has no other code.
  let best = judge({ ...from, page: undefined }, processor, model);
  if (best === undefined) return undefined;
  for (let progress = true; progress; ) {
    progress = false;
    for (const candidate of smaller(best.case)) {
      const result = judge(candidate, processor, model);
      if (result === undefined) continue;
      best = result;
      progress = true;
      break;
    }
  }
  return best;
}

function judge(one: SiliconCase, processor: Processor, model: Model): Shrunk | undefined {
  const insns = instructionsOf(one.code, one.codeSize);
  if (isUndefined(insns, one)) return undefined;
  const expected = processor.run([one])[0]!;
  const actual = model.run(one);
  if (typeof actual === 'string') return undefined;
  const found = differences(insns, one, expected, actual);
  if (found.length === 0) return undefined;
  const registers = one.gpr.map((value, i) => `r${i}=${value.toString(16)}`).filter((text) => !text.endsWith('=0'));
  const patches = one.patches.map(({ address, value }) => `[${address.toString(16)}]=${value.toString(16)}`);
  const summary = `${insns.map(({ form }) => form).join(', ')} at ${one.origin.toString(16)}; flags ${one.flags.toString(16)} ${registers.join(' ')} ${patches.join(' ')} -> vector ${expected.vector} error ${expected.errorCode.toString(16)} cr2 ${expected.cr2.toString(16)} rip ${expected.rip.toString(16)}`;
  return { case: one, expected, differences: found, summary };
}

function* smaller(one: SiliconCase): Generator<SiliconCase> {
  const insns = instructionsOf(one.code, one.codeSize);
  if (insns.length > 1) {
    let at = 0;
    for (const { length } of insns) {
      yield { ...one, code: Uint8Array.from([...one.code.slice(0, at), ...one.code.slice(at + length)]) };
      at += length;
    }
  }
  for (let i = 0; i < one.patches.length; i++) yield { ...one, patches: one.patches.filter((_, other) => other !== i) };
  for (let i = 0; i < 16; i++) if (one.gpr[i] !== 0n) yield { ...one, gpr: one.gpr.map((value, other) => (other === i ? 0n : value)) };
  for (let bit = 0; bit < 22; bit++) if ((one.flags & (1 << bit) & ~0x202) !== 0) yield { ...one, flags: one.flags & ~(1 << bit) };
}
