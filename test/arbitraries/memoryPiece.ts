/** Pieces of random programs that wear out translations: sweeps over pages, entries renewed under way, strings over page ends and over themselves. */
import fc from 'fast-check';
import { PTE_G, PTE_P, PTE_PS, PTE_RW, PTE_US } from '../../src/arch/paging.ts';
import type { ProgramPiece } from '../engines/engineCase.ts';
import * as rig from '../engines/rigLayout.ts';
import { DATA_PAGES, PD_LOW, PT_DATA, RIG_CR3 } from '../engines/rigTables.ts';
import { loadRegister } from './plainInstruction.ts';
import { pointer } from './rigPointer.ts';

const RCX = 1;
const RBX = 3;
const RSI = 6;
const RDI = 7;
const PAGE_TABLE = rig.DATA + 13 * 4096;
const OFFSET_LIMIT = 0xff0;

const byte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');
const word = (value: number): string => [0, 8, 16, 24].map((shift) => byte(value >> shift)).join('');
const dataPage = fc.nat(DATA_PAGES.length - 1);

/** What is done at [rbx]: loads, stores, updates, an access over the page end, INVLPG. */
const touch = fc.constantFrom(
  '8a03',
  '8803',
  'fe03',
  '488b03',
  '488903',
  '48ff03',
  'f0480fc103',
  '488b83fc0f0000',
  '488983fd0f0000',
  '0f013b',
);

const strides = fc.oneof(
  fc.record({ base: dataPage.map((page) => rig.DATA + page * 4096), stride: fc.constantFrom(4096, 4096, 8192, -4096) }),
  fc.record({
    base: fc.constantFrom(rig.LARGE_PAGE, rig.LARGE_ALIAS, rig.GIGABYTE_ALIAS),
    stride: fc.constantFrom(4096, 2 ** 20, 2 ** 21),
  }),
  fc.record({
    base: fc.constant(rig.LARGE_ALIAS + rig.DATA_FRAMES),
    stride: fc.constantFrom(2 ** 20, rig.GIGABYTE_ALIAS - rig.LARGE_ALIAS),
  }),
);

/** Page after page, round after round: more of them than a small TLB holds, some on top of each other in every index. */
const sweep = fc
  .record({
    place: strides,
    offset: fc.constantFrom(0, 8, OFFSET_LIMIT),
    count: fc.integer({ min: 2, max: 24 }),
    touches: fc.array(touch, { minLength: 1, maxLength: 3 }),
  })
  .map(({ place: { base, stride }, offset, count, touches }): ProgramPiece => {
    const loop = `${touches.join('')}4881c3${word(stride)}ffc9`;
    return { code: `${loadRegister(RBX, BigInt(base + offset))}b9${word(count)}${loop}75${byte(-(loop.length / 2 + 2))}` };
  });

/** Accessed and dirty flags are cleared, with or without the invalidation that this calls for, and the page is touched again. */
const renewal = fc
  .record({ page: dataPage, count: fc.integer({ min: 1, max: 30 }), before: touch, invalidate: fc.boolean(), after: touch })
  .map(({ page, count, before, invalidate, after }): ProgramPiece => {
    const places = loadRegister(RBX, BigInt(rig.DATA + page * 4096)) + loadRegister(RSI, BigInt(PAGE_TABLE + page * 8));
    const loop = `${before}4883269f${invalidate ? '0f013b' : ''}${after}ffc9`;
    return { code: `${places}b9${word(count)}${loop}75${byte(-(loop.length / 2 + 2))}` };
  });

/** Where the other operand of a string instruction lies: near the first, in a page with the same index, in an alias, or anywhere. */
const partner = (first: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.integer({ min: -40, max: 40 }).map((distance) => first + BigInt(distance)),
    fc.integer({ min: -5000, max: 5000 }).map((distance) => first + BigInt(distance)),
    fc.constantFrom(2n ** 20n, -(2n ** 20n), 8192n, BigInt(rig.GIGABYTE_ALIAS - rig.LARGE_ALIAS)).map((distance) => first + distance),
    pointer,
  );

/** A repeated string instruction that goes on over page ends, into faults, or over what it has just written. */
const longString = fc
  .record({
    opcode: fc.constantFrom(0xa4, 0xa5, 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf),
    repeat: fc.constantFrom('f3', 'f3', 'f2'),
    size: fc.constantFrom('', '66', '48', '67'),
    segment: fc.constantFrom('', '', '', '64'),
    count: fc.oneof(fc.integer({ min: 5, max: 70 }), fc.nat(5000), fc.constantFrom(0xff_ffff, -1)),
    fill: fc.constantFrom(0n, -1n, 0x1122_3344_5566_7788n, 0x4040_4040_4040_4040n),
    down: fc.nat(7).map((n) => n === 0),
    places: pointer.chain((from) => fc.tuple(fc.constant(from), partner(from))),
    swapped: fc.boolean(),
  })
  .map(({ opcode, repeat, size, segment, count, fill, down, places, swapped }): ProgramPiece => {
    const [from, to] = swapped ? [places[1], places[0]] : places;
    const prefixes = size === '48' ? `${segment}${repeat}48` : `${size}${segment}${repeat}`;
    const registers = loadRegister(RSI, from) + loadRegister(RDI, to) + loadRegister(RCX, BigInt(count)) + loadRegister(0, fill);
    return { code: `${down ? 'fd' : 'fc'}${registers}${prefixes}${byte(opcode)}` };
  });

