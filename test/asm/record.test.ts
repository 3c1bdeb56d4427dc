import { expect, test } from 'vitest';
import { at, formatOperand, inSegment } from '../../src/asm/operand.ts';
import { aligned, array, record, sizeOf, space, u8, u16, u32, u64 } from '../../src/asm/record.ts';
import { gs, rdi, rsi } from '../../src/asm/register.ts';

test('fields are naturally aligned and carry their widths into operands', () => {
  const layout = record({ tag: u8, next: u16, count: u32, link: u64, slots: array(u32, 3), area: space(16), last: aligned(64, u8) });
  expect([sizeOf(layout), ...Object.values(layout).map((field) => [field.name, field.width, field.offset, field.bytes])]).toEqual([
    128,
    ['tag', 8, 0, 1],
    ['next', 16, 2, 2],
    ['count', 32, 4, 4],
    ['link', 64, 8, 8],
    ['slots', 32, 16, 12],
    ['area', 0, 32, 16],
    ['last', 8, 64, 1],
  ]);
  expect(formatOperand(at(rdi, layout.slots, rsi.times(4)))).toBe('mem32 [rdi + rsi*4 + 0x10]');
  expect(formatOperand(inSegment(gs, layout.link))).toBe('mem64 [gs: 0x8]');
  expect(formatOperand(at('table', layout.next))).toBe('mem16 [table + 0x2]');
});
