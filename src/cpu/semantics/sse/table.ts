/** SSE instructions by mnemonic: those with operands in XMM registers, whose names may mean something else without (MOVSD), and the others. */
import type { Width } from '../../decode/instruction.ts';
import type { FloatOperation } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import type { LaneOperation } from '../vectorOps.ts';
import * as control from './control.ts';
import * as cryptography from './cryptography.ts';
import * as arithmetic from './floatArithmetic.ts';
import * as conversion from './floatConversion.ts';
import * as lane from './laneOperations.ts';
import * as moves from './moves.ts';
import { readLow } from './operands.ts';
import * as packed from './packedInteger.ts';
import * as shuffles from './shuffles.ts';
import { compareToIndex, compareToMask } from './stringCompare.ts';

type Meanings = Readonly<Record<string, Meaning>>;

const all = (mnemonics: readonly string[], meaning: Meaning): Meanings =>
  Object.fromEntries(mnemonics.map((mnemonic) => [mnemonic, meaning]));

const MOVES: Meanings = {
  ...all(['Movaps', 'Movapd', 'Movdqa', 'Movntps', 'Movntpd', 'Movntdq', 'Movntdqa'], moves.moveAligned),
  ...all(['Movups', 'Movupd', 'Movdqu', 'Lddqu'], moves.moveUnaligned),
  Movss: moves.moveScalar(32),
  Movsd: moves.moveScalar(64),
  Movd: moves.moveInteger(32),
  Movq: moves.moveInteger(64),
  ...all(['Movlps', 'Movlpd'], moves.moveHalf(0)),
  ...all(['Movhps', 'Movhpd'], moves.moveHalf(1)),
  Movhlps: moves.moveHighToLow,
  Movlhps: moves.moveLowToHigh,
  Maskmovdqu: control.storeMasked,
};

const FLOAT_OPERATIONS: readonly (readonly [stem: string, operation: FloatOperation])[] = [
  ['Add', 'add'],
  ['Sub', 'subtract'],
  ['Mul', 'multiply'],
  ['Div', 'divide'],
  ['Sqrt', 'squareRoot'],
  ['Min', 'minimum'],
  ['Max', 'maximum'],
];

const FLOAT_ARITHMETIC: Meanings = {
  ...Object.fromEntries(
    FLOAT_OPERATIONS.flatMap(([stem, operation]) => [
      [`${stem}ss`, arithmetic.scalar(operation, 'f32')],
      [`${stem}sd`, arithmetic.scalar(operation, 'f64')],
      [`${stem}ps`, arithmetic.packed(operation, 'f32')],
      [`${stem}pd`, arithmetic.packed(operation, 'f64')],
    ]),
  ),
  Addsubps: arithmetic.packed('subtractAdd', 'f32'),
  Addsubpd: arithmetic.packed('subtractAdd', 'f64'),
  Rcpps: arithmetic.packed('reciprocal', 'f32'),
  Rcpss: arithmetic.scalar('reciprocal', 'f32'),
  Rsqrtps: arithmetic.packed('reciprocalRoot', 'f32'),
  Rsqrtss: arithmetic.scalar('reciprocalRoot', 'f32'),
  Haddps: arithmetic.horizontal('add', 'f32'),
  Haddpd: arithmetic.horizontal('add', 'f64'),
  Hsubps: arithmetic.horizontal('subtract', 'f32'),
  Hsubpd: arithmetic.horizontal('subtract', 'f64'),
  Dpps: arithmetic.dotProduct('f32'),
  Dppd: arithmetic.dotProduct('f64'),
  Ucomiss: arithmetic.order('f32', false),
  Ucomisd: arithmetic.order('f64', false),
  Comiss: arithmetic.order('f32', true),
  Comisd: arithmetic.order('f64', true),
  Cmpss: arithmetic.comparison('f32', true),
  Cmpsd: arithmetic.comparison('f64', true),
  Cmpps: arithmetic.comparison('f32', false),
  Cmppd: arithmetic.comparison('f64', false),
  Roundss: arithmetic.rounding('f32', true),
  Roundsd: arithmetic.rounding('f64', true),
  Roundps: arithmetic.rounding('f32', false),
  Roundpd: arithmetic.rounding('f64', false),
};

const CONVERSIONS: Meanings = {
  Cvtsi2ss: conversion.scalarFromInteger('f32'),
  Cvtsi2sd: conversion.scalarFromInteger('f64'),
  Cvtss2si: conversion.scalarToInteger('f32', false),
  Cvtsd2si: conversion.scalarToInteger('f64', false),
  Cvttss2si: conversion.scalarToInteger('f32', true),
  Cvttsd2si: conversion.scalarToInteger('f64', true),
  Cvtss2sd: conversion.scalarBetweenFormats('f32', 'f64'),
  Cvtsd2ss: conversion.scalarBetweenFormats('f64', 'f32'),
  Cvtdq2ps: conversion.packedConversion(4, 'i32', 'f32'),
  Cvtps2dq: conversion.packedConversion(4, 'f32', 'i32'),
  Cvttps2dq: conversion.packedConversion(4, 'f32', 'i32', true),
  Cvtdq2pd: conversion.packedConversion(2, 'i32', 'f64'),
  Cvtpd2dq: conversion.packedConversion(2, 'f64', 'i32'),
  Cvttpd2dq: conversion.packedConversion(2, 'f64', 'i32', true),
  Cvtps2pd: conversion.packedConversion(2, 'f32', 'f64'),
  Cvtpd2ps: conversion.packedConversion(2, 'f64', 'f32'),
};

