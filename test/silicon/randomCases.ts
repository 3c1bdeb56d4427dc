/** Random single instructions with operands in reach: seeded, so that a failure can be repeated. */

import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import type { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { BRANCH_DELTA, CODE, DATA, DATA_SIZE, type SiliconCase } from './silicon.ts';

/** mulberry32. */
export function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Opcode bytes whose instructions have a meaning, by map. */
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const ONE_BYTE = [
  ...range(0x00, 0x3f).filter((op) => (op & 7) < 6),
  ...[...range(0x50, 0x5f), 0x63, 0x68, 0x69, 0x6a, 0x6b, ...range(0x70, 0x7f)],
  ...[...range(0x80, 0x8b), 0x8d, 0x8f, ...range(0x90, 0x99), 0x9c, 0x9e, 0x9f],
  ...[...range(0xa4, 0xaf), ...range(0xb0, 0xbf), 0xc0, 0xc1, 0xc2, 0xc3, 0xc6, 0xc7, 0xc8, 0xc9, 0xd0, 0xd1, 0xd2, 0xd3, 0xd7],
  ...[0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe9, 0xeb, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfc, 0xfd, 0xfe, 0xff],
];
const TWO_BYTE = [
  ...[...range(0x18, 0x1f), ...range(0x40, 0x4f), ...range(0x80, 0x9f), 0xa0, 0xa3, 0xa4, 0xa5, 0xa8, 0xab, 0xac, 0xad, 0xae, 0xaf],
  ...[0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc3, 0xc7, ...range(0xc8, 0xcf)],
];
const THREE_BYTE = [0xf0, 0xf1, 0xf6];
/** VEX map, prefix and opcode of BMI1 and BMI2. */
const VEX = [
  ...[
    [2, 0, 0xf2],
    [2, 0, 0xf3],
    [2, 0, 0xf5],
    [2, 2, 0xf5],
    [2, 3, 0xf5],
    [2, 3, 0xf6],
    [2, 0, 0xf7],
    [2, 1, 0xf7],
    [2, 2, 0xf7],
  ],
  ...[
    [2, 3, 0xf7],
    [3, 3, 0xf0],
  ],
] as const;

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

export class CaseGenerator {
  private readonly decoder: Decoder;
  private readonly random: () => number;
  private operandSizePrefix = false;
  private repeatPrefix = false;

  constructor(decoder: Decoder, seed: number) {
    this.decoder = decoder;
    this.random = randomSource(seed);
  }

  /** A case, and the instruction it holds. */
  next(): { test: SiliconCase; insn: Instruction } {
    for (;;) {
      const bytes = this.encoding();
      const insn = this.decoder.decode(bytes, 0, CODE_64);
      if (insn === undefined || insn.kind === 'system' || !this.usable(insn)) continue;
      const code = bytes.slice(0, insn.length);
      const test = this.place(insn, code);
      if (test !== undefined) return { test, insn };
    }
  }

  private byte(): number {
    return Math.floor(this.random() * 256);
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  private encoding(): Uint8Array {
    const bytes: number[] = [];
    const tail = [...Array(14)].map(() => this.byte());
    const map = this.random();
    this.operandSizePrefix = false;
    this.repeatPrefix = false;
    if (map > 0.92) {
      const [page, prefix, opcode] = this.pick(VEX);
      bytes.push(0xc4, (this.byte() & 0xe0) | page, (this.byte() & 0xf8) | prefix, opcode);
    } else {
      this.operandSizePrefix = this.random() < 0.2;
      if (this.operandSizePrefix) bytes.push(0x66);
      if (this.random() < 0.05) bytes.push(0x67);
      if (this.random() < 0.15) {
        const prefix = this.pick([0xf2, 0xf3, 0xf0]);
        this.repeatPrefix = prefix !== 0xf0;
        bytes.push(prefix);
      }
      if (this.random() < 0.6) bytes.push(0x40 | (this.byte() & 15));
      if (map < 0.55) bytes.push(this.pick(ONE_BYTE));
      else if (map < 0.9) bytes.push(0x0f, this.pick(TWO_BYTE));
      else bytes.push(0x0f, 0x38, this.pick(THREE_BYTE));
    }
    // Registers more often than memory.
    if (this.random() < 0.5) tail[0] = tail[0]! | 0xc0;
    return Uint8Array.from([...bytes, ...tail].slice(0, 15));
  }

  private usable(insn: Instruction): boolean {
    // Segment bases and selectors of the host are not ours; nor are the system flags that PUSHF shows, or aligned-only hints.
    if (insn.memory !== undefined && insn.memory.segment >= 4) return false;
    if (insn.segment >= 4) return false;
    // Processors let a repeat prefix on LOOPcc, which means nothing by the manual, choose the condition.
    if (/^Loop/.test(insn.mnemonic) && this.repeatPrefix) return false;
    // Vendors differ about an operand-size prefix on near branches; the model ignores it, as Intel's do.
    if (insn.kind === 'branch' && insn.repeat === 0 && this.operandSizePrefix) return false;
    if (insn.operands.some((operand) => operand.kind === 4)) return false;
    return !/^(?:Pushf|Clflushopt|Clwb|Rdssp|Prefetchit)/.test(insn.mnemonic);
  }

  /** Registers, flags and memory with which the instruction stays inside its data. */
  private place(insn: Instruction, code: Uint8Array): SiliconCase | undefined {
    const gpr = Array.from({ length: 16 }, () => this.value());
    const data = Uint8Array.from({ length: DATA_SIZE }, () => (this.random() < 0.2 ? this.pick([0, 0xff, 0x80]) : this.byte()));
    gpr[4] = BigInt(DATA + 256 + 8 * Math.floor(this.random() * 8));
    if (/^(?:Leave|Enter)/.test(insn.mnemonic)) gpr[5] = BigInt(DATA + 256 + Math.floor(this.random() * 64));
    if (insn.mnemonic === 'Enter') {
      code[1] = code[1]! & 0x1f;
      code[2] = 0;
      code[3] = code[3]! & 7;
      if (code[0] !== 0xc8) return undefined;
    }
    const string = /^(?:Movs|Stos|Lods|Cmps|Scas)[bwdq]$/.test(insn.mnemonic);
    if (string) {
      gpr[6] = BigInt(DATA + 128 + Math.floor(this.random() * 100));
      gpr[7] = BigInt(DATA + 256 + Math.floor(this.random() * 100));
      if (insn.repeat !== 0) gpr[1] = BigInt(Math.floor(this.random() * 12));
      if (insn.repeat !== 0 && this.random() < 0.5) data.fill(this.byte(), 128, 400);
    }
    if (insn.mnemonic === 'Xlatb') gpr[3] = BigInt(DATA + 64);
    if (insn.kind === 'branch' && !string && !this.placeBranch(insn, code, gpr, data)) return undefined;
    if (/^(?:Div|Idiv)$/.test(insn.mnemonic) && this.random() < 0.9)
      gpr[2] = this.random() < 0.5 ? 0n : BigInt(Math.floor(this.random() * 4));
    if (insn.memory !== undefined && insn.mnemonic !== 'Xlatb' && !this.placeMemory(insn, code, gpr)) return undefined;
    return {
      code,
      gpr,
      flags: 0x202 | (this.byte() & 0xd5) | ((this.byte() & 8) << 8) | (string && this.random() < 0.5 ? 0x400 : 0),
      data,
    };
  }

  private value(): bigint {
    const kind = this.random();
    if (kind < 0.35) return BigInt.asUintN(64, this.pick(EDGES) + BigInt(Math.floor(this.random() * 3) - 1));
    if (kind < 0.5) return BigInt(this.byte());
    return (BigInt(Math.floor(this.random() * 0x1_0000_0000)) << 32n) | BigInt(Math.floor(this.random() * 0x1_0000_0000));
  }

  private placeBranch(insn: Instruction, code: Uint8Array, gpr: bigint[], data: Uint8Array): boolean {
    const target = BigInt(CODE + insn.length + BRANCH_DELTA);
    if (insn.mnemonic === 'Ret') {
      if (insn.operands.length > 0) code[insn.length - 1] = 0;
      new DataView(data.buffer).setBigUint64(Number(gpr[4]!) - DATA, target, true);
      return insn.width === 64;
    }
    const operand = insn.operands[0]!;
    if (operand.kind === 0) {
      if (insn.width !== 64 || operand.register === 4) return false;
      gpr[operand.register] = target;
      return true;
    }
    if (insn.memory !== undefined) return false;
    if (insn.width !== 64) return false;
    // The displacement is at the end: 1 or 4 bytes.
    const wide = insn.length >= 5 && !/^(?:Loop|J.?cxz)/.test(insn.mnemonic) && code.indexOf(0xeb) !== insn.length - 2;
    const size = wide && !(code[insn.length - 2]! >= 0x70 && code[insn.length - 2]! <= 0x7f && insn.form.includes('rel8')) ? 4 : 1;
    if (insn.form.includes('rel8') !== (size === 1)) return false;
    for (let i = 0; i < size; i++) code[insn.length - size + i] = i === 0 ? BRANCH_DELTA : 0;
    return true;
  }

  /** Chooses the base register so that the operand lies in the data; false when it cannot. */
  private placeMemory(insn: Instruction, code: Uint8Array, gpr: bigint[]): boolean {
    const memory = insn.memory!;
    if (memory.ripRelative) return false;
    if (insn.mnemonic === 'Lea') return true;
    const { base, index, scale } = memory;
    if (base < 0 || base === 4 || base === index) return false;
    // Registers that the instruction also uses for something else stay what they are.
    if (/^(?:Div|Idiv|Mul|Imul|Mulx)$/.test(insn.mnemonic) && (base === 0 || base === 2)) return false;
    if (index === 4 || (index >= 0 && (index === 0 || index === 2))) return false;
    if (index >= 0) gpr[index] = BigInt(Math.floor(this.random() * 16));
    let bitOffset = 0n;
    if (/^Bt[src]?$/.test(insn.mnemonic) && insn.operands[1]!.kind === 0) {
      const register = insn.operands[1]!.register;
      if (register === base || register === index || register === 4) return false;
      gpr[register] = BigInt.asUintN(64, BigInt(Math.floor(this.random() * 512) - 256));
      bitOffset = 32n;
    }
    const scaled = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
    const wanted = BigInt(DATA + 200 + Math.floor(this.random() * 64)) + bitOffset;
    const aligned = insn.mnemonic === 'Cmpxchg16b' && this.random() < 0.8 ? wanted & ~15n : wanted;
    gpr[base] = BigInt.asUintN(memory.addressWidth, aligned - scaled - memory.displacement);
    return code.length > 0;
  }
}
