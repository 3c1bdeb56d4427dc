/** Registers, flags and memory with which an instruction meets something interesting. */
import { RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP } from '../../src/arch/registers.ts';
import {
  RFLAGS_AC,
  RFLAGS_CF,
  RFLAGS_DF,
  RFLAGS_FIXED,
  RFLAGS_ID,
  RFLAGS_IF,
  RFLAGS_NT,
  RFLAGS_RF,
  RFLAGS_STATUS,
  RFLAGS_TF,
} from '../../src/arch/rflags.ts';
import { type Instruction, OPERAND_MEMORY, OPERAND_REGISTER, OPERAND_SEGMENT } from '../../src/cpu/decode/instruction.ts';
import type { RandomSource } from './random.ts';
import type { CodeSize, SiliconCase } from './siliconCase.ts';
import {
  CODE,
  CODE_BASES,
  CODE_SIZE,
  DATA,
  DATA_BASES,
  DATA_SIZE,
  FLAT_CODE_32,
  FLAT_CODE_64,
  FLAT_DATA,
  FS_BASE,
  GS_BASE,
  LOCAL_DESCRIPTORS,
  localSelector,
  ORIGIN,
  POOL,
  POOL_END,
  TEMPLATES,
  WRITABLE_SIZE,
} from './surroundings.ts';

const EDGES = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 63n,
  ~(1n << 63n),
  ~0n,
];
const STRING = /^(?:Movs|Stos|Lods|Cmps|Scas|Ins|Outs)[bwdq]$/;
const SELECTOR_VALUES = [...LOCAL_DESCRIPTORS.map((_, i) => localSelector(i)), FLAT_DATA, FLAT_CODE_32, FLAT_CODE_64, 0, 3, 0x5f, 0x6f, 4];

/** A linear address: mostly within the data, often at a page's edge, now and then where nothing is. */
export function interestingAddress(random: RandomSource): number {
  const kind = random.fraction();
  if (kind < 0.55) return DATA + 0x40 + random.below(WRITABLE_SIZE - 0x140);
  if (kind < 0.65) return DATA + 0x100 + 16 * random.below(0x1e0);
  const edge = random.below(20) - 18;
  if (kind < 0.78) return DATA + 0x1000 + edge;
  if (kind < 0.85) return DATA + WRITABLE_SIZE + edge;
  if (kind < 0.89) return DATA + DATA_SIZE + edge;
  if (kind < 0.92) return DATA + edge;
  return DATA + WRITABLE_SIZE + random.below(0x2000);
}

export function randomValue(random: RandomSource): bigint {
  const kind = random.fraction();
  if (kind < 0.35) return BigInt.asUintN(64, random.pick(EDGES) + BigInt(random.below(3) - 1));
  if (kind < 0.5) return BigInt(random.byte());
  return random.bits64();
}

/** A state under construction. */
class State {
  readonly gpr: bigint[];
  readonly patches: { address: number; value: bigint }[] = [];
  readonly random: RandomSource;
  readonly size: CodeSize;
  readonly smallStack: boolean;
  readonly address: () => number;

  /** @param address linear addresses of operands. */
  constructor(random: RandomSource, size: CodeSize, smallStack: boolean, address: () => number) {
    this.random = random;
    this.address = address;
    this.size = size;
    this.smallStack = smallStack;
    this.gpr = Array.from({ length: 16 }, () => randomValue(random));
    this.gpr[RSP] = BigInt(DATA + 0x600 + 8 * random.below(0x180) - this.stackBase);
    if (random.chance(0.06)) this.gpr[RSP] = BigInt.asUintN(64, BigInt(address() - this.stackBase));
  }

  /** Eight bytes at a linear address, if they lie in the writable pages. */
  patch(address: number, value: bigint): void {
    if (address < DATA || address + 8 > DATA + WRITABLE_SIZE || this.patches.length >= 7) return;
    this.patches.push({ address, value: BigInt.asUintN(64, value) });
  }

  get stackBase(): number {
    return this.smallStack ? DATA : DATA_BASES[this.size];
  }

