/**
 * What an instruction touches, found by running its meaning on values that do not exist: registers, flags, memory, control flow. For
 * flag liveness, and to hold meanings against what the decoder says about them (which forgets OF of RCL and RCR by a constant
 * that comes to 0 modulo 9 or 17).
 */
import { RFLAGS_DEFINED } from '../../arch/rflags.ts';
import type { Instruction, Width } from '../decode/instruction.ts';
import { conditionFlags } from './conditions.ts';
import type { FlagBit, FlagRule, Ops, Value } from './ops.ts';
import type { LaneOperation } from './vectorOps.ts';

/** The value that stands for all of them. */
const nothing = undefined as Value;

const gprBit = (register: number): number => 1 << (register < 16 ? register : register - 16);

export class Effects implements Ops<Value> {
  /** General-purpose registers, one bit each; AH to BH count as the register they are part of. */
  gprRead = 0;
  gprWritten = 0;
  /** Registers of which a part is written and the rest kept. */
  gprMerged = 0;
  /** RFLAGS masks. Flags that are written under a run-time condition count as written, and in `flagsConditional`. */
  flagsRead = 0;
  flagsWritten = 0;
  flagsConditional = 0;
  /** The rule that the status flags follow afterwards, when it is one for certain. */
  rule: { readonly rule: FlagRule; readonly width: Width } | undefined;
  loads = 0;
  stores = 0;
  /** RIP may become something else than the next instruction. */
  jumps = false;
  /** An exception of the instruction itself is possible (memory apart). */
  raises = false;
  /** It is executed only where SSE is enabled. */
  sse = false;
  /** It touches the x87 unit or MMX registers. */
  x87Unit = false;

  private static readonly known = new WeakMap<Instruction, Readonly<Effects>>();

  /** The effects of an instruction of kind `plain` or `branch`. */
  static of(insn: Instruction): Readonly<Effects> {
    if (insn.kind === 'system') throw new Error(`${insn.form}: a long operation has no meaning to look at`);
    let known = Effects.known.get(insn);
    if (known === undefined) {
      const effects = new Effects();
      insn.meaning(effects, insn);
      known = effects;
      Effects.known.set(insn, known);
    }
    return known;
  }

  constant(): Value {
    return nothing;
  }
  add(): Value {
    return nothing;
  }
  sub(): Value {
    return nothing;
  }
  mul(): Value {
    return nothing;
  }
  mulHighUnsigned(): Value {
    return nothing;
  }
  mulHighSigned(): Value {
    return nothing;
  }
  divideUnsigned(): Value {
    return nothing;
  }
  remainderUnsigned(): Value {
    return nothing;
  }
  divideSigned(): Value {
    return nothing;
  }
  remainderSigned(): Value {
    return nothing;
  }
  signedDivideOverflows(): Value {
    return nothing;
  }
  and(): Value {
    return nothing;
  }
  or(): Value {
    return nothing;
  }
  xor(): Value {
    return nothing;
  }
  not(): Value {
    return nothing;
  }
  negate(): Value {
    return nothing;
  }
  shiftLeft(): Value {
    return nothing;
  }
  shiftRight(): Value {
    return nothing;
  }
  shiftRightSigned(): Value {
    return nothing;
  }
  popCount(): Value {
    return nothing;
  }
  countTrailingZeros(): Value {
    return nothing;
  }
  countLeadingZeros(): Value {
    return nothing;
  }
  byteSwap(): Value {
    return nothing;
  }
  equal(): Value {
    return nothing;
  }
  lessUnsigned(): Value {
    return nothing;
  }
  lessSigned(): Value {
    return nothing;
  }
  select(): Value {
    return nothing;
  }
  zeroExtend(): Value {
    return nothing;
  }
  signExtend(): Value {
    return nothing;
  }
  truncate(): Value {
    return nothing;
  }
  readSegmentBase(): Value {
    return nothing;
  }
  readSegmentSelector(): Value {
    return nothing;
  }
  readNextRip(): Value {
    return nothing;
  }

  readGpr(_width: Width, register: number): Value {
    this.gprRead |= gprBit(register);
    return nothing;
  }

  writeGpr(width: Width, register: number): void {
    this.gprWritten |= gprBit(register);
    if (width < 32) this.gprMerged |= gprBit(register);
  }

  readFlag(bit: FlagBit): Value {
    this.flagsRead |= 1 << bit;
    return nothing;
  }

  writeFlag(bit: FlagBit): void {
    this.flagsWritten |= 1 << bit;
    this.rule = undefined;
  }

  readCondition(condition: number): Value {
    this.flagsRead |= conditionFlags(condition);
    return nothing;
  }

  setFlags(rule: FlagRule, width: Width): void {
    this.flagsWritten |= rule.mask;
    this.rule = { rule, width };
  }

  setFlagsIf(_condition: Value, rule: FlagRule): void {
    this.flagsWritten |= rule.mask;
    this.flagsConditional |= rule.mask;
    this.rule = undefined;
  }

  readFlags(): Value {
    this.flagsRead |= RFLAGS_DEFINED;
    return nothing;
  }

  load(): Value {
    this.loads++;
    return nothing;
  }

  store(): void {
    this.stores++;
  }

  loadForUpdate(): Value {
    this.loads++;
    return nothing;
  }

  storeUpdate(): void {
    this.stores++;
  }

  probeStore(): void {}
  checkSegment(): void {}

  requireSse(): void {
    this.sse = true;
  }
  readXmm(): Value {
    return nothing;
  }
  writeXmm(): void {}
  vectorConstant(): Value {
    return nothing;
  }
  lane(): Value {
    return nothing;
  }
  withLane(): Value {
    return nothing;
  }
  lanewise(operation: LaneOperation): Value {
    return operation.lane(this, 64, nothing, nothing);
  }
  shiftLanes(): Value {
    return nothing;
  }
  shuffle(): Value {
    return nothing;
  }
  swizzle(): Value {
    return nothing;
  }
  signMask(): Value {
    return nothing;
  }
  readMxcsr(): Value {
    return nothing;
  }
  writeMxcsr(): void {}

  floating(): Value {
    this.raises = true;
    return nothing;
  }

  loadVector(): Value {
    this.loads++;
    return nothing;
  }

  storeVector(): void {
    this.stores++;
  }

  requireX87(): void {
    this.raises = true;
    this.x87Unit = true;
  }
  waitForX87(): void {
    this.requireX87();
  }
  requireMmx(): void {
    this.requireX87();
  }
  noteX87(): void {}
  x87(): Value {
    return nothing;
  }
  readMmx(): Value {
    return nothing;
  }
  writeMmx(): void {}

  jump(): void {
    this.jumps = true;
  }

  jumpRelative(): void {
    this.jumps = true;
  }

  branchRelative(): void {
    this.jumps = true;
  }

  /** What follows happens on some runs only: all of it counts. */
  endIf(): void {}

  raise(): void {
    this.raises = true;
  }

  raiseIf(): void {
    this.raises = true;
  }
}
