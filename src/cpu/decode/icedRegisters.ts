import { Register } from './iced.ts';
import { OPERAND_CONTROL, OPERAND_DEBUG, OPERAND_REGISTER, OPERAND_SEGMENT, OPERAND_VECTOR } from './instruction.ts';

/** What one of iced's register numbers means here. */
export interface RegisterMeaning {
  /** OPERAND_… kind. */
  readonly kind: number;
  /** Number within its kind; -1 for none, RIP and EIP. */
  readonly number: number;
  /** Width in bits. */
  readonly width: number;
}

const LOW_BYTES = ['AL', 'CL', 'DL', 'BL', 'SPL', 'BPL', 'SIL', 'DIL'];
const HIGH_BYTES = ['AH', 'CH', 'DH', 'BH'];
const WORDS = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];
const EXTENDED = [8, 9, 10, 11, 12, 13, 14, 15];

const none: RegisterMeaning = { kind: OPERAND_REGISTER, number: -1, width: 64 };

function build(): RegisterMeaning[] {
  const byName = Register as unknown as Record<string, number>;
  const table: RegisterMeaning[] = [];
  const put = (names: readonly string[], kind: number, width: number, first = 0) => {
    names.forEach((name, index) => {
      table[byName[name]!] = { kind, number: first + index, width };
    });
  };
  const numbered = (prefix: string, count: number, suffix = '') => Array.from({ length: count }, (_, i) => `${prefix}${i}${suffix}`);
  put(LOW_BYTES, OPERAND_REGISTER, 8);
  put(HIGH_BYTES, OPERAND_REGISTER, 8, 16);
  put(WORDS, OPERAND_REGISTER, 16);
  put(
    WORDS.map((name) => `E${name}`),
    OPERAND_REGISTER,
    32,
  );
  put(
    WORDS.map((name) => `R${name}`),
    OPERAND_REGISTER,
    64,
  );
  put(
    EXTENDED.map((n) => `R${n}L`),
    OPERAND_REGISTER,
    8,
    8,
  );
  put(
    EXTENDED.map((n) => `R${n}W`),
    OPERAND_REGISTER,
    16,
    8,
  );
  put(
    EXTENDED.map((n) => `R${n}D`),
    OPERAND_REGISTER,
    32,
    8,
  );
  put(
    EXTENDED.map((n) => `R${n}`),
    OPERAND_REGISTER,
    64,
    8,
  );
  put(SEGMENTS, OPERAND_SEGMENT, 16);
  put(numbered('CR', 16), OPERAND_CONTROL, 64);
  put(numbered('DR', 16), OPERAND_DEBUG, 64);
  put(numbered('ST', 8), OPERAND_VECTOR, 80);
  put(numbered('MM', 8), OPERAND_VECTOR, 64);
  put(numbered('XMM', 32), OPERAND_VECTOR, 128);
  put(numbered('YMM', 32), OPERAND_VECTOR, 256);
  put(numbered('ZMM', 32), OPERAND_VECTOR, 512);
  put(numbered('K', 8), OPERAND_VECTOR, 64);
  table[Register.EIP] = { kind: OPERAND_REGISTER, number: -1, width: 32 };
  table[Register.RIP] = none;
  table[Register.None] = none;
  for (let i = 0; i < table.length; i++) table[i] ??= none;
  return table;
}

/** Meanings of iced's register numbers. */
export const REGISTER_MEANINGS: readonly RegisterMeaning[] = build();
