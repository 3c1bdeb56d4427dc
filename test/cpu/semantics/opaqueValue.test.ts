/** Meanings cannot look at run-time values. The proof is that this file compiles: every line marked so would be an error otherwise. */
import { expect, test } from 'vitest';
import type { Instruction } from '../../../src/cpu/decode/instruction.ts';
import type { Meaning } from '../../../src/cpu/semantics/meaning.ts';
import type { Ops, Value } from '../../../src/cpu/semantics/ops.ts';

const offences = {
  condition: (ops: Ops<Value>) => {
    const value = ops.readGpr(64, 0);
    // @ts-expect-error a run-time value has no truth at decode time
    if (value) return;
    // @ts-expect-error nor in a conditional expression
    ops.writeGpr(64, 0, value ? value : value);
    // @ts-expect-error nor negated
    ops.writeGpr(64, 0, !value);
  },
  arithmetic: (ops: Ops<Value>) => {
    const value = ops.readGpr(64, 0);
    // @ts-expect-error values are combined by ops only
    ops.writeGpr(64, 0, value + value);
    // @ts-expect-error an ordinary number is not a value
    ops.writeGpr(64, 0, 1);
    // @ts-expect-error nor is a bigint
    ops.writeGpr(64, 0, 1n);
  },
};

/** Decode-time facts are ordinary data. */
const allowed: Meaning = (ops: Ops<Value>, insn: Instruction) => {
  if (insn.lock) ops.writeGpr(64, 0, ops.constant(64, insn.operands[0]!.immediate));
};

test('values are opaque to meanings', () => {
  expect([typeof offences.condition, typeof offences.arithmetic, typeof allowed]).toEqual(['function', 'function', 'function']);
});