  /** Linear address of the top of the stack. */
  get stack(): number {
    const width = this.smallStack ? 16 : this.size === 64 ? 64 : 32;
    return Number(BigInt.asUintN(width, this.gpr[RSP]!)) + this.stackBase;
  }

  /** An address in the code page, as a RIP. */
  target(): bigint {
    // Not into the case itself, which would run for ever, nor into one that shares the page.
    const outside = CODE_SIZE - (POOL_END - POOL);
    return BigInt(CODE + ((POOL_END - CODE + this.random.below(outside)) % CODE_SIZE) - CODE_BASES[this.size]);
  }

  selector(): number {
    return this.random.pick(SELECTOR_VALUES);
  }
}

const segmentBase = (size: CodeSize, segment: number): number => {
  if (segment === 4) return FS_BASE;
  if (segment === 5) return GS_BASE;
  return segment === 1 ? CODE_BASES[size] : DATA_BASES[size];
};

/** A state for the instructions, made for the first one. */
export function placeCase(
  code: Uint8Array,
  insn: Instruction,
  size: CodeSize,
  smallStack: boolean,
  random: RandomSource,
  address = (): number => interestingAddress(random),
): SiliconCase {
  const state = new State(random, size, smallStack, address);
  placeStrings(state, insn);
  placeSpecial(state, insn);
  const placed = placeMemory(state, insn);
  if (placed !== undefined) patchOperand(state, insn, placed);
  patchStack(state, insn);
  const trap = random.chance(0.03) ? RFLAGS_TF : 0;
  const flags =
    RFLAGS_FIXED |
    RFLAGS_IF |
    (random.below(0x1000) & RFLAGS_STATUS) |
    (random.chance(0.2) ? RFLAGS_DF : 0) |
    (random.chance(0.1) ? RFLAGS_AC : 0) |
    (random.chance(0.1) ? RFLAGS_ID : 0) |
    (random.chance(0.02) ? RFLAGS_NT : 0) |
    (random.chance(0.05) ? RFLAGS_RF : 0) |
    trap;
  const width = (i: number): number => (i === RSP && smallStack ? 16 : size === 64 ? 64 : 32);
  const gpr = state.gpr.map((value, i) => BigInt.asUintN(width(i), value));
  return {
    codeSize: size,
    smallStack,
    localTable: true,
    origin: originOf(code, random),
    code,
    gpr,
    flags,
    template: random.below(TEMPLATES),
    patches: state.patches,
  };
}

/** Mostly the middle of the page; at times the code ends with it, or is cut by its end. */
function originOf(code: Uint8Array, random: RandomSource): number {
  if (random.chance(0.97)) return ORIGIN;
  return CODE + 0x1000 - code.length;
}

function placeStrings(state: State, insn: Instruction): void {
  const { random, gpr, size } = state;
  if (!STRING.test(insn.mnemonic)) return;
  gpr[RSI] = aimed(state, insn.addressWidth, insn.segment);
  gpr[RDI] = aimed(state, insn.addressWidth, 0);
  const garbage = insn.addressWidth < size ? random.bits64() << BigInt(insn.addressWidth) : 0n;
  if (insn.repeat !== 0) gpr[RCX] = BigInt.asUintN(64, garbage | BigInt(random.below(14)));
  // Equal elements, so that REPE has something to repeat over.
  if (/^(?:Cmps|Scas)/.test(insn.mnemonic) && random.chance(0.5)) {
    const value = random.pick([0n, ~0n, gpr[RAX]!]);
    const base = Number(BigInt.asUintN(insn.addressWidth, gpr[RDI]!)) + DATA_BASES[size];
    const from = Number(BigInt.asUintN(insn.addressWidth, gpr[RSI]!)) + segmentBase(size, insn.segment);
    for (let i = 0; i < 3; i++) {
      state.patch(base + 8 * i, value);
      state.patch(from + 8 * i, value);
    }
  }
}

/** An offset of the given width in a segment. */
function aimed(state: State, width: number, segment: number): bigint {
  const { random, size } = state;
  const linear = state.address() - segmentBase(size, segment);
  const garbage = width < 64 && size === 64 && random.chance(0.5) ? random.bits64() << BigInt(width) : 0n;
  if (size === 64 && width === 64 && random.chance(0.02)) return BigInt.asUintN(64, (1n << 47n) - BigInt(random.below(10)));
  return BigInt.asUintN(64, BigInt.asUintN(width, BigInt(linear)) | garbage);
}

