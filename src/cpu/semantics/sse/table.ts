/** SSE instructions with operands in XMM registers, by mnemonic. Their names may mean something else without such operands (MOVSD). */

import type { FloatOperation } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import * as arithmetic from './floatArithmetic.ts';
import * as conversion from './floatConversion.ts';
import { LANE_AND, LANE_AND_NOT, LANE_OR, LANE_XOR } from './laneOperations.ts';
import * as moves from './moves.ts';
import { lanes } from './packedLogic.ts';

const FLOAT_OPERATIONS: readonly (readonly [stem: string, operation: FloatOperation])[] = [
  ['Add', 'add'],
  ['Sub', 'subtract'],
  ['Mul', 'multiply'],
  ['Div', 'divide'],
  ['Sqrt', 'squareRoot'],
  ['Min', 'minimum'],
  ['Max', 'maximum'],
];

const all = (mnemonics: readonly string[], meaning: Meaning): Record<string, Meaning> =>
  Object.fromEntries(mnemonics.map((mnemonic) => [mnemonic, meaning]));

const FLOAT_ARITHMETIC: Record<string, Meaning> = Object.fromEntries(
  FLOAT_OPERATIONS.flatMap(([stem, operation]) => [
    [`${stem}ss`, arithmetic.scalar(operation, 'f32')],
    [`${stem}sd`, arithmetic.scalar(operation, 'f64')],
    [`${stem}ps`, arithmetic.packed(operation, 'f32')],
    [`${stem}pd`, arithmetic.packed(operation, 'f64')],
  ]),
);

const MEANINGS: Record<string, Meaning> = {
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
  ...FLOAT_ARITHMETIC,
  Ucomiss: arithmetic.order('f32', false),
  Ucomisd: arithmetic.order('f64', false),
  Comiss: arithmetic.order('f32', true),
  Comisd: arithmetic.order('f64', true),
  Cvtsi2ss: conversion.scalarFromInteger('f32'),
  Cvtsi2sd: conversion.scalarFromInteger('f64'),
  Cvtss2si: conversion.scalarToInteger('f32', false),
  Cvtsd2si: conversion.scalarToInteger('f64', false),
  Cvttss2si: conversion.scalarToInteger('f32', true),
  Cvttsd2si: conversion.scalarToInteger('f64', true),
  Cvtss2sd: conversion.scalarBetweenFormats('f32', 'f64'),
  Cvtsd2ss: conversion.scalarBetweenFormats('f64', 'f32'),
  ...all(['Andps', 'Andpd', 'Pand'], lanes(LANE_AND, 64)),
  ...all(['Andnps', 'Andnpd', 'Pandn'], lanes(LANE_AND_NOT, 64)),
  ...all(['Orps', 'Orpd', 'Por'], lanes(LANE_OR, 64)),
  ...all(['Xorps', 'Xorpd', 'Pxor'], lanes(LANE_XOR, 64)),
};

/** Where SSE is disabled, nothing of the instruction happens. */
const enabled =
  (meaning: Meaning): Meaning =>
  (ops, insn) => {
    ops.requireSse();
    meaning(ops, insn);
  };

export const SSE_MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  Object.entries(MEANINGS).map(([mnemonic, meaning]) => [mnemonic, enabled(meaning)]),
);
