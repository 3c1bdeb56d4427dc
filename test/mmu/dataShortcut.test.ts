import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataShortcut, SHORTCUT_BYTES, SHORTCUT_ENTRIES, SHORTCUT_ENTRY_BYTES, shortcutSlot } from '../../src/mmu/dataShortcut.ts';

const page = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the entry of a page', () => {
  test('is one of those that there are, and its own among neighbours', () => {
    fc.assert(
      fc.property(page, (number) => {
        const first = (number - (number % SHORTCUT_ENTRIES)) >>> 0;
        const slots = Array.from({ length: SHORTCUT_ENTRIES }, (_, i) => shortcutSlot(first + i));
        expect(new Set(slots).size).toBe(SHORTCUT_ENTRIES);
        expect(slots.every((slot) => slot >= 0 && slot < SHORTCUT_ENTRIES)).toBe(true);
      }),
    );
  });

  test('is never that of the next page: an access over the end of a page looks for the second one there', () => {
    for (let number = 0; number < 2 ** 16; number++) expect(shortcutSlot(number + 1)).not.toBe(shortcutSlot(number));
  });

  test('is another one for the page at a distance that is a power of two, below 256 MB', () => {
    fc.assert(
      fc.property(page, fc.integer({ min: 0, max: 15 }), (number, log2) => {
        expect(shortcutSlot((number + (1 << log2)) >>> 0)).not.toBe(shortcutSlot(number));
      }),
    );
  });
});

test('drop empties the entry of its page in both tables, and no other', () => {
  fc.assert(
    fc.property(page, (number) => {
      const buffer = new ArrayBuffer(SHORTCUT_BYTES);
      const bytes = new Uint8Array(buffer).fill(1);
      new DataShortcut(buffer, 0).drop(number, 0);
      const tags = new BigUint64Array(buffer).filter((_, word) => word % (SHORTCUT_ENTRY_BYTES / 8) === 0);
      const emptied = [...tags.keys()].filter((entry) => tags[entry] === 0n);
      expect(emptied).toEqual([shortcutSlot(number), SHORTCUT_ENTRIES + shortcutSlot(number)]);
      expect(bytes).toHaveLength(SHORTCUT_BYTES);
    }),
  );
});