const WIDTH_OF_LETTER: Readonly<Record<string, Width>> = { b: 8, w: 16, d: 32, q: 64 };
/** One instruction for each letter of a lane's width: byte, word, doubleword, quadword. */
const byWidth = (stem: string, letters: string, operation: LaneOperation): Meanings =>
  Object.fromEntries([...letters].map((letter) => [stem + letter, packed.lanes(operation, WIDTH_OF_LETTER[letter]!)]));

const LANES: Meanings = {
  ...all(['Andps', 'Andpd', 'Pand'], packed.lanes(lane.LANE_AND, 64)),
  ...all(['Andnps', 'Andnpd', 'Pandn'], packed.lanes(lane.LANE_AND_NOT, 64)),
  ...all(['Orps', 'Orpd', 'Por'], packed.lanes(lane.LANE_OR, 64)),
  ...all(['Xorps', 'Xorpd', 'Pxor'], packed.lanes(lane.LANE_XOR, 64)),
  ...byWidth('Padd', 'bwdq', lane.LANE_ADD),
  ...byWidth('Psub', 'bwdq', lane.LANE_SUBTRACT),
  ...byWidth('Padds', 'bw', lane.LANE_ADD_SIGNED),
  ...byWidth('Paddus', 'bw', lane.LANE_ADD_UNSIGNED),
  ...byWidth('Psubs', 'bw', lane.LANE_SUBTRACT_SIGNED),
  ...byWidth('Psubus', 'bw', lane.LANE_SUBTRACT_UNSIGNED),
  ...byWidth('Pcmpeq', 'bwdq', lane.LANE_EQUAL),
  ...byWidth('Pcmpgt', 'bwdq', lane.LANE_GREATER_SIGNED),
  ...byWidth('Pmins', 'bwd', lane.LANE_MINIMUM_SIGNED),
  ...byWidth('Pminu', 'bwd', lane.LANE_MINIMUM_UNSIGNED),
  ...byWidth('Pmaxs', 'bwd', lane.LANE_MAXIMUM_SIGNED),
  ...byWidth('Pmaxu', 'bwd', lane.LANE_MAXIMUM_UNSIGNED),
  ...byWidth('Pavg', 'bw', lane.LANE_AVERAGE),
  ...byWidth('Pabs', 'bwd', lane.LANE_ABSOLUTE),
  ...byWidth('Psign', 'bwd', lane.LANE_SIGN),
  ...byWidth('Pmull', 'wd', lane.LANE_MULTIPLY),
  Pmulhw: packed.lanes(lane.LANE_MULTIPLY_HIGH_SIGNED, 16),
  Pmulhuw: packed.lanes(lane.LANE_MULTIPLY_HIGH_UNSIGNED, 16),
  Pmulhrsw: packed.lanes(lane.LANE_MULTIPLY_ROUNDED, 16),
  Pmuludq: packed.lanes(lane.LANE_MULTIPLY_LOW_UNSIGNED, 64),
  Pmuldq: packed.lanes(lane.LANE_MULTIPLY_LOW_SIGNED, 64),
  Pmaddwd: packed.lanes(lane.LANE_DOT_WORDS, 32),
  Pmaddubsw: packed.lanes(lane.LANE_DOT_BYTES, 16),
  Psadbw: packed.lanes(lane.LANE_BYTE_DISTANCE, 64),
};

const shifts = (stem: string, letters: string, direction: 'left' | 'right' | 'rightSigned'): Meanings =>
  Object.fromEntries([...letters].map((letter) => [stem + letter, packed.shift(direction, WIDTH_OF_LETTER[letter]!)]));

/** PMOVSX and PMOVZX in their six pairs of widths. */
const WIDENING: Meanings = Object.fromEntries(
  ['bw', 'bd', 'bq', 'wd', 'wq', 'dq'].flatMap(([from, to]) =>
    (['s', 'z'] as const).map((kind) => {
      const [narrow, wide] = [WIDTH_OF_LETTER[from!] as 8 | 16 | 32, WIDTH_OF_LETTER[to!] as 16 | 32 | 64];
      return [`Pmov${kind}x${from}${to}`, packed.widen(narrow, wide, kind === 's', (ops, insn, width) => readLow(ops, insn, 1, width))];
    }),
  ),
);

