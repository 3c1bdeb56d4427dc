/** Every instruction form that the decoder knows, as data: what the coverage table lists, and what test generators encode. */
import {
  Code,
  CodeExt,
  CpuidFeature,
  EncodingKind,
  Instruction as IcedInstruction,
  MandatoryPrefix,
  Mnemonic,
  OpCodeOperandKind,
  OpCodeTableKind,
} from 'iced-x86';

/** Which registers a form works on. */
export type FormClass = 'general' | 'x87' | 'vector';

export interface Form {
  /** iced's name, as in `Instruction.form`. */
  readonly form: string;
  readonly mnemonic: string;
  readonly class: FormClass;
  /** Names of CPUID features that must all be there (`features.ts`). */
  readonly features: readonly string[];
  /** Code sizes in which it exists on Intel's processors. */
  readonly sizes: readonly (16 | 32 | 64)[];
  /** As the manual writes it: `ADD r/m64, r64`, and `o64 01 /r`. */
  readonly syntax: string;
  readonly encodingText: string;
  /** VEX, EVEX, … : anything but the one- and two-byte maps with legacy prefixes. */
  readonly encoding: 'legacy' | 'vex' | 'other';
  /** Escape bytes, or the number of the VEX map. */
  readonly map: number;
  /** 0, 0x66, 0xf3 or 0xf2. */
  readonly mandatoryPrefix: number;
  readonly opcode: number;
  /** Bytes of `opcode`: two when the second is a whole ModRM byte. */
  readonly opcodeLength: number;
  /** ModRM.reg of a group, or -1. */
  readonly group: number;
  /** It has a ModRM byte that is not part of the opcode. */
  readonly modrm: boolean;
  readonly operandSize: number;
  readonly addressSize: number;
  /** 64-bit operand size needs no REX.W. */
  readonly defaultSize64: boolean;
  readonly vexW: number;
  readonly vexL: number;
  readonly lockable: boolean;
  /** Can be executed at level 3 at all. */
  readonly user: boolean;
  /** Names of its operand kinds. */
  readonly operands: readonly string[];
}

const X87 = /^(?:FPU|IA64$|CYRIX_FPU)/;
const VECTOR_OPERAND = /^(?:mm|xmm|ymm|zmm|k_|kp1|tmm|bnd|mem_vsib|sib)/;
const X87_OPERAND = /^sti?/;
const VECTOR_MNEMONIC = /^(?:Emms|Femms|Ldmxcsr|Stmxcsr|Vldmxcsr|Vstmxcsr|Vzero|Fx(?:save|rstor)|Xsave|Xrstor|Xgetbv|Xsetbv)/;
const PREFIXES: Readonly<Record<number, number>> = {
  [MandatoryPrefix.P66]: 0x66,
  [MandatoryPrefix.PF3]: 0xf3,
  [MandatoryPrefix.PF2]: 0xf2,
};

/** All forms but iced's own (INVALID, data declarations) and those that need a decoder option, in iced's order. */
export function formCatalogue(): Form[] {
  const forms: Form[] = [];
  const iced = new IcedInstruction();
  for (const [form, code] of Object.entries(Code)) {
    if (typeof code !== 'number' || code === Code.INVALID) continue;
    const info = CodeExt.opCode(code);
    // FCLEX and its kind are two instructions: WAIT and FNCLEX.
    const pair = info.opCodeString.startsWith('9B ');
    if (
      info.isInstruction &&
      !pair &&
      info.decoderOption === 0 &&
      info.encoding !== EncodingKind.D3NOW &&
      info.encoding !== EncodingKind.MVEX
    ) {
      iced.code = code;
      const features = Array.from(iced.cpuidFeatures(), (feature) => CpuidFeature[feature]!);
      const operands = Array.from({ length: info.opCount }, (_, i) => OpCodeOperandKind[info.opKind(i)]!);
      const mnemonic = Mnemonic[info.mnemonic]!;
      forms.push({
        form,
        mnemonic,
        class: classOf(mnemonic, features, operands),
        features,
        sizes: [
          ...(info.mode16 && info.intelDecoder16 ? ([16] as const) : []),
          ...(info.mode32 && info.intelDecoder32 ? ([32] as const) : []),
          ...(info.mode64 && info.intelDecoder64 ? ([64] as const) : []),
        ],
        syntax: info.instructionString,
        encodingText: info.opCodeString,
        encoding: info.encoding === EncodingKind.Legacy ? 'legacy' : info.encoding === EncodingKind.VEX ? 'vex' : 'other',
        map: mapOf(info.table),
        mandatoryPrefix: PREFIXES[info.mandatoryPrefix] ?? 0,
        opcode: info.opCode,
        opcodeLength: info.opCodeLength,
        group: info.isGroup ? info.groupIndex : -1,
        modrm: / \/[r0-7]/.test(info.opCodeString),
        operandSize: info.operandSize,
        addressSize: info.addressSize,
        defaultSize64: info.defaultOpSize64 || info.forceOpSize64,
        vexW: info.W,
        vexL: info.L,
        lockable: info.canUseLockPrefix,
        user: info.cpl3,
        operands,
      });
    }
    info.free();
  }
  iced.free();
  return forms;
}

function classOf(mnemonic: string, features: readonly string[], operands: readonly string[]): FormClass {
  if (features.some((feature) => X87.test(feature)) || operands.some((operand) => X87_OPERAND.test(operand))) return 'x87';
  if (operands.some((operand) => VECTOR_OPERAND.test(operand)) || VECTOR_MNEMONIC.test(mnemonic)) return 'vector';
  return 'general';
}

function mapOf(table: OpCodeTableKind): number {
  switch (table) {
    case OpCodeTableKind.T0F:
      return 1;
    case OpCodeTableKind.T0F38:
      return 2;
    case OpCodeTableKind.T0F3A:
      return 3;
    default:
      return table === OpCodeTableKind.Normal ? 0 : 4;
  }
}
