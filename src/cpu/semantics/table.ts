/**
 * Every instruction that has a meaning, by mnemonic. What is not here decodes but stops the machine as not implemented.
 */
import { MARK_BASE, MARK_LIMIT } from '../../arch/marks.ts';
import {
  type MemoryOperand,
  OPERAND_CONTROL,
  OPERAND_DEBUG,
  OPERAND_FAR,
  OPERAND_MEMORY,
  OPERAND_SEGMENT,
  OPERAND_VECTOR,
  type Operand,
  REPEAT_NONE,
} from '../decode/instruction.ts';
import * as arithmetic from './binaryArithmetic.ts';
import * as bits from './bitAndByte.ts';
import * as deposit from './bitDeposit.ts';
import * as exchange from './compareExchange.ts';
import * as control from './controlTransfer.ts';
import * as transfer from './dataTransfer.ts';
import * as decimal from './decimalArithmetic.ts';
import * as flags from './flagControl.ts';
import * as logical from './logical.ts';
import type { Meaning } from './meaning.ts';
import { fence, nop } from './misc.ts';
import { emms, MMX_MEANINGS } from './mmx/table.ts';
import * as shifts from './shiftAndRotate.ts';
import { MXCSR_MEANINGS, XMM_MEANINGS } from './sse/table.ts';
import * as stack from './stack.ts';
import * as string from './string.ts';
import { X87_MEANINGS } from './x87/table.ts';

/** What a mnemonic stands for: a meaning that engines run inside a block, or the key of a long operation that ends one. */
export type Semantics =
  | { readonly kind: 'plain' | 'branch'; readonly meaning: Meaning }
  | { readonly kind: 'system'; readonly operation: string };

/** Decode-time facts that choose between the meanings of one mnemonic. */
export interface SemanticsFacts {
  readonly operands: readonly Operand[];
  readonly memory: MemoryOperand | undefined;
  readonly repeat: number;
  /** A far JMP or CALL. */
  readonly far: boolean;
}

const plain = (meanings: Record<string, Meaning>): [string, Semantics][] =>
  Object.entries(meanings).map(([mnemonic, meaning]) => [mnemonic, { kind: 'plain', meaning }]);
const branch = (meanings: Record<string, Meaning>): [string, Semantics][] =>
  Object.entries(meanings).map(([mnemonic, meaning]) => [mnemonic, { kind: 'branch', meaning }]);
const all = (mnemonics: readonly string[], meaning: Meaning): Record<string, Meaning> =>
  Object.fromEntries(mnemonics.map((mnemonic) => [mnemonic, meaning]));
/** The condition codes as iced spells them, by number. */
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
const conditional = (prefix: string): string[] => CONDITIONS.map((condition) => prefix + condition);
const sized = (stem: string, sizes: string): string[] => [...sizes].map((size) => stem + size);

/**
 * Long operations: the keys of the record that the decoder is given. The key is the mnemonic, apart from the last group, where one
 * mnemonic has several roles.
 */
