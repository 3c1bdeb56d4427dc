import fc from 'fast-check';
import type { PagingContext } from '../../src/mmu/pagingContext.ts';
import { resetPagingContext } from '../../src/mmu/pagingContext.ts';

/** Memory of the generated tables: 96 pages. Pages 1–15 hold guest tables, 32–47 EPT tables, the rest data. */
export const PAGES = 96;
const TABLE_PAGES = 15;
const EPT_ROOT = 32;

/** True with probability `percent` / 100; shrinks to false. */
const chance = (percent: number) => fc.integer({ min: 0, max: 99 }).map((n) => n >= 100 - percent);

const sum = (terms: readonly (readonly [boolean, bigint])[]): bigint =>
  terms.reduce((total, [on, value]) => (on ? total | value : total), 0n);

/** A frame number that mostly names a guest table, else data, a place far outside RAM, or an aligned large page. */
const frame = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: TABLE_PAGES }) },
  { weight: 2, arbitrary: fc.integer({ min: 16, max: 31 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x200, 0x4_0000, 0x8_0000, 0xfff_ffff, 0xffff_ffff, 0x1000_0000) },
);

/** A paging-structure entry, mostly present; reserved bits and large pages now and then. */
const guestEntry = (large: number) =>
  fc
    .tuple(
      frame,
      chance(92),
      chance(80),
      chance(80),
      chance(50),
      chance(30),
      chance(large),
      chance(30),
      chance(15),
      chance(3),
      fc.integer({ min: 44, max: 62 }),
    )
    .map(([page, p, rw, us, a, d, ps, g, xd, reserved, reservedBit]) =>
      sum([
        [p, 1n],
        [rw, 2n],
        [us, 4n],
        [a, 0x20n],
        [d, 0x40n],
        [ps, 0x80n],
        [g, 0x100n],
        [xd, 1n << 63n],
        [reserved, 1n << BigInt(reservedBit)],
        // A large page is aligned more often than not.
        [true, BigInt(ps ? page & ~0x1ff : page) << 12n],
      ]),
    );

/** An EPT entry. */
const eptEntry = (large: number) =>
  fc
    .tuple(
      fc.constantFrom(7, 7, 7, 7, 3, 5, 4, 1, 2, 0),
      fc.constantFrom(6, 6, 6, 0, 1, 4, 5, 2, 7),
      chance(large),
      chance(40),
      chance(40),
      chance(2),
      fc.integer({ min: 44, max: 51 }),
    )
    .map(([rwx, type, ps, a, d, reserved, reservedBit]) => ({
      rwx: BigInt(rwx),
      type: BigInt(type) << 3n,
      ps,
      flags: sum([
        [a, 0x100n],
        [d, 0x200n],
        [reserved, 1n << BigInt(reservedBit)],
      ]),
    }));

const INDEX_CHOICES = [0, 1, 511];

/** A canonical address with indices from a small set, so that addresses share tables. */
export const linearAddress = fc
  .tuple(
    fc.constantFrom(...INDEX_CHOICES),
    fc.constantFrom(...INDEX_CHOICES),
    fc.constantFrom(...INDEX_CHOICES),
    fc.constantFrom(...INDEX_CHOICES),
    fc.integer({ min: 0, max: 4095 }),
  )
  .map(([pml4, pdpt, pd, pt, offset]) =>
    Number(BigInt.asIntN(48, (BigInt(pml4) << 39n) | (BigInt(pdpt) << 30n) | (BigInt(pd) << 21n) | (BigInt(pt) << 12n) | BigInt(offset))),
  );

/** The same for the 32-bit modes. */
export const shortAddress = fc
  .tuple(fc.constantFrom(0, 1, 2, 511, 512, 1023), fc.constantFrom(0, 1, 511, 1023), fc.integer({ min: 0, max: 4095 }))
  .map(([directory, table, offset]) => directory * 0x40_0000 + table * 4096 + offset);

/** A kind of access of mmu/access. */
export const accessKind = fc.tuple(fc.constantFrom(0, 1, 2), fc.constantFrom(0, 4, 8)).map(([kind, privilege]) => kind | privilege);

export interface PagingWorld {
  readonly memory: ArrayBuffer;
  readonly context: PagingContext;
}

