/**
 * The instructions that can be written, by mnemonic, each with the shape of its operands. The types of the assembler's methods and the
 * methods themselves both come from this table; the encodings come from the encoder's own.
 */
import type { Immediate, Memory } from './operand.ts';
import type { ControlRegister, cl, DebugRegister, dx, eax, Register, SegmentRegister, Width } from './register.ts';

type Place<W extends Width> = Register<W> | Memory<W>;
type Source<W extends Width> = Place<W> | Immediate;
type Wide = 16 | 32 | 64;
/** A label, or the register or memory that holds an address. */
export type Target = string | Register | Memory;

type None = () => void;
type Binary = <W extends Width>(destination: Place<W>, source: Source<NoInfer<W>>) => void;
type Unary = <W extends Width>(operand: Place<W>) => void;
type Shift = <W extends Width>(operand: Place<W>, count: number | typeof cl) => void;
type WithRegister = <W extends Width>(destination: Place<W>, source: Register<NoInfer<W>>) => void;
type IntoRegister = <W extends Wide>(destination: Register<W>, source: Place<NoInfer<W>>) => void;
type BitTest = <W extends Wide>(operand: Place<W>, bit: Register<NoInfer<W>> | number) => void;
type MemoryOnly = (operand: Memory<0>) => void;
interface Move extends Binary {
  (destination: ControlRegister | DebugRegister, source: Register<32 | 64>): void;
  (destination: Register<32 | 64>, source: ControlRegister | DebugRegister): void;
  (destination: SegmentRegister, source: Register<16 | 32 | 64> | Memory<16>): void;
  (destination: Register<16 | 32 | 64> | Memory<16>, source: SegmentRegister): void;
}
interface Multiply {
  <W extends Width>(factor: Place<W>): void;
  <W extends Wide>(destination: Register<W>, source: Place<NoInfer<W>>): void;
  <W extends Wide>(destination: Register<W>, source: Place<NoInfer<W>>, factor: Immediate): void;
}

interface Shapes {
  none: None;
  move: Move;
  binary: Binary;
  unary: Unary;
  shift: Shift;
  multiply: Multiply;
  bitTest: BitTest;
  withRegister: WithRegister;
  intoRegister: IntoRegister;
  extend: <W extends Wide>(destination: Register<W>, source: Place<8 | 16>) => void;
  extend32: (destination: Register<64>, source: Place<32>) => void;
  address: (destination: Register<Wide>, source: Memory) => void;
  memory: MemoryOnly;
  nop: { (): void; (operand: Memory<16 | 32 | 64>): void };
  push: (operand: Register<Wide> | Memory<Wide> | SegmentRegister | Immediate) => void;
  pop: (operand: Register<Wide> | Memory<Wide> | SegmentRegister) => void;
  byte: (operand: Place<8>) => void;
  word: (operand: Register<Wide> | Memory<16>) => void;
  wide: <W extends 32 | 64>(operand: Register<W>) => void;
  interrupt: (vector: number) => void;
  in: (destination: Register<8 | 16 | 32>, port: typeof dx | number) => void;
  out: (port: typeof dx | number, source: Register<8 | 16> | typeof eax) => void;
  withDescriptor: (type: Register<32 | 64>, descriptor: Memory<0>) => void;
  field: (destination: Place<32 | 64>, source: Register<32 | 64>) => void;
  fieldFrom: (destination: Register<32 | 64>, source: Place<32 | 64>) => void;
  pair: (operand: Memory<64>) => void;
  dword: (operand: Memory<32>) => void;
}

