import { expect, test } from 'vitest';
import { assembler } from '../../src/asm/assembler.ts';
import { writeElf } from '../../src/asm/elf.ts';

test('an image written as ELF64 has its segments, its entry and its symbols', () => {
  const a = assembler();
  a.label('start');
  a.hlt();
  a.variable('value', 7);
  a.room('stack', 8192, 4096);
  const { image } = a.assemble({ base: 0x10_0010 });
  const bytes = writeElf(image);
  const view = new DataView(bytes.buffer);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const cString = (at: number): string => Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString();

  expect(Buffer.from(bytes.subarray(0, 7)).toString('hex')).toBe('7f454c46020101');
  const segments = Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const header = u64(32) + 56 * index;
    const offset = u64(header + 8);
    expect([view.getUint32(header, true), u64(header + 24), (u64(header + 16) - offset) % 4096]).toEqual([1, u64(header + 16), 0]);
    return { address: u64(header + 24), bytes: bytes.slice(offset, offset + u64(header + 32)), memorySize: u64(header + 40) };
  });
  const section = (index: number): { at: number; size: number } => ({
    at: u64(u64(40) + 64 * index + 24),
    size: u64(u64(40) + 64 * index + 32),
  });
  const symbols = Array.from({ length: section(1).size / 24 }, (_, index) => {
    const at = section(1).at + 24 * index;
    return [cString(section(2).at + view.getUint32(at, true)), u64(at + 8)];
  });
  expect({ entry: u64(24), segments, symbols }).toEqual({
    entry: image.entry,
    segments: image.segments,
    symbols: [['', 0], ...image.symbols],
  });
});