export const SYSTEM_OPERATIONS: readonly string[] = [
  ...['Hlt', 'Cpuid', 'Rdmsr', 'Wrmsr', 'Rdtsc', 'Rdtscp', 'Rdpmc', 'Rdpid', 'Pause', 'Rdrand', 'Rdseed'],
  ...['Lgdt', 'Lidt', 'Lldt', 'Ltr', 'Sgdt', 'Sidt', 'Sldt', 'Str', 'Lmsw', 'Smsw', 'Clts', 'Lar', 'Lsl', 'Verr', 'Verw', 'Arpl'],
  ...['Invlpg', 'Invlpga', 'Invpcid', 'Invd', 'Wbinvd', 'Wbnoinvd', 'Invlpgb', 'Tlbsync'],
  ...['Iret', 'Iretd', 'Iretq', 'Int', 'Int1', 'Int3', 'Into', 'Syscall', 'Sysret', 'Sysretq', 'Sysenter', 'Sysexit', 'Sysexitq'],
  ...['Swapgs', 'Rdfsbase', 'Rdgsbase', 'Wrfsbase', 'Wrgsbase', 'Sti', 'Cli', 'Stac', 'Clac', 'Popf', 'Popfd', 'Popfq'],
  ...['In', 'Out', 'Insb', 'Insw', 'Insd', 'Outsb', 'Outsw', 'Outsd'],
  ...['Les', 'Lds', 'Lss', 'Lfs', 'Lgs', 'Retf', 'Xgetbv', 'Xsetbv', 'Monitor', 'Mwait'],
  ...['Vmcall', 'Vmlaunch', 'Vmresume', 'Vmxoff', 'Vmxon', 'Vmclear', 'Vmptrld', 'Vmptrst', 'Vmread', 'Vmwrite', 'Vmfunc'],
  ...['Fnstenv', 'Fldenv', 'Fnsave', 'Frstor', 'Fxsave', 'Fxsave64', 'Fxrstor', 'Fxrstor64', 'Xsave', 'Xsave64', 'Xrstor', 'Xrstor64'],
  ...['Xsaveopt', 'Xsaveopt64'],
  ...['Invept', 'Invvpid', 'Vmmcall', 'Vmrun', 'Rsm'],
  ...['MovToControl', 'MovFromControl', 'MovToDebug', 'MovFromDebug', 'MovToSegment', 'PopSegment', 'JmpFar', 'CallFar', 'Mark'],
];

const ROLES = new Set([
  'MovToControl',
  'MovFromControl',
  'MovToDebug',
  'MovFromDebug',
  'MovToSegment',
  'PopSegment',
  'JmpFar',
  'CallFar',
  'Mark',
]);

/** The operation that raises #UD; the decoder has it. */
export const INVALID_OPCODE = 'InvalidOpcode';

const HINTS = [
  ...['Nop', 'Endbr64', 'Endbr32', 'Reservednop', 'Rdsspd', 'Rdsspq', 'Cldemote'],
  ...['Prefetch', 'Prefetchw', 'Prefetchwt1', 'Prefetchnta', 'Prefetcht0', 'Prefetcht1', 'Prefetcht2', 'Prefetchit0', 'Prefetchit1'],
];

