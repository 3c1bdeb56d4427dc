import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { BigintArithmetic } from '../../../src/cpu/engines/reference/bigintArithmetic.ts';
import { conditionFlags, conditionOfFlags } from '../../../src/cpu/semantics/conditions.ts';
import { FLAG_RULES, FLAGS_ADD, FLAGS_SUB } from '../../../src/cpu/semantics/flags.ts';
import type { FlagRule, Ops, Value } from '../../../src/cpu/semantics/ops.ts';

const ops = new BigintArithmetic() as unknown as Ops<Value>;
const opaque = (value: bigint): Value => value as unknown as Value;

/** Results that a rule is used with. */
function resultOf(rule: FlagRule, width: Width, a: bigint, b: bigint): bigint {
  if (rule === FLAGS_ADD) return BigInt.asUintN(width, a + b);
  if (rule === FLAGS_SUB) return BigInt.asUintN(width, a - b);
  return a & b;
}

const widths = [8, 16, 32, 64] as const;
const operand = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, -2n, 0x7fn, 0x80n, 0x7fff_ffffn, 1n << 31n, (1n << 63n) - 1n, 1n << 63n),
  fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
);

describe('the shorter ways to a condition', () => {
  const short = FLAG_RULES.filter(({ condition }) => condition !== undefined);

  it('exist for comparisons', () => {
    expect(short).toContain(FLAGS_SUB);
  });

  it.each(short.map((rule) => [rule.name, rule] as const))('of %s say what the flags say', (_name, rule) => {
    fc.assert(
      fc.property(fc.constantFrom(...widths), operand, operand, fc.boolean(), fc.nat(7), (width, x, y, same, pair) => {
        const a = BigInt.asUintN(width, x);
        const b = same ? a : BigInt.asUintN(width, y);
        const r = resultOf(rule, width, a, b);
        const [va, vb, vr] = [opaque(a), opaque(b), opaque(r)];
        const answer = rule.condition!(ops, pair, width, va, vb, vr) as unknown as bigint | undefined;
        if (answer === undefined) return;
        expect(rule.mask & conditionFlags(2 * pair)).toBe(conditionFlags(2 * pair));
        expect(answer).toBe(conditionOfFlags(ops, 2 * pair, (bit) => rule.flag(ops, bit, width, va, vb, vr)) as unknown as bigint);
      }),
      { numRuns: 2000 },
    );
  });
});
