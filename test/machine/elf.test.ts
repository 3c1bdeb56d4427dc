import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GuestImage } from '../../src/arch/guestImage.ts';
import { writeElf } from '../../src/asm/elf.ts';
import { buildGuest } from '../../src/kernels/guests.ts';
import { loadElf } from '../../src/machine/elf.ts';
import { ImageError } from '../../src/machine/imageError.ts';

const { image } = buildGuest('hello');
const kernel = writeElf(image);

/** Loads, or answers the complaint; anything else is thrown. */
function complaint(bytes: Uint8Array): string | undefined {
  try {
    checkImage(loadElf(bytes), bytes);
    return undefined;
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}

/** What every image must be, whatever file it came from. */
function checkImage({ entry, segments }: GuestImage, file: Uint8Array): void {
  let end = 0;
  for (const { address, bytes, memorySize } of segments) {
    if (address < end || bytes.length > memorySize || bytes.length > file.length) throw new Error('segments out of order or shape');
    end = address + memorySize;
  }
  if (!segments.some(({ address, memorySize }) => entry >= address && entry < address + memorySize)) throw new Error('entry in no segment');
}

const patched = (offset: number, value: bigint, bytes: 2 | 4 | 8): Uint8Array => {
  const copy = kernel.slice();
  for (let i = 0; i < bytes; i++) copy[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return copy;
};

describe('loading an ELF file', () => {
  test('gives back the image that was written', () => {
    const loaded = loadElf(kernel);
    expect({ entry: loaded.entry, segments: loaded.segments }).toEqual({ entry: image.entry, segments: image.segments });
    expect(loaded.symbols.get('main')).toBe(image.symbols.get('main'));
  });

  test('a segment without bytes may have any offset: nothing of the file belongs to it', () => {
    const empty = patched(64 + 32, 0n, 8);
    new DataView(empty.buffer).setBigUint64(64 + 8, BigInt(kernel.length + 1), true);
    expect(loadElf(empty).segments.some(({ bytes }) => bytes.length === 0)).toBe(true);
  });

  test.for<readonly [string, Uint8Array]>([
    ['not an ELF file', new Uint8Array(0)],
    ['truncated ELF header', kernel.slice(0, 63)],
    ['not a 64-bit ELF file', patched(4, 1n, 2)],
    ['not a little-endian', patched(4, 0x0202n, 2)],
    ['is not x86-64', patched(18, 40n, 2)],
    ['not an ELF executable', patched(16, 3n, 2)],
    ['entry point', patched(24, 1n << 60n, 8)],
    ['lies in no loadable segment', patched(24, 0x10n, 8)],
    ['program header table', patched(32, 1n << 60n, 8)],
    ['beyond the end', patched(32, BigInt(kernel.length), 8)],
    ['program header size', patched(54, 32n, 2)],
    ['beyond the end', patched(56, 0xffffn, 2)],
    ['no loadable segment', patched(56, 0n, 2)],
    ['larger in the file than in memory', patched(64 + 40, 1n, 8)],
    ['beyond the end', patched(64 + 8, BigInt(kernel.length), 8)],
    ['segment address', patched(64 + 24, 1n << 52n, 8)],
  ])('complains: %s', ([text, bytes]) => {
    expect(complaint(bytes)).toContain(text);
  });

  test('a file cut off anywhere loads whole or complains', () => {
    fc.assert(fc.property(fc.nat(kernel.length), (length) => void complaint(kernel.slice(0, length))));
  });

  test('a file with arbitrary damage loads as a sound image or complains', () => {
    const damage = fc.array(fc.tuple(fc.oneof(fc.nat(64 + 6 * 56), fc.nat(kernel.length - 1)), fc.nat(255)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = kernel.slice();
        for (const [offset, value] of changes) copy[offset] = value;
        complaint(copy);
      }),
      { numRuns: 500 },
    );
  });

  test('headers with arbitrary 64-bit numbers load as a sound image or complain', () => {
    const header = fc.record({ field: fc.integer({ min: 2, max: 49 }), value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) });
    fc.assert(
      fc.property(fc.array(header, { minLength: 1, maxLength: 4 }), (changes) => {
        const copy = kernel.slice();
        const view = new DataView(copy.buffer);
        for (const { field, value } of changes) view.setBigUint64(field * 8, value, true);
        // The mark of the file stays, or nothing else would be looked at.
        copy.set(kernel.subarray(0, 24));
        complaint(copy);
      }),
      { numRuns: 500 },
    );
  });
});
