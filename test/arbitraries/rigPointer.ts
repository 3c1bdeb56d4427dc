/** Linear addresses in the rig that are interesting to a TLB, biased to ordinary pages, page ends and aliases. */
import fc from 'fast-check';
import * as rig from '../engines/rigLayout.ts';
import { DATA_PAGES } from '../engines/rigTables.ts';

const TOP_HALF = 0xffff_ff80_0000_0000n;

const offset: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 8, 64, 0x100, 0xff0, 0xff8) },
  { weight: 1, arbitrary: fc.constantFrom(0xff9, 0xffc, 0xffd, 0xffe, 0xfff) },
  { weight: 2, arbitrary: fc.nat(4095) },
);

const within = (base: number | bigint): fc.Arbitrary<bigint> => offset.map((place) => BigInt(base) + BigInt(place));

/** A page of the data window, by number. */
const dataPage = (page: fc.Arbitrary<number>): fc.Arbitrary<bigint> => page.chain((number) => within(rig.DATA + number * 4096));

const elsewhere = fc.oneof(
  within(rig.LARGE_PAGE),
  within(rig.LARGE_PAGE + 0x1f_f000),
  within(rig.LARGE_ALIAS + rig.DATA_FRAMES),
  within(rig.LARGE_ALIAS + rig.PROGRAMS + 0x1000),
  within(rig.LARGE_READ_ONLY),
  within(rig.LARGE_READ_ONLY - 0x1000),
  within(rig.LARGE_HOLE),
  within(rig.GIGABYTE_ALIAS + rig.DATA_FRAMES),
  within(rig.PROGRAMS),
  within(rig.PROGRAMS + 0x1000),
  within(TOP_HALF + BigInt(rig.DATA)),
  within(TOP_HALF + BigInt(rig.PROGRAMS)),
  fc.nat(63).map((register) => BigInt(rig.APIC + register * 16)),
  within(rig.STACKS + 3 * 4096),
  fc.constantFrom(0n, 0x7fff_ffff_fff8n, 0x7fff_ffff_fffdn, 0x8000_0000_0000n, 0xffff_8000_0000_0000n, -1n, -8n),
  within(rig.TABLES + 0x5000),
);

export const pointer: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 6, arbitrary: dataPage(fc.nat(3)) },
  { weight: 3, arbitrary: dataPage(fc.nat(DATA_PAGES.length)) },
  { weight: 2, arbitrary: elsewhere },
);
