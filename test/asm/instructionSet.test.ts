import { expect, test } from 'vitest';
import { formsOf } from '../../src/asm/forms.ts';
import { CONDITIONS, LOCKABLE, MNEMONICS, NEGATED } from '../../src/asm/instructionSet.ts';

test('every mnemonic of the instruction set has a form that can be encoded in 64-bit code', () => {
  const conditional = Object.values(CONDITIONS).flatMap((condition) => [`set${condition}`, `cmov${condition}`]);
  const without = [...Object.keys(MNEMONICS), ...conditional].filter((mnemonic) => !formsOf(mnemonic).some((form) => form.mode64));
  expect(without).toEqual([]);
});

test('every lockable mnemonic has a form that takes LOCK', () => {
  expect(LOCKABLE.filter((mnemonic) => !formsOf(mnemonic).some((form) => form.lockable))).toEqual([]);
});

test('the negation of a negation is the condition itself', () => {
  const canonical = [...new Set(Object.values(CONDITIONS))];
  expect(canonical.map((condition) => CONDITIONS[NEGATED[CONDITIONS[NEGATED[condition]]]])).toEqual(canonical);
});