/** The rows, by mnemonic. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...plain({
    Mov: transfer.mov,
    Movzx: transfer.movzx,
    Movsx: transfer.movsx,
    Movsxd: transfer.movsx,
    Movnti: transfer.mov,
    Movbe: transfer.movbe,
    Xchg: transfer.xchg,
    Bswap: transfer.bswap,
    Lea: transfer.lea,
    Xlatb: transfer.xlat,
    ...all(conditional('Cmov'), transfer.cmov),
    ...all(conditional('Set'), transfer.setcc),
    ...all(['Cbw', 'Cwde', 'Cdqe'], transfer.signExtendAccumulator),
    ...all(['Cwd', 'Cdq', 'Cqo'], transfer.signIntoDx),
    ...all(['Clflush', 'Clflushopt', 'Clwb'], transfer.cacheLine),
  }),
  ...plain({
    Push: stack.push,
    Pop: stack.pop,
    ...all(['Pusha', 'Pushad'], stack.pusha),
    ...all(['Popa', 'Popad'], stack.popa),
    ...all(['Pushf', 'Pushfd', 'Pushfq'], stack.pushf),
    Enter: stack.enter,
    Leave: stack.leave,
  }),
  ...plain({
    Add: arithmetic.add,
    Adc: arithmetic.adc,
    Sub: arithmetic.sub,
    Sbb: arithmetic.sbb,
    Cmp: arithmetic.cmp,
    Inc: arithmetic.inc,
    Dec: arithmetic.dec,
    Neg: arithmetic.neg,
    Adcx: arithmetic.adcx,
    Adox: arithmetic.adox,
    Xadd: arithmetic.xadd,
    Mul: arithmetic.mul,
    Imul: arithmetic.imul,
    Mulx: arithmetic.mulx,
    Div: arithmetic.div,
    Idiv: arithmetic.idiv,
    Cmpxchg: exchange.cmpxchg,
    Cmpxchg8b: exchange.cmpxchg8b,
    Cmpxchg16b: exchange.cmpxchg16b,
  }),
  ...plain({ Daa: decimal.daa, Das: decimal.das, Aaa: decimal.aaa, Aas: decimal.aas, Aam: decimal.aam, Aad: decimal.aad }),
  ...plain({ And: logical.and, Or: logical.or, Xor: logical.xor, Not: logical.not, Test: logical.test, Andn: logical.andn }),
  ...plain({
    ...all(['Shl', 'Sal'], shifts.shl),
    Shr: shifts.shr,
    Sar: shifts.sar,
    Rol: shifts.rol,
    Ror: shifts.ror,
    Rcl: shifts.rcl,
    Rcr: shifts.rcr,
    Shld: shifts.shld,
    Shrd: shifts.shrd,
    Rorx: shifts.rorx,
    Shlx: shifts.shlx,
    Shrx: shifts.shrx,
    Sarx: shifts.sarx,
  }),
  ...plain({
    Bt: bits.bt,
    Bts: bits.bts,
    Btr: bits.btr,
    Btc: bits.btc,
    Bsf: bits.bsf,
    Bsr: bits.bsr,
    Tzcnt: bits.tzcnt,
    Lzcnt: bits.lzcnt,
    Popcnt: bits.popcnt,
    Blsr: bits.blsr,
    Blsmsk: bits.blsmsk,
    Blsi: bits.blsi,
    Bzhi: bits.bzhi,
    Bextr: bits.bextr,
    Pdep: deposit.pdep,
    Pext: deposit.pext,
    Crc32: deposit.crc32,
  }),
  ...plain({
    ...all(sized('Movs', 'bwdq'), string.movs),
    ...all(sized('Stos', 'bwdq'), string.stos),
    ...all(sized('Lods', 'bwdq'), string.lods),
    ...all(sized('Cmps', 'bwdq'), string.cmps),
    ...all(sized('Scas', 'bwdq'), string.scas),
  }),
  ...plain({
    Clc: flags.clc,
    Stc: flags.stc,
    Cmc: flags.cmc,
    Cld: flags.cld,
    Std: flags.std,
    Lahf: flags.lahf,
    Sahf: flags.sahf,
    Salc: flags.salc,
  }),
  ...plain({ ...all(HINTS, nop), ...all(['Mfence', 'Sfence', 'Lfence'], fence), Bound: control.bound }),
  ...branch({
    Jmp: control.jmp,
    Call: control.call,
    Ret: control.ret,
    ...all(conditional('J'), control.jcc),
    ...all(['Jcxz', 'Jecxz', 'Jrcxz'], control.jrcxz),
    Loop: control.loop,
    Loope: control.loope,
    Loopne: control.loopne,
  }),
  ...plain(Object.fromEntries(MXCSR_MEANINGS)),
  ...plain({ ...Object.fromEntries(X87_MEANINGS), Emms: emms }),
  // Defined to be undefined.
  ...['Ud0', 'Ud1', 'Ud2'].map((mnemonic): [string, Semantics] => [mnemonic, { kind: 'system', operation: INVALID_OPCODE }]),
  ...SYSTEM_OPERATIONS.filter((key) => !ROLES.has(key)).map((key): [string, Semantics] => [key, { kind: 'system', operation: key }]),
]);

const role = (operation: string): Semantics => ({ kind: 'system', operation });
const MOV_TO_CONTROL = role('MovToControl');
const MOV_FROM_CONTROL = role('MovFromControl');
const MOV_TO_DEBUG = role('MovToDebug');
const MOV_FROM_DEBUG = role('MovFromDebug');
const MOV_TO_SEGMENT = role('MovToSegment');
const POP_SEGMENT = role('PopSegment');
const JMP_FAR = role('JmpFar');
const CALL_FAR = role('CallFar');
const MARK = role('Mark');

/** A repeated string instruction branches to itself. */
const REPEATED: ReadonlyMap<Semantics, Semantics> = new Map(
  ['Movs', 'Stos', 'Lods', 'Cmps', 'Scas'].flatMap((stem) =>
    sized(stem, 'bwdq').map((mnemonic): [Semantics, Semantics] => {
      const row = SEMANTICS.get(mnemonic)!;
      return [row, row.kind === 'plain' ? { kind: 'branch', meaning: row.meaning } : row];
    }),
  ),
);

