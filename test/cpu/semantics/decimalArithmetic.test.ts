import { expect, test } from 'vitest';
import { execute } from './oneInstruction.ts';
import { AF, CF, resultFlags } from './sdmModel.ts';

interface Digits {
  readonly ax: number;
  readonly flags: number;
}

/** Every AL with every CF and AF, and an AH to see it change. */
const INPUTS = Array.from({ length: 1024 }, (_, i) => ({ al: i & 0xff, flags: 2 | ((i >> 8) & 1 ? CF : 0) | ((i >> 9) & 1 ? AF : 0) }));
const KNOWN = 0xd5;

function all(opcode: number[], model: (al: number, ah: number, cf: number, af: number) => Digits, known: number): void {
  const wrong = INPUTS.filter(({ al, flags }) => {
    const after = execute(32, opcode, { gpr: { 0: BigInt(0x1200 | al) }, flags });
    const expected = model(al, 0x12, flags & CF, (flags & AF) >> 4);
    return Number(after.gpr[0]) !== expected.ax || (after.flags & known) !== (expected.flags & known);
  });
  expect(wrong).toEqual([]);
}

/** The pseudo-code of DAA and DAS, statement by statement. */
function adjust(sign: 1 | -1): (al: number, ah: number, cf: number, af: number) => Digits {
  return (old, ah, oldCf, oldAf) => {
    let al = old;
    let cf = 0;
    let af = 0;
    if ((al & 0xf) > 9 || oldAf === 1) {
      const wide = al + sign * 6;
      al = wide & 0xff;
      cf = oldCf | (wide < 0 || wide > 0xff ? 1 : 0);
      af = 1;
    }
    if (old > 0x99 || oldCf === 1) {
      al = (al + sign * 0x60) & 0xff;
      cf = 1;
    } else if (sign === 1) {
      cf = 0;
    }
    return { ax: (ah << 8) | al, flags: (cf ? CF : 0) | (af ? AF : 0) | resultFlags(8, BigInt(al)) };
  };
}

test('DAA adjusts every AL', () => all([0x27], adjust(1), KNOWN));
test('DAS adjusts every AL', () => all([0x2f], adjust(-1), KNOWN));

const ascii =
  (sign: 1 | -1) =>
  (al: number, ah: number, _cf: number, af: number): Digits => {
    const low = (al & 0xf) > 9 || af === 1;
    const ax = (((ah << 8) | al) + (low ? sign * 0x106 : 0)) & 0xffff;
    return { ax: ax & 0xff0f, flags: low ? CF | AF : 0 };
  };
test('AAA adjusts every AL', () => all([0x37], ascii(1), CF | AF));
test('AAS adjusts every AL', () => all([0x3f], ascii(-1), CF | AF));

const RESULT = 0xc4;
test('AAM divides AL by its base', () =>
  all([0xd4, 7], (al) => ({ ax: (Math.floor(al / 7) << 8) | (al % 7), flags: resultFlags(8, BigInt(al % 7)) }), RESULT));
test('AAM by 0 raises #DE', () => expect(execute(32, [0xd4, 0]).fault).toMatchObject({ vector: 0 }));
test('AAD multiplies AH by its base and adds', () =>
  all(
    [0xd5, 10],
    (al, ah) => {
      const sum = (al + ah * 10) & 0xff;
      return { ax: sum, flags: resultFlags(8, BigInt(sum)) };
    },
    RESULT,
  ));
