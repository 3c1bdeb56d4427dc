/** Instructions that name MMX registers, by mnemonic; most share it with one on XMM registers. */
import type { Width } from '../../decode/instruction.ts';
import type { Meaning } from '../meaning.ts';
import * as lane from '../sse/laneOperations.ts';
import type { LaneOperation } from '../vectorOps.ts';
import { emptyAll } from '../x87/control.ts';
import * as moves from './moves.ts';
import { isMemory } from './operands.ts';
import * as packed from './packed.ts';

type Meanings = Readonly<Record<string, Meaning>>;

const WIDTHS: Readonly<Record<string, Width>> = { b: 8, w: 16, d: 32, q: 64 };
const byWidth = (stem: string, letters: string, operation: LaneOperation): Meanings =>
  Object.fromEntries([...letters].map((letter) => [stem + letter, packed.lanes(operation, WIDTHS[letter]!)]));
const shifts = (stem: string, letters: string, direction: 'left' | 'right' | 'rightSigned'): Meanings =>
  Object.fromEntries([...letters].map((letter) => [stem + letter, packed.shift(direction, WIDTHS[letter]!)]));

const LANES: Meanings = {
  Pand: packed.lanes(lane.LANE_AND, 64),
  Pandn: packed.lanes(lane.LANE_AND_NOT, 64),
  Por: packed.lanes(lane.LANE_OR, 64),
  Pxor: packed.lanes(lane.LANE_XOR, 64),
  ...byWidth('Padd', 'bwdq', lane.LANE_ADD),
  ...byWidth('Psub', 'bwdq', lane.LANE_SUBTRACT),
  ...byWidth('Padds', 'bw', lane.LANE_ADD_SIGNED),
  ...byWidth('Paddus', 'bw', lane.LANE_ADD_UNSIGNED),
  ...byWidth('Psubs', 'bw', lane.LANE_SUBTRACT_SIGNED),
  ...byWidth('Psubus', 'bw', lane.LANE_SUBTRACT_UNSIGNED),
  ...byWidth('Pcmpeq', 'bwd', lane.LANE_EQUAL),
  ...byWidth('Pcmpgt', 'bwd', lane.LANE_GREATER_SIGNED),
  ...byWidth('Pavg', 'bw', lane.LANE_AVERAGE),
  ...byWidth('Pabs', 'bwd', lane.LANE_ABSOLUTE),
  ...byWidth('Psign', 'bwd', lane.LANE_SIGN),
  Pminsw: packed.lanes(lane.LANE_MINIMUM_SIGNED, 16),
  Pmaxsw: packed.lanes(lane.LANE_MAXIMUM_SIGNED, 16),
  Pminub: packed.lanes(lane.LANE_MINIMUM_UNSIGNED, 8),
  Pmaxub: packed.lanes(lane.LANE_MAXIMUM_UNSIGNED, 8),
  Pmullw: packed.lanes(lane.LANE_MULTIPLY, 16),
  Pmulhw: packed.lanes(lane.LANE_MULTIPLY_HIGH_SIGNED, 16),
  Pmulhuw: packed.lanes(lane.LANE_MULTIPLY_HIGH_UNSIGNED, 16),
  Pmulhrsw: packed.lanes(lane.LANE_MULTIPLY_ROUNDED, 16),
  Pmuludq: packed.lanes(lane.LANE_MULTIPLY_LOW_UNSIGNED, 64),
  Pmaddwd: packed.lanes(lane.LANE_DOT_WORDS, 32),
  Pmaddubsw: packed.lanes(lane.LANE_DOT_BYTES, 16),
  Psadbw: packed.lanes(lane.LANE_BYTE_DISTANCE, 64),
};

const REARRANGED: Meanings = {
  ...shifts('Psll', 'wdq', 'left'),
  ...shifts('Psrl', 'wdq', 'right'),
  ...shifts('Psra', 'wd', 'rightSigned'),
  Punpcklbw: packed.unpack(8, 0),
  Punpcklwd: packed.unpack(16, 0),
  Punpckldq: packed.unpack(32, 0),
  Punpckhbw: packed.unpack(8, 1),
  Punpckhwd: packed.unpack(16, 1),
  Punpckhdq: packed.unpack(32, 1),
  Packsswb: packed.pack(16, true),
  Packssdw: packed.pack(32, true),
  Packuswb: packed.pack(16, false),
  Phaddw: packed.horizontal(lane.LANE_ADD, 16),
  Phaddd: packed.horizontal(lane.LANE_ADD, 32),
  Phaddsw: packed.horizontal(lane.LANE_ADD_SIGNED, 16),
  Phsubw: packed.horizontal(lane.LANE_SUBTRACT, 16),
  Phsubd: packed.horizontal(lane.LANE_SUBTRACT, 32),
  Phsubsw: packed.horizontal(lane.LANE_SUBTRACT_SIGNED, 16),
  Pshufw: packed.shuffleWords,
  Pshufb: packed.shuffleBytes,
  Palignr: packed.align,
  Pmovmskb: packed.signs,
};

const MOVES: Meanings = {
  Movd: moves.move(32),
  Movq: moves.move(64),
  Movntq: moves.move(64),
  Pinsrw: moves.insertWord,
  Pextrw: moves.extractWord,
  Maskmovq: moves.storeMasked,
};

/** With XMM registers, too: SSE must be enabled. */
const BETWEEN: Meanings = {
  Movdq2q: moves.fromXmm,
  Movq2dq: moves.toXmm,
  Cvtpi2ps: moves.fromIntegers('f32'),
  Cvtpi2pd: moves.fromIntegers('f64'),
  Cvtps2pi: moves.toIntegers('f32', false),
  Cvttps2pi: moves.toIntegers('f32', true),
  Cvtpd2pi: moves.toIntegers('f64', false),
  Cvttpd2pi: moves.toIntegers('f64', true),
};

/** CVTPI2PS and CVTPI2PD from memory have nothing to do with MMX registers. */
const isMmx = (mnemonic: string, memory: boolean): boolean => !mnemonic.startsWith('Cvtpi2') || !memory;

const guarded = (meanings: Meanings, sse: boolean): [string, Meaning][] =>
  Object.entries(meanings).map(([mnemonic, meaning]) => [
    mnemonic,
    (ops, insn) => {
      if (sse) ops.requireSse();
      if (isMmx(mnemonic, insn.operands.length > 1 && isMemory(insn, 1))) ops.requireMmx(true);
      meaning(ops, insn);
    },
  ]);

/** Instructions on MMX registers. */
export const MMX_MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ...guarded({ ...LANES, ...REARRANGED, ...MOVES }, false),
  ...guarded(BETWEEN, true),
]);

/** EMMS: every register is empty, TOP stays. */
export const emms: Meaning = (ops, insn) => {
  ops.requireMmx(false);
  ops.x87(emptyAll, insn, ops.vectorConstant(0n));
};
