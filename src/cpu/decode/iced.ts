/**
 * What this room uses of iced-x86. It is required, not imported: for an import Node reads its 900 KB a second time to find the names it exports, which
 * takes longer than the rest of its loading (a tenth of the time to the first guest instruction).
 */
import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';

const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced;

export const Code = iced.Code;
export type Code = Iced.Code;
export const CodeExt = iced.CodeExt;
export type CodeExt = Iced.CodeExt;
export const CpuidFeature = iced.CpuidFeature;
export type CpuidFeature = Iced.CpuidFeature;
export const Decoder = iced.Decoder;
export type Decoder = Iced.Decoder;
export const DecoderError = iced.DecoderError;
export type DecoderError = Iced.DecoderError;
export const DecoderOptions = iced.DecoderOptions;
export type DecoderOptions = Iced.DecoderOptions;
export const EncodingKind = iced.EncodingKind;
export type EncodingKind = Iced.EncodingKind;
export const Instruction = iced.Instruction;
export type Instruction = Iced.Instruction;
export const MandatoryPrefix = iced.MandatoryPrefix;
export type MandatoryPrefix = Iced.MandatoryPrefix;
export const MemorySizeExt = iced.MemorySizeExt;
export type MemorySizeExt = Iced.MemorySizeExt;
export const Mnemonic = iced.Mnemonic;
export type Mnemonic = Iced.Mnemonic;
export const OpCodeOperandKind = iced.OpCodeOperandKind;
export type OpCodeOperandKind = Iced.OpCodeOperandKind;
export const OpCodeTableKind = iced.OpCodeTableKind;
export type OpCodeTableKind = Iced.OpCodeTableKind;
export const OpKind = iced.OpKind;
export type OpKind = Iced.OpKind;
export const Register = iced.Register;
export type Register = Iced.Register;
export const RflagsBits = iced.RflagsBits;
export type RflagsBits = Iced.RflagsBits;