export const MNEMONICS = {
  // Data transfer. SDM: Vol. 1, "Data Transfer Instructions".
  mov: 'move',
  movzx: 'extend',
  movsx: 'extend',
  movsxd: 'extend32',
  lea: 'address',
  xchg: 'withRegister',
  push: 'push',
  pop: 'pop',
  bswap: 'wide',
  cbw: 'none',
  cwde: 'none',
  cdqe: 'none',
  cwd: 'none',
  cdq: 'none',
  cqo: 'none',
  // Binary arithmetic and logic.
  add: 'binary',
  adc: 'binary',
  sub: 'binary',
  sbb: 'binary',
  and: 'binary',
  or: 'binary',
  xor: 'binary',
  cmp: 'binary',
  test: 'binary',
  inc: 'unary',
  dec: 'unary',
  neg: 'unary',
  not: 'unary',
  mul: 'unary',
  div: 'unary',
  idiv: 'unary',
  imul: 'multiply',
  xadd: 'withRegister',
  cmpxchg: 'withRegister',
  cmpxchg8b: 'pair',
  // Shifts, rotates, bits.
  shl: 'shift',
  shr: 'shift',
  sar: 'shift',
  rol: 'shift',
  ror: 'shift',
  bt: 'bitTest',
  bts: 'bitTest',
  btr: 'bitTest',
  btc: 'bitTest',
  bsf: 'intoRegister',
  bsr: 'intoRegister',
  tzcnt: 'intoRegister',
  lzcnt: 'intoRegister',
  popcnt: 'intoRegister',
  // Flags, control transfer that needs no label, hints.
  clc: 'none',
  stc: 'none',
  cld: 'none',
  std: 'none',
  pushfq: 'none',
  popfq: 'none',
  ret: 'none',
  leave: 'none',
  int: 'interrupt',
  int3: 'none',
  ud2: 'none',
  nop: 'nop',
  pause: 'none',
  mfence: 'none',
  lfence: 'none',
  sfence: 'none',
  // Input and output.
  in: 'in',
  out: 'out',
  // System instructions. SDM: Vol. 1, "System Instructions".
  cli: 'none',
  sti: 'none',
  hlt: 'none',
  cpuid: 'none',
  rdtsc: 'none',
  rdtscp: 'none',
  rdmsr: 'none',
  wrmsr: 'none',
  lgdt: 'memory',
  lidt: 'memory',
  sgdt: 'memory',
  sidt: 'memory',
  lldt: 'word',
  ltr: 'word',
  invlpg: 'memory',
  invpcid: 'withDescriptor',
  wbinvd: 'none',
  clts: 'none',
  fxsave64: 'memory',
  fxrstor64: 'memory',
  ldmxcsr: 'dword',
  stmxcsr: 'dword',
  swapgs: 'none',
  syscall: 'none',
  sysretq: 'none',
  iretq: 'none',
  iretd: 'none',
  retfq: 'none',
  stac: 'none',
  clac: 'none',
  // Virtual-machine instructions. SDM: Vol. 3, "VMX Instruction Reference".
  vmcall: 'none',
  // Broadcast invalidation. AMD APM: Vol. 3, "INVLPGB"; "TLBSYNC".
  invlpgb: 'none',
  tlbsync: 'none',
  vmmcall: 'none',
  vmxon: 'pair',
  vmxoff: 'none',
  vmclear: 'pair',
  vmptrld: 'pair',
  vmptrst: 'pair',
  vmlaunch: 'none',
  vmresume: 'none',
  vmread: 'field',
  vmwrite: 'fieldFrom',
  invept: 'withDescriptor',
  invvpid: 'withDescriptor',
} as const satisfies Record<string, keyof Shapes>;

/** Read-modify-write instructions that take a LOCK prefix. */
export const LOCKABLE = [
  'add',
  'adc',
  'sub',
  'sbb',
  'and',
  'or',
  'xor',
  'inc',
  'dec',
  'neg',
  'not',
  'xadd',
  'cmpxchg',
  'cmpxchg8b',
  'bts',
  'btr',
  'btc',
] as const satisfies readonly (keyof typeof MNEMONICS)[];

/** String instructions; alone they do one element, after `rep` RCX elements. */
export const STRING_MNEMONICS = ['movsb', 'movsw', 'movsd', 'movsq', 'stosb', 'stosw', 'stosd', 'stosq'] as const;

/** Condition codes under their usual names, with the canonical one they stand for. */
export const CONDITIONS = {
  o: 'o',
  no: 'no',
  b: 'b',
  c: 'b',
  ae: 'ae',
  nc: 'ae',
  e: 'e',
  z: 'e',
  ne: 'ne',
  nz: 'ne',
  be: 'be',
  a: 'a',
  s: 's',
  ns: 'ns',
  p: 'p',
  np: 'np',
  l: 'l',
  ge: 'ge',
  le: 'le',
  g: 'g',
} as const;
export type Condition = keyof typeof CONDITIONS;

/** The condition that holds exactly when `condition` does not. */
export const NEGATED: Record<(typeof CONDITIONS)[Condition], Condition> = {
  o: 'no',
  no: 'o',
  b: 'ae',
  ae: 'b',
  e: 'ne',
  ne: 'e',
  be: 'a',
  a: 'be',
  s: 'ns',
  ns: 's',
  p: 'np',
  np: 'p',
  l: 'ge',
  ge: 'l',
  le: 'g',
  g: 'le',
};

type ByMnemonic = { readonly [M in keyof typeof MNEMONICS]: Shapes[(typeof MNEMONICS)[M]] };

/** Every instruction as a method; control transfers take labels. */
export type InstructionSet = ByMnemonic & {
  readonly [M in (typeof STRING_MNEMONICS)[number]]: None;
} & {
  readonly [C in Condition as `j${C}`]: (label: string) => void;
} & {
  readonly [C in Condition as `set${C}`]: (destination: Place<8>) => void;
} & {
  readonly [C in Condition as `cmov${C}`]: IntoRegister;
} & {
  jmp(target: Target): void;
  call(target: Target): void;
  /** The same instructions with a LOCK prefix. */
  readonly lock: Pick<ByMnemonic, (typeof LOCKABLE)[number]>;
  /** String instructions, repeated RCX times. */
  readonly rep: { readonly [M in (typeof STRING_MNEMONICS)[number]]: None };
};
