/** Every encodable instruction form by mnemonic, as the encoder library lists them. Built once, at the first instruction. */
import { Code, CodeExt, EncodingKind, Mnemonic, OpCodeOperandKind } from 'iced-x86';

export interface InstructionForm {
  readonly code: Code;
  /** As a manual writes it, for messages: `ADD r/m64, imm32`. */
  readonly text: string;
  readonly operands: readonly OpCodeOperandKind[];
  /** Code sizes it exists in. */
  readonly mode16: boolean;
  readonly mode32: boolean;
  readonly mode64: boolean;
  readonly operandSize: number;
  /** Takes a LOCK prefix when its destination is in memory. */
  readonly lockable: boolean;
}

let index: Map<string, InstructionForm[]> | undefined;

/** Forms of a mnemonic in table order; none when there is no such mnemonic. */
export function formsOf(mnemonic: string): readonly InstructionForm[] {
  index ??= buildIndex();
  return index.get(mnemonic) ?? [];
}

function buildIndex(): Map<string, InstructionForm[]> {
  const forms = new Map<string, InstructionForm[]>();
  for (const [name, code] of Object.entries(Code)) {
    // Undocumented duplicates of a form are named after their group and register field (Test_rm8_imm8_F6r1).
    if (typeof code !== 'number' || /_[0-9A-F]{2}r\d$/.test(name)) continue;
    const info = CodeExt.opCode(code);
    try {
      if (info.encoding !== EncodingKind.Legacy) continue;
      const operands = Array.from({ length: info.opCount }, (_, operand) => info.opKind(operand));
      // Absolute 64-bit offsets are never worth their length, and the short XCHG is NOP for EAX in 64-bit mode.
      if (operands.includes(OpCodeOperandKind.mem_offs) || /^Xchg_r\d\d_.?AX$/.test(name)) continue;
      const mnemonic = Mnemonic[info.mnemonic]!.toLowerCase();
      const form: InstructionForm = {
        code,
        text: info.instructionString,
        operands,
        mode16: info.mode16,
        mode32: info.mode32,
        mode64: info.mode64,
        operandSize: info.operandSize,
        lockable: info.canUseLockPrefix,
      };
      // Without operands only the name tells the operand size: RETF is retfw, retfd and retfq, too.
      const names = operands.length === 0 ? [mnemonic, name.toLowerCase()] : [mnemonic];
      for (const key of new Set(names)) {
        const list = forms.get(key) ?? [];
        forms.set(key, list);
        list.push(form);
      }
    } finally {
      info.free();
    }
  }
  return forms;
}
