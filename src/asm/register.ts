/** The registers that instructions name, one constant each, typed by width so that a mismatch does not compile. */
import { GPR_NAMES } from '../arch/registers.ts';

/** Width of an integer operand in bits. */
export type Width = 8 | 16 | 32 | 64;

/** A general-purpose register at one of its widths. */
export class Register<W extends Width = Width> {
  readonly kind = 'register';
  readonly name: string;
  readonly width: W;
  /** As arch/registers numbers them; AH, CH, DH and BH are 16–19. */
  readonly number: number;

  constructor(name: string, width: W, number: number) {
    this.name = name;
    this.width = width;
    this.number = number;
  }

  /** This register as the index of a memory operand. */
  times(scale: 1 | 2 | 4 | 8): ScaledIndex {
    return { kind: 'index', register: this, scale };
  }
}

/** index * scale in a memory operand. */
export interface ScaledIndex {
  readonly kind: 'index';
  readonly register: Register;
  readonly scale: 1 | 2 | 4 | 8;
}

/** A segment, control or debug register. */
export interface SpecialRegister<K extends 'segment' | 'control' | 'debug'> {
  readonly kind: K;
  readonly name: string;
  readonly number: number;
}
export type SegmentRegister = SpecialRegister<'segment'>;
export type ControlRegister = SpecialRegister<'control'>;
export type DebugRegister = SpecialRegister<'debug'>;

const word = (number: number): string => (number < 8 ? GPR_NAMES[number]!.slice(1) : `r${number}w`);
const r64 = (number: number): Register<64> => new Register(GPR_NAMES[number]!, 64, number);
const r32 = (number: number): Register<32> => new Register(number < 8 ? `e${word(number)}` : `r${number}d`, 32, number);
const r16 = (number: number): Register<16> => new Register(word(number), 16, number);
const byte = (name: string, number: number): Register<8> => new Register(name, 8, number);
const special = <K extends 'segment' | 'control' | 'debug'>(kind: K, name: string, number: number): SpecialRegister<K> => ({
  kind,
  name,
  number,
});

export const rax = r64(0);
export const rcx = r64(1);
export const rdx = r64(2);
export const rbx = r64(3);
export const rsp = r64(4);
export const rbp = r64(5);
export const rsi = r64(6);
export const rdi = r64(7);
export const r8 = r64(8);
export const r9 = r64(9);
export const r10 = r64(10);
export const r11 = r64(11);
export const r12 = r64(12);
export const r13 = r64(13);
export const r14 = r64(14);
export const r15 = r64(15);

export const eax = r32(0);
export const ecx = r32(1);
export const edx = r32(2);
export const ebx = r32(3);
export const esp = r32(4);
export const ebp = r32(5);
export const esi = r32(6);
export const edi = r32(7);
export const r8d = r32(8);
export const r9d = r32(9);
export const r10d = r32(10);
export const r11d = r32(11);
export const r12d = r32(12);
export const r13d = r32(13);
export const r14d = r32(14);
export const r15d = r32(15);

export const ax = r16(0);
export const cx = r16(1);
export const dx = r16(2);
export const bx = r16(3);
export const sp = r16(4);
export const bp = r16(5);
export const si = r16(6);
export const di = r16(7);
export const r8w = r16(8);
export const r9w = r16(9);
export const r10w = r16(10);
export const r11w = r16(11);
export const r12w = r16(12);
export const r13w = r16(13);
export const r14w = r16(14);
export const r15w = r16(15);

export const al = byte('al', 0);
export const cl = byte('cl', 1);
export const dl = byte('dl', 2);
export const bl = byte('bl', 3);
export const spl = byte('spl', 4);
export const bpl = byte('bpl', 5);
export const sil = byte('sil', 6);
export const dil = byte('dil', 7);
export const r8b = byte('r8b', 8);
export const r9b = byte('r9b', 9);
export const r10b = byte('r10b', 10);
export const r11b = byte('r11b', 11);
export const r12b = byte('r12b', 12);
export const r13b = byte('r13b', 13);
export const r14b = byte('r14b', 14);
export const r15b = byte('r15b', 15);
export const ah = byte('ah', 16);
export const ch = byte('ch', 17);
export const dh = byte('dh', 18);
export const bh = byte('bh', 19);

export const es = special('segment', 'es', 0);
export const cs = special('segment', 'cs', 1);
export const ss = special('segment', 'ss', 2);
export const ds = special('segment', 'ds', 3);
export const fs = special('segment', 'fs', 4);
export const gs = special('segment', 'gs', 5);

export const cr0 = special('control', 'cr0', 0);
export const cr2 = special('control', 'cr2', 2);
export const cr3 = special('control', 'cr3', 3);
export const cr4 = special('control', 'cr4', 4);
export const cr8 = special('control', 'cr8', 8);
export const dr6 = special('debug', 'dr6', 6);
export const dr7 = special('debug', 'dr7', 7);