const rows = (meanings: ReadonlyMap<string, Meaning>): ReadonlyMap<string, Semantics> =>
  new Map([...meanings].map(([mnemonic, meaning]) => [mnemonic, { kind: 'plain', meaning }]));
const SSE = rows(XMM_MEANINGS);
const MMX = rows(MMX_MEANINGS);
const X87 = rows(X87_MEANINGS);

/** Instructions on x87, MMX and XMM registers, told apart by the widths of their registers; CVTPI2PS from memory names XMM registers only. */
function vectorSemantics(mnemonic: string, operands: readonly Operand[]): Semantics | undefined {
  const widths = operands.filter(({ kind }) => kind === OPERAND_VECTOR).map(({ width }) => width);
  if (widths.every((width) => width === XMM_WIDTH)) return SSE.get(mnemonic) ?? MMX.get(mnemonic);
  if (widths.every((width) => width === X87_WIDTH)) return X87.get(mnemonic);
  return widths.some((width) => width === MMX_WIDTH) ? MMX.get(mnemonic) : undefined;
}

/** What this instruction does, or undefined when it has no meaning here yet. */
export function semanticsOf(mnemonic: string, facts: SemanticsFacts): Semantics | undefined {
  const [first, second] = facts.operands;
  // Vector instructions share names with others: MOVSD and CMPSD are string instructions, too.
  if (first?.kind === OPERAND_VECTOR || second?.kind === OPERAND_VECTOR) return vectorSemantics(mnemonic, facts.operands);
  switch (mnemonic) {
    case 'Mov':
      if (first?.kind === OPERAND_CONTROL) return MOV_TO_CONTROL;
      if (second?.kind === OPERAND_CONTROL) return MOV_FROM_CONTROL;
      if (first?.kind === OPERAND_DEBUG) return MOV_TO_DEBUG;
      if (second?.kind === OPERAND_DEBUG) return MOV_FROM_DEBUG;
      if (first?.kind === OPERAND_SEGMENT) return MOV_TO_SEGMENT;
      break;
    case 'Pop':
      if (first?.kind === OPERAND_SEGMENT) return POP_SEGMENT;
      break;
    case 'Jmp':
      if (facts.far || first?.kind === OPERAND_FAR) return JMP_FAR;
      break;
    case 'Call':
      if (facts.far || first?.kind === OPERAND_FAR) return CALL_FAR;
      break;
    case 'Nop':
      if (first?.kind === OPERAND_MEMORY && isMark(facts.memory!.displacement)) return MARK;
      break;
  }
  const row = SEMANTICS.get(mnemonic);
  // CVTSD2SI and its kind name no vector register when their source is memory.
  if (row === undefined) return vectorSemantics(mnemonic, facts.operands);
  return facts.repeat !== REPEAT_NONE ? (REPEATED.get(row) ?? row) : row;
}

/** Bits of registers, by which they are told apart. */
const XMM_WIDTH = 128;
const X87_WIDTH = 80;
const MMX_WIDTH = 64;
const isMark = (displacement: bigint): boolean => displacement >= BigInt(MARK_BASE) && displacement < BigInt(MARK_LIMIT);
