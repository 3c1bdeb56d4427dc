import '../propertySeed.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CacheLines, lineTableBytes, MOST_COHERENT_CORES } from '../../src/mmu/cacheLines.ts';

const RAM = 4096;
const PRICES = { cacheLineTransfer: 100, cacheLineShared: 40 };
const lines = (): CacheLines => new CacheLines(new ArrayBuffer(64 + lineTableBytes(RAM)), 64, RAM, PRICES);

/** The protocol as a book has it: who has a copy, and whether it is a written one. */
class Msi {
  private readonly copies = new Set<number>();
  private modified = false;

  load(core: number): number {
    if (this.copies.has(core)) return 0;
    const price = this.copies.size === 0 ? 0 : this.modified ? PRICES.cacheLineTransfer : PRICES.cacheLineShared;
    this.copies.add(core);
    this.modified = false;
    return price;
  }

  store(core: number): number {
    const others = [...this.copies].filter((other) => other !== core);
    this.copies.clear();
    this.copies.add(core);
    this.modified = true;
    return others.length > 0 ? PRICES.cacheLineTransfer : 0;
  }
}

test('lines cost what the protocol says, whatever the order of accesses', () => {
  const access = fc.record({
    core: fc.nat({ max: MOST_COHERENT_CORES - 1 }),
    hpa: fc.constantFrom(0, 63, 64, RAM - 1),
    store: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
      const subject = lines();
      const book = new Map<number, Msi>();
      for (const { core, hpa, store } of accesses) {
        const line = hpa >> 6;
        const msi = book.get(line) ?? new Msi();
        book.set(line, msi);
        expect(store ? subject.store(core, hpa) : subject.load(core, hpa)).toBe(store ? msi.store(core) : msi.load(core));
      }
    }),
  );
});

test('the table has a word for each line', () => {
  expect(lineTableBytes(RAM)).toBe((RAM / 64) * 2);
  expect(lineTableBytes(3 * 1024 ** 3)).toBe(96 * 1024 ** 2);
  const all = lines();
  expect(all.store(0, RAM - 1)).toBe(0);
  expect(all.load(1, RAM - 64)).toBe(100);
  expect(all.load(1, 0)).toBe(0);
});
