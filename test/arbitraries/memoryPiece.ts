/** Pieces of random programs that wear out translations: sweeps over pages, entries renewed under way, strings over page ends and over themselves. */
import fc from 'fast-check';
import type { ProgramPiece } from '../engines/engineCase.ts';
import * as rig from '../engines/rigLayout.ts';
import { DATA_PAGES } from '../engines/rigTables.ts';
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

export const memoryPiece: fc.Arbitrary<ProgramPiece> = fc.oneof(
  { weight: 3, arbitrary: sweep },
  { weight: 2, arbitrary: renewal },
  { weight: 3, arbitrary: longString },
);
