/** Facts that belong to an instruction form, read from iced once per form: asking for them allocates. */
import { Code, CpuidFeature, type Instruction as IcedInstruction, Mnemonic, RflagsBits } from 'iced-x86';
import { RFLAGS_AC, RFLAGS_AF, RFLAGS_CF, RFLAGS_DF, RFLAGS_IF, RFLAGS_OF, RFLAGS_PF, RFLAGS_SF, RFLAGS_ZF } from '../../arch/rflags.ts';

export interface OpCodeFacts {
  readonly form: string;
  readonly mnemonic: string;
  /** CPUID features that it needs, by the decoder's names (features.ts). */
  readonly features: readonly string[];
  /** Operand and address size that the form demands: 0 when it has none. */
  readonly operandSize: number;
  readonly addressSize: number;
  /** The operand whose width is the operation's; -1 when that is the operand size. */
  readonly widthOperand: number;
  /** A string instruction, which a REP prefix repeats. */
  readonly repeatable: boolean;
  /** Jcc, SETcc or CMOVcc: LOOPcc say their condition in the mnemonic. */
  readonly conditional: boolean;
}

const facts: (OpCodeFacts | undefined)[] = [];

/** The facts of an instruction's form. */
export function opCodeFacts(iced: IcedInstruction): OpCodeFacts {
  const known = facts[iced.code];
  if (known !== undefined) return known;
  const opCode = iced.opCode;
  const mnemonic = Mnemonic[iced.mnemonic]!;
  const fresh: OpCodeFacts = {
    form: Code[iced.code]!,
    mnemonic,
    features: Array.from(iced.cpuidFeatures(), (feature) => CpuidFeature[feature]!),
    operandSize: opCode.operandSize,
    addressSize: opCode.addressSize,
    widthOperand: widthOperandOf(mnemonic),
    repeatable: /^(?:Movs|Stos|Lods|Cmps|Scas|Ins|Outs)[bwdq]$/.test(mnemonic),
    conditional: /^(?:J|Set|Cmov)/.test(mnemonic),
  };
  opCode.free();
  facts[iced.code] = fresh;
  return fresh;
}

function widthOperandOf(mnemonic: string): number {
  if (/^(?:Push|Ret|Retf|Enter)$/.test(mnemonic)) return -1;
  return /^Out(?:s[bwd])?$/.test(mnemonic) ? 1 : 0;
}

const FLAG_PAIRS: readonly (readonly [iced: number, rflags: number])[] = [
  [RflagsBits.OF, RFLAGS_OF],
  [RflagsBits.SF, RFLAGS_SF],
  [RflagsBits.ZF, RFLAGS_ZF],
  [RflagsBits.AF, RFLAGS_AF],
  [RflagsBits.CF, RFLAGS_CF],
  [RflagsBits.PF, RFLAGS_PF],
  [RflagsBits.DF, RFLAGS_DF],
  [RflagsBits.IF, RFLAGS_IF],
  [RflagsBits.AC, RFLAGS_AC],
];

/** An RFLAGS mask from iced's flag bits. x87 condition codes are left out. */
export function rflagsMask(icedBits: number): number {
  let mask = 0;
  for (const [iced, rflags] of FLAG_PAIRS) {
    if (icedBits & iced) mask |= rflags;
  }
  return mask;
}