function placeSpecial(state: State, insn: Instruction): void {
  const { random, gpr } = state;
  const { mnemonic } = insn;
  if (mnemonic === 'Xlatb') gpr[RBX] = aimed(state, insn.addressWidth, insn.segment) - 0x80n;
  if (/^(?:Leave|Enter)/.test(mnemonic))
    gpr[RBP] = random.chance(0.9) ? gpr[RSP]! + BigInt(8 * random.below(20)) : aimed(state, state.size, 2);
  if (/^(?:Div|Idiv)$/.test(mnemonic) && random.chance(0.9)) gpr[RDX] = random.pick([0n, 0n, BigInt(random.below(4)), ~0n]);
  if (/^(?:Div|Idiv)$/.test(mnemonic) && insn.width === 8 && random.chance(0.7)) gpr[RAX] = BigInt(random.below(0x1000));
  if (/^Bt[src]?$/.test(mnemonic) && insn.operands[1]!.kind === OPERAND_REGISTER && random.chance(0.9))
    gpr[insn.operands[1]!.register] = BigInt.asUintN(insn.width, BigInt(random.below(4096) - 2048));
  if (/^(?:Loop|J.?cxz)/.test(mnemonic) && random.chance(0.6))
    gpr[RCX] = BigInt.asUintN(64, BigInt(random.below(3)) | (random.chance(0.3) ? random.bits64() << BigInt(insn.addressWidth) : 0n));
  const selector = /^(?:Lar|Lsl)$/.test(mnemonic)
    ? 1
    : /^(?:Verr|Verw|Arpl)$/.test(mnemonic) || insn.operands[1]?.kind === OPERAND_SEGMENT
      ? 0
      : insn.operands[0]?.kind === OPERAND_SEGMENT
        ? 1
        : -1;
  const operand = insn.operands[selector];
  if (operand?.kind === OPERAND_REGISTER) gpr[operand.register] = (gpr[operand.register]! & ~0xffffn) | BigInt(state.selector());
  const target = insn.operands[0];
  if (/^(?:Jmp|Call)$/.test(mnemonic) && target?.kind === OPERAND_REGISTER && random.chance(0.95)) gpr[target.register] = state.target();
  if (/^Wr[fg]sbase$/.test(mnemonic) && random.chance(0.6)) gpr[target!.register] = BigInt(interestingAddress(random));
  if (mnemonic === 'Cmpxchg' && random.chance(0.5) && target!.kind === OPERAND_REGISTER && target!.register < 16)
    gpr[RAX] = gpr[target!.register]!;
}

/** Chooses the base register so that the memory operand meets an interesting address; answers the address when it could. */
function placeMemory(state: State, insn: Instruction): number | undefined {
  const { memory } = insn;
  const { gpr, random, size } = state;
  if (memory === undefined) return undefined;
  const { base, index, scale, addressWidth } = memory;
  if (base < 0 && index < 0) return undefined;
  const wanted = /^Cmpxchg16b$/.test(insn.mnemonic) ? state.address() & ~15 : state.address();
  if (index >= 0 && index !== base) gpr[index] = random.chance(0.8) ? BigInt(random.below(0x100)) : randomValue(random);
  const offset = BigInt(wanted - (size === 64 && memory.segment < 4 ? 0 : segmentBase(size, memory.segment)));
  if (base >= 0 && base !== index) {
    if (base === RSP && random.chance(0.8)) return undefined;
    const rest = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
    const garbage = addressWidth < 64 && random.chance(0.3) ? random.bits64() << BigInt(addressWidth) : 0n;
    gpr[base] = BigInt.asUintN(64, BigInt.asUintN(addressWidth, offset - memory.displacement - rest) | garbage);
    if (size === 64 && addressWidth === 64 && random.chance(0.01))
      gpr[base] = BigInt.asUintN(64, (1n << 47n) - memory.displacement - rest - BigInt(random.below(9)));
  } else if (index >= 0) {
    gpr[index] = BigInt.asUintN(
      64,
      BigInt.asUintN(addressWidth, offset - memory.displacement) / BigInt(base === index ? scale + 1 : scale),
    );
    return undefined;
  }
  // What the instruction pushes is below the stack pointer: keep the operand clear of it at times, and at times not.
  return wanted;
}

