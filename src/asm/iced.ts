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
export const Decoder = iced.Decoder;
export type Decoder = Iced.Decoder;
export const DecoderOptions = iced.DecoderOptions;
export type DecoderOptions = Iced.DecoderOptions;
export const Encoder = iced.Encoder;
export type Encoder = Iced.Encoder;
export const EncodingKind = iced.EncodingKind;
export type EncodingKind = Iced.EncodingKind;
export const Formatter = iced.Formatter;
export type Formatter = Iced.Formatter;
export const FormatterSyntax = iced.FormatterSyntax;
export type FormatterSyntax = Iced.FormatterSyntax;
export const Instruction = iced.Instruction;
export type Instruction = Iced.Instruction;
export const InstructionInfoFactory = iced.InstructionInfoFactory;
export type InstructionInfoFactory = Iced.InstructionInfoFactory;
export const Mnemonic = iced.Mnemonic;
export type Mnemonic = Iced.Mnemonic;
export const OpAccess = iced.OpAccess;
export type OpAccess = Iced.OpAccess;
export const OpCodeOperandKind = iced.OpCodeOperandKind;
export type OpCodeOperandKind = Iced.OpCodeOperandKind;
export const OpKind = iced.OpKind;
export type OpKind = Iced.OpKind;
export const Register = iced.Register;
export type Register = Iced.Register;
export const RegisterExt = iced.RegisterExt;
export type RegisterExt = Iced.RegisterExt;
export const RepPrefixKind = iced.RepPrefixKind;
export type RepPrefixKind = Iced.RepPrefixKind;
