/** Pieces that do little but change and read status flags, in short blocks with many ways between them. */
import fc from 'fast-check';
import { MARK_BASE } from '../../src/arch/marks.ts';
import type { ProgramPiece } from '../engines/engineCase.ts';
import * as rig from '../engines/rigLayout.ts';

const byte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');
const word = (value: number): string => [0, 8, 16, 24].map((shift) => byte(value >> shift)).join('');
const target = fc.nat(63);
const pieces = (...codes: string[]): fc.Arbitrary<ProgramPiece> => fc.constantFrom(...codes).map((code) => ({ code }));

/** INC, DEC, rotates, bit tests, shifts that may do nothing, single flags: each leaves some flags as they were. */
const partial = pieces(
  ...['ffc0', 'ffcb', '48ffc2', '66ffc8', 'fec9', 'd1c0', 'd3cb', 'd3d0', 'd1d8', 'd3d8', '66d3d2', 'c1d202'],
  ...['0fbae005', '0fa3d8', '0fbbd8', 'd3e0', 'd3fb', '66d3ea', '0fa5d8', 'f5', 'f8', 'f9', '9e', '0fbcc3', '0fbdd1'],
);
const whole = pieces('01d8', '29d0', '6639d8', '84d0', '4831d8', 'f7d8', '0fafc3', 'f7e3', '83c001', '83c37f', '0d00000000');
const reading = fc.oneof(
  pieces('11d8', '19d3', '6611c2', '10c8', '9f', '9c415a'),
  fc.nat(15).map((condition): ProgramPiece => ({ code: `0f${byte(0x90 | condition)}c1` })),
  fc.nat(15).map((condition): ProgramPiece => ({ code: `0f${byte(0x40 | condition)}d8` })),
  fc.nat(15).map((condition): ProgramPiece => ({ code: `0f${byte(0x40 | condition)}ca0f${byte(0x90 | (condition ^ 5))}c3` })),
);
/** A single flag, one operation that leaves it alone, and a condition of both. */
const parts = fc
  .record({
    single: fc.constantFrom('f5', 'f8', 'f9', '0fbae007'),
    kept: fc.constantFrom('ffc0', 'ffcb', 'd1c0', 'd1d8'),
    condition: fc.nat(15),
  })
  .map(
    ({ single, kept, condition }): ProgramPiece => ({
      code: `${single}${kept}0f${byte(0x90 | condition)}c10f4${(condition ^ 6).toString(16)}d8`,
    }),
  );
const jump = fc.record({ condition: fc.nat(15), target }).map(
  ({ condition, target }): ProgramPiece => ({
    code: `0f${byte(0x80 | condition)}00000000`,
    reference: { at: 2, kind: 'rel32', target, plus: 0 },
  }),
);
const call = target.map((target): ProgramPiece => ({ code: 'e800000000', reference: { at: 1, kind: 'rel32', target, plus: 0 } }));
/** Ways out of a region with flags pending: loads, stores into this code, PAUSE, INVLPG, a mark, repetitions, what only the reference engine does, faults. */
const leaving = fc.oneof(
  pieces(`448b0425${word(rig.DATA)}`, `44893425${word(rig.DATA + 8)}`, 'f390', `0f013c25${word(rig.DATA)}`, `0f1f80${word(MARK_BASE)}`),
  pieces('fc', 'c3', '4159', '4150', '0fa2', `0f013c25${word(rig.PROGRAMS)}`, 'f3a6', 'f2ae', '0f31', `f0ff0425${word(rig.DATA + 16)}`),
  target.map((target): ProgramPiece => ({ code: 'fe0500000000', reference: { at: 2, kind: 'rel32', target, plus: 1 } })),
);
const faulting = pieces(`448b0425${word(rig.DATA + 5 * 4096)}`, '31d2f7f2', 'f7f6');

export const flagPiece: fc.Arbitrary<ProgramPiece> = fc.oneof(
  { weight: 12, arbitrary: partial },
  { weight: 6, arbitrary: whole },
  { weight: 10, arbitrary: reading },
  { weight: 3, arbitrary: parts },
  { weight: 5, arbitrary: jump },
  { weight: 1, arbitrary: call },
  { weight: 2, arbitrary: leaving },
  { weight: 1, arbitrary: faulting },
);