function patchOperand(state: State, insn: Instruction, address: number): void {
  const { random, gpr } = state;
  const { mnemonic } = insn;
  const far = insn.operands.find((operand) => operand.kind === OPERAND_MEMORY)!.width;
  if (
    /^L[defgs]s$/.test(mnemonic) ||
    (/^(?:Jmp|Call)$/.test(mnemonic) && (far === 48 || far === 80 || (far === 32 && /m1616/.test(insn.form))))
  ) {
    const offset = mnemonic.startsWith('L') ? random.bits64() : state.target();
    const width = BigInt(far - 16);
    state.patch(address, BigInt.asUintN(Number(width), offset) | (BigInt(state.selector()) << width));
    return;
  }
  if (/^(?:Jmp|Call)$/.test(mnemonic) && random.chance(0.95)) state.patch(address, state.target());
  if (/^(?:Lar|Lsl|Verr|Verw|Arpl)$/.test(mnemonic) || insn.operands[0]?.kind === OPERAND_SEGMENT)
    state.patch(address, BigInt(state.selector()));
  if (mnemonic === 'Bound') {
    const width = BigInt(insn.width);
    const middle = BigInt.asIntN(insn.width, gpr[insn.operands[0]!.register]!);
    const near = (value: bigint): bigint => BigInt.asUintN(insn.width, value + BigInt(random.below(5) - 2));
    state.patch(address, near(middle) | (near(middle) << width));
  }
  if (mnemonic === 'Cmpxchg' && random.chance(0.5)) state.patch(address, gpr[RAX]!);
  if (/^Cmpxchg\d/.test(mnemonic) && random.chance(0.6)) {
    const low = 0xffff_ffffn;
    if (insn.form.includes('m64')) state.patch(address, (gpr[RAX]! & low) | ((gpr[RDX]! & low) << 32n));
    else {
      state.patch(address, gpr[RAX]!);
      state.patch(address + 8, gpr[RDX]!);
    }
  }
  if (/^(?:Div|Idiv)$/.test(mnemonic) && random.chance(0.4)) state.patch(address, BigInt(random.below(0x300)));
}

/** What RET, far RET, IRET, POPF and POP to a segment register will find. */
function patchStack(state: State, insn: Instruction): void {
  const { random } = state;
  const { mnemonic } = insn;
  const bytes = insn.width >> 3;
  const at = state.stack;
  const put = (values: readonly bigint[]): void => {
    let whole = 0n;
    values.forEach((value, i) => {
      whole |= BigInt.asUintN(insn.width, value) << BigInt(i * insn.width);
    });
    for (let i = 0; i * 8 < values.length * bytes; i++) state.patch(at + 8 * i, whole >> BigInt(64 * i));
  };
  if (mnemonic === 'Ret' && random.chance(0.95)) put([state.target()]);
  else if (mnemonic === 'Retf') put([state.target(), BigInt(returnSelector(state))]);
  else if (/^Iret/.test(mnemonic)) {
    const flags = BigInt(RFLAGS_FIXED | RFLAGS_IF | (random.below(0x1000) & ~RFLAGS_TF) | (random.chance(0.1) ? RFLAGS_AC : 0) | RFLAGS_CF);
    put([state.target(), BigInt(returnSelector(state)), flags, state.gpr[RSP]!, BigInt(random.chance(0.7) ? FLAT_DATA : state.selector())]);
  } else if (/^Popf/.test(mnemonic)) put([random.bits64() & ~BigInt(random.chance(0.95) ? RFLAGS_TF : 0)]);
  else if (mnemonic === 'Pop' && insn.operands[0]!.kind === OPERAND_SEGMENT) put([BigInt(state.selector())]);
}

const returnSelector = (state: State): number =>
  state.random.chance(0.7) ? state.random.pick([FLAT_CODE_32, FLAT_CODE_64, localSelector(0), localSelector(4)]) : state.selector();
