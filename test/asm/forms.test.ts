import { Code, CodeExt, EncodingKind, Mnemonic, OpCodeOperandKind } from 'iced-x86';
import { expect, test } from 'vitest';
import { formsOf } from '../../src/asm/forms.ts';
import { CONDITIONS, MNEMONICS } from '../../src/asm/instructionSet.ts';

test('every mnemonic that is written here has the forms that the library lists under it, in table order', () => {
  const expected = new Map<string, number[]>();
  for (const [name, code] of Object.entries(Code)) {
    if (typeof code !== 'number' || /_[0-9A-F]{2}r\d$/.test(name) || /^(Xchg_r\d\d_.?AX|Cmpxchg486_.*)$/.test(name)) continue;
    const info = CodeExt.opCode(code);
    const absolute = Array.from({ length: info.opCount }, (_, i) => info.opKind(i)).includes(OpCodeOperandKind.mem_offs);
    // DB and its kind declare data.
    if (info.isInstruction && info.encoding === EncodingKind.Legacy && !absolute) {
      const mnemonic = Mnemonic[info.mnemonic]!.toLowerCase();
      const keys = info.opCount === 0 ? [mnemonic, name.toLowerCase()] : [mnemonic];
      for (const key of new Set(keys)) expected.set(key, [...(expected.get(key) ?? []), code]);
    }
    info.free();
  }
  const written = Object.keys(MNEMONICS);
  for (const condition of Object.values(CONDITIONS)) written.push(`j${condition}`, `set${condition}`, `cmov${condition}`);
  expect(written.length).toBeGreaterThan(150);
  for (const mnemonic of written) {
    expect([mnemonic, formsOf(mnemonic).map(({ code }) => code)]).toEqual([mnemonic, expected.get(mnemonic)]);
  }
});
