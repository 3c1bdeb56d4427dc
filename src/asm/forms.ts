/** Every encodable instruction form by mnemonic, as the encoder library lists them. Each mnemonic's are read when it is first used. */
import { Code, CodeExt, EncodingKind, Mnemonic, OpCodeOperandKind } from './iced.ts';

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

/** Names of codes by what stands before their first underscore, in lower case. */
let names: Map<string, string[]> | undefined;
const formsByMnemonic = new Map<string, readonly InstructionForm[]>();
/** The name of a code is the mnemonic with the operand size where no operand tells it (Pushw_imm8, Retnq). */
const SIZES = ['', 'w', 'd', 'q', 'nw', 'nd', 'nq'];

/** Forms of a mnemonic that is written here (instructionSet), in table order; none when there is no such mnemonic. */
export function formsOf(mnemonic: string): readonly InstructionForm[] {
  let forms = formsByMnemonic.get(mnemonic);
  if (forms === undefined) {
    names ??= namesOfCodes();
    const likely = SIZES.flatMap((size) => names!.get(mnemonic + size) ?? []);
    forms = likely.flatMap((name) => formOf(name, mnemonic) ?? []).sort((a, b) => a.code - b.code);
    formsByMnemonic.set(mnemonic, forms);
  }
  return forms;
}

function namesOfCodes(): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const [name, code] of Object.entries(Code)) {
    // Undocumented duplicates of a form are named after their group and register field (Test_rm8_imm8_F6r1).
    if (typeof code !== 'number' || /_[0-9A-F]{2}r\d$/.test(name)) continue;
    const underscore = name.indexOf('_');
    const key = (underscore < 0 ? name : name.slice(0, underscore)).toLowerCase();
    const list = index.get(key);
    if (list === undefined) index.set(key, [name]);
    else list.push(name);
  }
  return index;
}

/** Undefined for a form of another mnemonic, and for what is not written here. */
function formOf(name: string, mnemonic: string): InstructionForm | undefined {
  const code = Code[name as keyof typeof Code];
  const info = CodeExt.opCode(code);
  try {
    if (info.encoding !== EncodingKind.Legacy) return undefined;
    // Without operands only the name tells the operand size: RETF is retfw, retfd and retfq, too.
    const named = info.opCount === 0 && name.toLowerCase() === mnemonic;
    if (!named && Mnemonic[info.mnemonic]!.toLowerCase() !== mnemonic) return undefined;
    const operands = Array.from({ length: info.opCount }, (_, operand) => info.opKind(operand));
    // Absolute 64-bit offsets are never worth their length, and the short XCHG is NOP for EAX in 64-bit mode.
    if (operands.includes(OpCodeOperandKind.mem_offs) || /^Xchg_r\d\d_.?AX$/.test(name)) return undefined;
    return {
      code,
      text: info.instructionString,
      operands,
      mode16: info.mode16,
      mode32: info.mode32,
      mode64: info.mode64,
      operandSize: info.operandSize,
      lockable: info.canUseLockPrefix,
    };
  } finally {
    info.free();
  }
}
