/** Pieces of random programs that give vector instructions something to work on: register contents, MXCSR, and what enables SSE. */
import fc from 'fast-check';
import { MXCSR_DAZ, MXCSR_FTZ, MXCSR_MASKS, MXCSR_PE, MXCSR_ROUNDING_SHIFT } from '../../src/arch/mxcsr.ts';
import type { ProgramPiece } from '../engines/engineCase.ts';
import * as rig from '../engines/rigLayout.ts';
import { RandomSource } from '../silicon/random.ts';
import { randomFloat } from './floats.ts';
import { loadRegister } from './plainInstruction.ts';

const RAX = 0;
const byte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');
const word = (value: number): string => [0, 8, 16, 24].map((shift) => byte(value >> shift)).join('');

/** 64 bits: a double, two singles, or anything. */
const half: fc.Arbitrary<bigint> = fc.integer().chain((seed) => {
  const source = new RandomSource(seed);
  const random = (): number => source.fraction();
  return fc.constantFrom(
    randomFloat(random, 64),
    randomFloat(random, 64),
    (randomFloat(random, 32) << 32n) | randomFloat(random, 32),
    (randomFloat(random, 32) << 32n) | randomFloat(random, 32),
    BigInt(seed >>> 0) * 0x1_0000_0001n,
  );
});

/** Ordinary doubles and singles: what the quick ways of an engine are for. */
const ordinaryHalf: fc.Arbitrary<bigint> = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map((n) => new BigUint64Array(Float64Array.of(n / 8).buffer)[0]!),
  fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })).map(([low, high]) => {
    return new BigUint64Array(Float32Array.of(low / 4, high / 4).buffer)[0]!;
  }),
);

/** An XMM register with two halves of one kind. */
const loadXmm = fc
  .record({ register: fc.nat(15), halves: fc.oneof(fc.tuple(half, half), fc.tuple(ordinaryHalf, ordinaryHalf)) })
  .map(({ register, halves: [low, high] }): ProgramPiece => {
    const modrm = byte(0xc0 | ((register & 7) << 3));
    const rex = register < 8 ? '48' : '4c';
    // movq xmm, rax; pinsrq xmm, rax, 1
    return { code: `${loadRegister(RAX, low)}66${rex}0f6e${modrm}${loadRegister(RAX, high)}66${rex}0f3a22${modrm}01` };
  });

const mxcsr: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(MXCSR_MASKS | MXCSR_PE, MXCSR_MASKS, MXCSR_MASKS | 0x3f) },
  {
    weight: 3,
    arbitrary: fc
      .record({ flags: fc.nat(63), rounding: fc.nat(3), ftz: fc.boolean(), daz: fc.boolean() })
      .map(
        ({ flags, rounding, ftz, daz }) =>
          MXCSR_MASKS | flags | (rounding << MXCSR_ROUNDING_SHIFT) | (ftz ? MXCSR_FTZ : 0) | (daz ? MXCSR_DAZ : 0),
      ),
  },
  { weight: 2, arbitrary: fc.nat(0xffff) },
  { weight: 1, arbitrary: fc.nat(0x1_ffff) },
);

/** mov dword [place], value; ldmxcsr [place] */
const loadMxcsr = mxcsr.map((value): ProgramPiece => {
  const place = word(rig.DATA + 0x60);
  return { code: `c70425${place}${word(value)}0fae1425${place}` };
});

/** CR0.TS set, CR0.EM set, CR4.OSFXSR clear; and back again. */
const enabling = fc
  .constantFrom(
    ...['0f20c00c080f22c0', '0f06', '0f06'],
    ...['0f20c00c040f22c0', '0f20c024f30f22c0', '0f20c024f30f22c0'],
    ...['0f20e080e4fd0f22e0', '0f20e080cc060f22e0', '0f20e080cc020f22e0'],
  )
  .map((code): ProgramPiece => ({ code }));

export const vectorPiece: fc.Arbitrary<ProgramPiece> = fc.oneof(
  { weight: 8, arbitrary: loadXmm },
  { weight: 3, arbitrary: loadMxcsr },
  { weight: 1, arbitrary: enabling },
);