const ENTRY = PTE_P | PTE_RW | PTE_US;
const NX = 1n << 63n;

/** Two entries in turn at one place of the tables, and pages that the entry is about. */
interface Turns {
  readonly entryAt: number;
  readonly entries: readonly [bigint, bigint];
  readonly place: bigint;
}

const inPage = fc.constantFrom(0, 8, 0x100, OFFSET_LIMIT, 0xffc);
const large = fc
  .record({
    frame: fc.constantFrom(0, rig.LARGE_PAGE),
    flags: fc.constantFrom(ENTRY, ENTRY, ENTRY | PTE_G, PTE_P | PTE_US, PTE_P | PTE_RW),
    executable: fc.boolean(),
  })
  .map(({ frame, flags, executable }) => BigInt(frame | flags | PTE_PS) | (executable ? 0n : NX));

/** A large page and a table of small ones at the same addresses: entries of both sizes come to be side by side. */
const sizes: fc.Arbitrary<Turns> = fc
  .record({ window: fc.constantFrom(rig.DATA, rig.DATA, rig.LARGE_PAGE), page: dataPage, offset: inPage, large, swapped: fc.boolean() })
  .map(({ window, page, offset, large, swapped }) => {
    const table = BigInt(PT_DATA | ENTRY);
    return {
      entryAt: PD_LOW + (window >> 21) * 8,
      entries: swapped ? [large, table] : [table, large],
      place: BigInt(window + page * 4096 + offset),
    };
  });

const small = fc
  .record({
    frame: fc.nat(15),
    flags: fc.constantFrom(ENTRY, ENTRY, ENTRY | PTE_G, ENTRY | PTE_G, PTE_P | PTE_US, PTE_P | PTE_RW, PTE_P | PTE_US | PTE_G, 0),
    executable: fc.boolean(),
  })
  .map(({ frame, flags, executable }) => BigInt((rig.DATA_FRAMES + frame * 4096) | flags) | (executable ? 0n : NX));

/** A page that changes frames, permissions, and whether it is global. */
const frames: fc.Arbitrary<Turns> = fc
  .record({ page: dataPage, offset: inPage, entries: fc.tuple(small, small) })
  .map(({ page, offset, entries }) => ({ entryAt: PT_DATA + page * 8, entries, place: BigInt(rig.DATA + page * 4096 + offset) }));

/** INVPCID of a type and PCID, at the address in RBX. */
const invpcid = fc
  .record({ type: fc.nat(3), pcid: fc.nat(2) })
  .map(
    ({ type, pcid }) =>
      `48c70425${word(rig.DATA + 0x40)}${word(pcid)}48891c25${word(rig.DATA + 0x48)}b8${word(type)}660f38820425${word(rig.DATA + 0x40)}`,
  );
const invalidation = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.constant('0f013b') },
  { weight: 1, arbitrary: invpcid },
);

const countedLoop = (before: string, count: number, body: string): ProgramPiece => {
  const loop = `${body}ffc9`;
  return { code: `${before}b9${word(count)}${loop}0f85${word(-(loop.length / 2 + 6))}` };
};

/** Entries in turn, with or without the invalidation that this calls for, and touches in between. */
const remapping = fc
  .record({ turns: fc.oneof(sizes, frames), count: fc.integer({ min: 1, max: 12 }), touches: fc.tuple(touch, touch, touch), invalidation })
  .map(({ turns: { entryAt, entries, place }, count, touches, invalidation }) => {
    const places = loadRegister(RBX, place) + loadRegister(RSI, BigInt(rig.LARGE_ALIAS + entryAt));
    const [one, other] = entries.map((entry) => `${loadRegister(0, entry)}488906`);
    return countedLoop(places, count, `${touches[0]}${one}${touches[1]}${invalidation}${other}${touches[2]}`);
  });

/** Address spaces in turn: PCIDs, with their translations kept or not. */
const spaces = fc
  .record({
    place: pointer,
    spaces: fc.array(fc.tuple(fc.nat(3), fc.boolean()), { minLength: 2, maxLength: 3 }),
    count: fc.integer({ min: 1, max: 10 }),
    touches: fc.array(touch, { minLength: 1, maxLength: 2 }),
    invalidation,
  })
  .map(({ place, spaces, count, touches, invalidation }) => {
    const turns = spaces.map(([pcid, keep]) => {
      return `${loadRegister(0, BigInt(RIG_CR3 | pcid) | (keep ? 1n << 63n : 0n))}0f22d8${touches.join('')}`;
    });
    return countedLoop(loadRegister(RBX, place), count, turns.join(invalidation));
  });

export const memoryPiece: fc.Arbitrary<ProgramPiece> = fc.oneof(
  { weight: 3, arbitrary: sweep },
  { weight: 2, arbitrary: renewal },
  { weight: 3, arbitrary: longString },
  { weight: 3, arbitrary: remapping },
  { weight: 2, arbitrary: spaces },
);