const PACKED: Meanings = {
  ...LANES,
  ...shifts('Psll', 'wdq', 'left'),
  ...shifts('Psrl', 'wdq', 'right'),
  ...shifts('Psra', 'wd', 'rightSigned'),
  Pslldq: packed.shiftBytes('left'),
  Psrldq: packed.shiftBytes('right'),
  Phaddw: packed.horizontal(lane.LANE_ADD, 16),
  Phaddd: packed.horizontal(lane.LANE_ADD, 32),
  Phaddsw: packed.horizontal(lane.LANE_ADD_SIGNED, 16),
  Phsubw: packed.horizontal(lane.LANE_SUBTRACT, 16),
  Phsubd: packed.horizontal(lane.LANE_SUBTRACT, 32),
  Phsubsw: packed.horizontal(lane.LANE_SUBTRACT_SIGNED, 16),
  Packsswb: packed.pack(16, true),
  Packssdw: packed.pack(32, true),
  Packuswb: packed.pack(16, false),
  Packusdw: packed.pack(32, false),
  Ptest: packed.test,
  Phminposuw: packed.leastWord,
  Mpsadbw: packed.blockDistances,
  ...WIDENING,
};

const SHUFFLES: Meanings = {
  ...all(['Unpcklps', 'Punpckldq'], shuffles.unpack(32, 0)),
  ...all(['Unpckhps', 'Punpckhdq'], shuffles.unpack(32, 1)),
  ...all(['Unpcklpd', 'Punpcklqdq'], shuffles.unpack(64, 0)),
  ...all(['Unpckhpd', 'Punpckhqdq'], shuffles.unpack(64, 1)),
  Punpcklbw: shuffles.unpack(8, 0),
  Punpckhbw: shuffles.unpack(8, 1),
  Punpcklwd: shuffles.unpack(16, 0),
  Punpckhwd: shuffles.unpack(16, 1),
  Pshufd: shuffles.shuffleOne(32, 0),
  Pshuflw: shuffles.shuffleOne(16, 0),
  Pshufhw: shuffles.shuffleOne(16, 1),
  Shufps: shuffles.shuffleSingles,
  Shufpd: shuffles.shuffleDoubles,
  Pshufb: shuffles.shuffleBytes,
  Palignr: shuffles.align,
  Movddup: shuffles.duplicate(64, [0, 0]),
  Movsldup: shuffles.duplicate(32, [0, 0, 2, 2]),
  Movshdup: shuffles.duplicate(32, [1, 1, 3, 3]),
  Blendps: shuffles.blend(32),
  Blendpd: shuffles.blend(64),
  Pblendw: shuffles.blend(16),
  Blendvps: shuffles.blendBySign(32),
  Blendvpd: shuffles.blendBySign(64),
  Pblendvb: shuffles.blendBySign(8),
  Pinsrb: shuffles.insert(8),
  Pinsrw: shuffles.insert(16),
  Pinsrd: shuffles.insert(32),
  Pinsrq: shuffles.insert(64),
  Pextrb: shuffles.extract(8),
  Pextrw: shuffles.extract(16),
  Pextrd: shuffles.extract(32),
  Pextrq: shuffles.extract(64),
  Extractps: shuffles.extract(32),
  Insertps: shuffles.insertSingle,
  Movmskps: shuffles.signs(32),
  Movmskpd: shuffles.signs(64),
  Pmovmskb: shuffles.signs(8),
};

const STRINGS_AND_CRYPTOGRAPHY: Meanings = {
  Pcmpestri: compareToIndex(32),
  Pcmpestri64: compareToIndex(64),
  Pcmpestrm: compareToMask(32),
  Pcmpestrm64: compareToMask(64),
  Pcmpistri: compareToIndex('implicit'),
  Pcmpistrm: compareToMask('implicit'),
  Aesenc: cryptography.encrypt(false),
  Aesenclast: cryptography.encrypt(true),
  Aesdec: cryptography.decrypt(false),
  Aesdeclast: cryptography.decrypt(true),
  Aesimc: cryptography.invertKey,
  Aeskeygenassist: cryptography.assistKey,
  Pclmulqdq: cryptography.multiplyCarryLess,
};

/** Where SSE is disabled, nothing of the instruction happens. */
const enabled = (meanings: Meanings): ReadonlyMap<string, Meaning> =>
  new Map(
    Object.entries(meanings).map(([mnemonic, meaning]): [string, Meaning] => [
      mnemonic,
      (ops, insn) => {
        ops.requireSse();
        meaning(ops, insn);
      },
    ]),
  );

/** Instructions on XMM registers. */
export const XMM_MEANINGS = enabled({
  ...{ ...MOVES, ...FLOAT_ARITHMETIC, ...CONVERSIONS },
  ...{ ...PACKED, ...SHUFFLES, ...STRINGS_AND_CRYPTOGRAPHY },
});

/** Instructions that only name memory. */
export const MXCSR_MEANINGS = enabled({ Ldmxcsr: control.loadMxcsr, Stmxcsr: control.storeMxcsr });