/**
 * Random tables and a random mode: guest tables at pages 1–15 whose entries name one another, EPT tables (if any) that permute the pages of
 * RAM.
 */
export const pagingWorld = (mode: 'long' | 'pae' | 'legacy'): fc.Arbitrary<PagingWorld> =>
  fc
    .record({
      entries: fc.array(
        fc.tuple(fc.integer({ min: 1, max: TABLE_PAGES }), fc.constantFrom(0, 1, 2, 3, 255, 256, 510, 511), guestEntry(12)),
        { minLength: 60, maxLength: 120 },
      ),
      upper: fc.array(guestEntry(25), { minLength: 12, maxLength: 12 }),
      nested: fc.boolean(),
      eptUpper: fc.tuple(eptEntry(0), eptEntry(3), eptEntry(10)),
      eptPages: fc.array(eptEntry(10), { minLength: PAGES, maxLength: PAGES }),
      eptPlain: chance(60),
      rotate: fc.constantFrom(0, 1, 7),
      flags: fc.record({
        writeProtect: fc.boolean(),
        noExecute: chance(70),
        globalPages: fc.boolean(),
        smep: fc.boolean(),
        smap: fc.boolean(),
        alignmentCheckFlag: fc.boolean(),
        pse: fc.boolean(),
        eptAccessedDirty: fc.boolean(),
      }),
    })
    .map((parts) => {
      const memory = new ArrayBuffer(PAGES * 4096);
      const view = new DataView(memory);
      const context: PagingContext = {
        ...resetPagingContext(),
        ...parts.flags,
        paging: true,
        pae: mode !== 'legacy',
        longMode: mode === 'long',
        root: mode === 'pae' ? 0x1020 : 0x1000,
        eptRoot: parts.nested ? EPT_ROOT : 0,
      };
      // Guest pages are where EPT puts them, when it puts them anywhere: guest page p at host page p, tables rotated among themselves.
      const hostOf = (page: number) =>
        parts.nested && page >= 1 && page <= TABLE_PAGES ? 1 + ((page - 1 + parts.rotate) % TABLE_PAGES) : page;
      const put = (page: number, index: number, entry: bigint) => {
        if (mode === 'legacy') view.setUint32(hostOf(page) * 4096 + index * 4, Number(entry & 0xffff_ffffn), true);
        else view.setBigUint64(hostOf(page) * 4096 + index * 8, entry, true);
      };
      for (const [page, index, entry] of parts.entries) put(page, index, entry);
      // The root has entries that lead somewhere at the indices that addresses use.
      const indices = mode === 'long' ? [0, 1, 511] : mode === 'pae' ? [4, 5, 6, 7] : [0, 1, 2, 511, 512, 1023];
      indices.forEach((index, i) => {
        let entry = parts.upper[i]!;
        if (mode === 'long') entry &= ~0x80n;
        if (mode === 'pae' && i !== 3) entry = (entry & ~0x1e6n & ~(0xfffn << 52n) & 0xf_ffff_ffff_ffffn) | 1n;
        put(1, index, entry);
      });
      if (parts.nested) {
        const [pml4e, pdpte, pde] = parts.eptUpper;
        const table = (entry: typeof pml4e, page: number) => (parts.eptPlain ? 7n : entry.rwx | entry.flags) | (BigInt(page) << 12n);
        view.setBigUint64(EPT_ROOT * 4096, table(pml4e, 33), true);
        view.setBigUint64(33 * 4096, table(pdpte, 34) | (pdpte.ps ? 0xb0n : 0n), true);
        view.setBigUint64(34 * 4096, pde.ps && !parts.eptPlain ? pde.rwx | pde.type | pde.flags | 0x80n : table(pde, 35), true);
        parts.eptPages.forEach((entry, page) => {
          const plain = parts.eptPlain && entry.rwx !== 0n && entry.rwx !== 2n && page <= TABLE_PAGES;
          const bits = plain ? 7n | (6n << 3n) | (entry.flags & 0x300n) : entry.rwx | entry.type | entry.flags;
          view.setBigUint64(35 * 4096 + page * 8, bits | (BigInt(hostOf(page)) << 12n), true);
        });
      }
      return { memory, context };
    });
