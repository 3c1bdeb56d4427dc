/** `Ops` on bigints over a core's state block: the oracle. */
import { CR4_OSXMMEXCPT } from '../../../arch/controlRegisters.ts';
import { CS, SS } from '../../../arch/registers.ts';
import { VECTOR_AC, VECTOR_GP, VECTOR_PF, VECTOR_SS, VECTOR_UD, VECTOR_XM } from '../../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE, FAULT_PAGE } from '../../../mmu/access.ts';
import type { CacheLines } from '../../../mmu/cacheLines.ts';
import type { Core } from '../../core.ts';
import type { Instruction, Width } from '../../decode/instruction.ts';
import { FAULT_EPT, guestFault } from '../../guestFault.ts';
import { segmentAllows } from '../../segmentCheck.ts';
import { conditionOfFlags } from '../../semantics/conditions.ts';
import type { FloatStep } from '../../semantics/floatStep.ts';
import type { FlagBit, FlagRule, Ops, Value } from '../../semantics/ops.ts';
import { I32_MXCSR, I32_RFLAGS, I32_SEGMENT_LIMIT, I32_SEGMENT_SELECTOR, U64_CR4, U64_SEGMENT_BASE } from '../../state.ts';
import { checksAlignment, type StepWatch } from '../../stepWatch.ts';
import { sseFault } from '../sseAccess.ts';
import { SMALL } from './bigintArithmetic.ts';
import { BigintX87 } from './bigintX87.ts';
import { FloatUnit } from './floatUnit.ts';
import { LazyFlags } from './lazyFlags.ts';

const CANONICAL_LIMIT = 2 ** 47;
/** Most register writes of one instruction: POPA has nine. */
const PENDING = 16;

export class ReferenceOps extends BigintX87 implements Ops<bigint> {
  private core!: Core;
  private u64!: BigUint64Array;
  private u32!: Uint32Array;
  private u16!: Uint16Array;
  private u8!: Uint8Array;
  private i32!: Int32Array;
  private xmm!: BigUint64Array;
  private memoryView!: DataView;
  private memorySize = 0;
  private lines: CacheLines | null = null;

  private readonly flags = new LazyFlags(this);
  private readonly floatUnit = new FloatUnit();
  private insn!: Instruction;
  /** RIP of the next instruction, and where the instruction goes on. */
  private next = 0;
  private target = 0;
  /** `endIf` ended the instruction: what follows has no effect. */
  private ended = false;

  private readonly pendingRegister = new Int32Array(PENDING);
  private readonly pendingWidth = new Int32Array(PENDING);
  private readonly pendingValue: bigint[] = new Array<bigint>(PENDING).fill(0n);
  private pendingCount = 0;
  /** The one vector register that an instruction writes, or -1. */
  private pendingXmm = -1;
  private pendingVector = 0n;
  private pendingFlagMask = 0;
  private pendingFlags = 0;
  private pendingRule: FlagRule | null = null;
  private pendingRuleWidth: Width = 64;
  private pendingA = 0n;
  private pendingB = 0n;
  private pendingR = 0n;

  /** Where `loadForUpdate` loaded; `updateSecond` is where its bytes go on in another page, or -1. */
  private updateFirst = 0;
  private updateSecond = -1;
  private updateOffset = 0;

  /** Set while instructions are executed one at a time and accesses matter to debug exceptions or alignment checks. */
  private watch: StepWatch | null = null;
  private aligned = false;

  /** Pages of the block being executed; a store to one of them sets `blockWritten`. */
  blockPage = -1;
  blockSecondPage = -1;
  blockWritten = false;

  /** Works on this core from now on. */
  attach(core: Core): void {
    const { state } = core;
    if (this.core !== core) {
      this.core = core;
      this.u64 = state.u64;
      this.u32 = state.u32;
      this.u16 = state.u16;
      this.u8 = state.u8;
      this.i32 = state.i32;
      this.xmm = state.xmm;
      this.attachX87(state);
      this.memoryView = core.memory.view;
      this.memorySize = core.memory.size;
      this.lines = core.memory.lines;
    }
    this.watch = core.watch;
    this.aligned = core.watch !== null && checksAlignment(core);
    this.readFlagsWord();
  }

  /** RFLAGS comes from the state block again. */
  readFlagsWord(): void {
    this.flags.load(this.i32[I32_RFLAGS]!);
  }

  /** RFLAGS in the state block is exact. */
  writeFlagsWord(): void {
    this.i32[I32_RFLAGS] = this.flags.whole();
  }

  /** An instruction starts; `next` is the RIP after it. */
  begin(insn: Instruction, next: number): void {
    this.insn = insn;
    this.next = next;
    this.target = next;
    this.ended = false;
  }

  /** The instruction's writes take effect. Returns the RIP where it goes on. */
  commit(): number {
    for (let i = 0; i < this.pendingCount; i++) this.writeRegister(this.pendingWidth[i]!, this.pendingRegister[i]!, this.pendingValue[i]!);
    this.pendingCount = 0;
    if (this.pendingXmm >= 0) {
      this.xmm[this.pendingXmm * 2] = this.pendingVector;
      this.xmm[this.pendingXmm * 2 + 1] = this.pendingVector >> 64n;
      this.pendingXmm = -1;
    }
    this.commitMmx();
    if (this.pendingRule !== null) {
      this.flags.follow(this.pendingRule, this.pendingRuleWidth, this.pendingA, this.pendingB, this.pendingR);
      this.pendingRule = null;
    }
    if (this.pendingFlagMask !== 0) {
      this.flags.write(this.pendingFlagMask, this.pendingFlags);
      this.pendingFlagMask = 0;
      this.pendingFlags = 0;
    }
    return this.target;
  }

  /** The instruction's writes are forgotten. */
  abandon(): void {
    this.pendingCount = 0;
    this.pendingXmm = -1;
    this.abandonMmx();
    this.pendingRule = null;
    this.pendingFlagMask = 0;
    this.pendingFlags = 0;
  }

  private writeRegister(width: number, register: number, value: bigint): void {
    if (width >= 32) this.u64[register] = value;
    else if (width === 16) this.u16[register * 4] = Number(value);
    else this.u8[register < 16 ? register * 8 : (register - 16) * 8 + 1] = Number(value);
  }

  readGpr(width: Width, register: number): bigint {
    if (width === 64) return this.u64[register]!;
    if (width === 32) return BigInt(this.u32[register * 2]!);
    if (width === 16) return BigInt(this.u16[register * 4]!);
    return SMALL[this.u8[register < 16 ? register * 8 : (register - 16) * 8 + 1]!]!;
  }

  writeGpr(width: Width, register: number, value: bigint): void {
    if (this.ended) return;
    const i = this.pendingCount++;
    this.pendingRegister[i] = register;
    this.pendingWidth[i] = width;
    this.pendingValue[i] = value;
  }

  readSegmentBase(segment: number): bigint {
    return this.u64[U64_SEGMENT_BASE + segment]!;
  }

  readSegmentSelector(segment: number): bigint {
    return BigInt(this.i32[I32_SEGMENT_SELECTOR + segment]!);
  }

  readNextRip(): bigint {
    return BigInt.asUintN(64, BigInt(this.next));
  }

  private readonly flagForCondition = (bit: FlagBit): Value => this.readFlag(bit) as unknown as Value;

  readCondition(condition: number): bigint {
    return conditionOfFlags(this as unknown as Ops<Value>, condition, this.flagForCondition) as unknown as bigint;
  }

  readFlag(bit: FlagBit): bigint {
    return SMALL[this.flags.read(bit)]!;
  }

  writeFlag(bit: FlagBit, value: bigint): void {
    if (this.ended) return;
    this.pendingFlagMask |= 1 << bit;
    this.pendingFlags = value === 0n ? this.pendingFlags & ~(1 << bit) : this.pendingFlags | (1 << bit);
  }

  setFlags(rule: FlagRule, width: Width, a: bigint, b: bigint, r: bigint): void {
    if (this.ended) return;
    this.pendingRule = rule;
    this.pendingRuleWidth = width;
    this.pendingA = a;
    this.pendingB = b;
    this.pendingR = r;
  }

  setFlagsIf(condition: bigint, rule: FlagRule, width: Width, a: bigint, b: bigint, r: bigint): void {
    if (condition !== 0n) this.setFlags(rule, width, a, b, r);
  }

  readFlags(): bigint {
    return BigInt(this.flags.whole() >>> 0);
  }

  load(width: Width, segment: number, la: bigint): bigint {
    if (this.ended) return 0n;
    const bytes = width >> 3;
    const address = this.canonical(segment, la, bytes);
    if (this.watch !== null) this.watched(address, bytes, false);
    if ((address & 0xfff) + bytes > 4096) {
      const first = this.translate(address, ACCESS_READ);
      const second = this.translate(pageAfter(address), ACCESS_READ);
      this.reach(first, false);
      return this.loadSplit(first, second, 4096 - (address & 0xfff), bytes);
    }
    const hpa = this.translate(address, ACCESS_READ);
    this.reach(hpa, false);
    return this.loadPhysical(width, hpa);
  }

  store(width: Width, segment: number, la: bigint, value: bigint): void {
    if (this.ended) return;
    const bytes = width >> 3;
    const address = this.canonical(segment, la, bytes);
    if (this.watch !== null) this.watched(address, bytes, true);
    if ((address & 0xfff) + bytes > 4096) {
      const first = this.translate(address, ACCESS_WRITE);
      const second = this.translate(pageAfter(address), ACCESS_WRITE);
      this.reach(first, true);
      this.storeSplit(first, second, 4096 - (address & 0xfff), bytes, value);
      return;
    }
    const hpa = this.translate(address, ACCESS_WRITE);
    this.reach(hpa, true);
    this.storePhysical(width, hpa, value);
  }

  loadForUpdate(width: Width, segment: number, la: bigint): bigint {
    if (this.ended) return 0n;
    const bytes = width >> 3;
    const address = this.canonical(segment, la, bytes);
    if (this.watch !== null) this.watched(address, bytes, true);
    this.updateFirst = this.translate(address, ACCESS_WRITE);
    if ((address & 0xfff) + bytes > 4096) {
      this.updateSecond = this.translate(pageAfter(address), ACCESS_WRITE);
      this.updateOffset = 4096 - (address & 0xfff);
      this.reach(this.updateFirst, true);
      return this.loadSplit(this.updateFirst, this.updateSecond, this.updateOffset, bytes);
    }
    this.updateSecond = -1;
    this.reach(this.updateFirst, true);
    return this.loadPhysical(width, this.updateFirst);
  }

  storeUpdate(width: Width, value: bigint): void {
    if (this.ended) return;
    if (this.updateSecond < 0) this.storePhysical(width, this.updateFirst, value);
    else this.storeSplit(this.updateFirst, this.updateSecond, this.updateOffset, width >> 3, value);
  }

  probeStore(width: Width, segment: number, la: bigint): void {
    if (this.ended) return;
    const address = this.canonical(segment, la, width >> 3);
    if (this.aligned && (address & ((width >> 3) - 1)) !== 0) throw guestFault.set(VECTOR_AC, 0);
    this.translate(address, ACCESS_WRITE);
    if ((address & 0xfff) + (width >> 3) > 4096) this.translate(pageAfter(address), ACCESS_WRITE);
  }

  checkSegment(segment: number, offset: bigint, bytes: number, write: boolean): void {
    if (this.ended || segmentAllows(this.i32, segment, Number(offset), bytes, write)) return;
    throw guestFault.set(segment === SS ? VECTOR_SS : VECTOR_GP, 0);
  }

  jump(target: bigint): void {
    if (this.ended) return;
    const rip = Number(BigInt.asIntN(64, target));
    const valid = this.insn.mode === 64 ? rip >= -CANONICAL_LIMIT && rip < CANONICAL_LIMIT : rip <= this.i32[I32_SEGMENT_LIMIT + CS]! >>> 0;
    if (!valid) throw guestFault.set(VECTOR_GP, 0);
    this.target = rip;
  }

  jumpRelative(delta: number): void {
    if (this.ended) return;
    const rip = this.next + delta;
    const { mode, width } = this.insn;
    if (mode === 64) {
      // Past the top of the address space lies its bottom.
      if (rip < -CANONICAL_LIMIT || rip >= CANONICAL_LIMIT) throw guestFault.set(VECTOR_GP, 0);
      this.target = rip;
      return;
    }
    const wrapped = width === 16 && this.isBranch() ? rip & 0xffff : rip >>> 0;
    if (wrapped > this.i32[I32_SEGMENT_LIMIT + CS]! >>> 0) throw guestFault.set(VECTOR_GP, 0);
    this.target = wrapped;
  }

  branchRelative(condition: bigint, delta: number): void {
    if (condition !== 0n) this.jumpRelative(delta);
  }

  endIf(condition: bigint): void {
    if (condition !== 0n) this.ended = true;
  }

  raise(vector: number, errorCode: number): void {
    if (!this.ended) throw guestFault.set(vector, errorCode);
  }

  raiseIf(condition: bigint, vector: number, errorCode: number): void {
    if (condition !== 0n) this.raise(vector, errorCode);
  }

  requireSse(): void {
    const vector = sseFault(this.i32);
    if (vector >= 0) throw guestFault.set(vector, -1);
  }

  readXmm(register: number): bigint {
    return (this.xmm[register * 2 + 1]! << 64n) | this.xmm[register * 2]!;
  }

  writeXmm(register: number, value: bigint): void {
    this.pendingXmm = register;
    this.pendingVector = value;
  }

  loadVector(segment: number, la: bigint): bigint {
    const address = this.canonical(segment, la, 16);
    if (this.watch !== null) this.watched(address, 16, false);
    const first = this.translate(address, ACCESS_READ);
    if ((address & 0xfff) > 4096 - 16) {
      const second = this.translate(pageAfter(address), ACCESS_READ);
      this.reach(first, false);
      return this.loadSplit(first, second, 4096 - (address & 0xfff), 16);
    }
    this.reach(first, false);
    return (this.loadPhysical(64, first + 8) << 64n) | this.loadPhysical(64, first);
  }

  storeVector(segment: number, la: bigint, value: bigint): void {
    const address = this.canonical(segment, la, 16);
    if (this.watch !== null) this.watched(address, 16, true);
    const first = this.translate(address, ACCESS_WRITE);
    if ((address & 0xfff) > 4096 - 16) {
      const second = this.translate(pageAfter(address), ACCESS_WRITE);
      this.reach(first, true);
      this.storeSplit(first, second, 4096 - (address & 0xfff), 16, value);
      return;
    }
    this.reach(first, true);
    this.storePhysical(64, first, BigInt.asUintN(64, value));
    this.storePhysical(64, first + 8, value >> 64n);
  }

  floating(step: FloatStep, a: bigint, b: bigint): bigint {
    const { floatUnit, i32 } = this;
    const result = floatUnit.execute(step, a, b, i32[I32_MXCSR]!);
    i32[I32_MXCSR]! |= floatUnit.exceptions;
    if (floatUnit.unmasked) throw guestFault.set((i32[U64_CR4 * 2]! & CR4_OSXMMEXCPT) !== 0 ? VECTOR_XM : VECTOR_UD, -1);
    return result;
  }

  readMxcsr(): bigint {
    return BigInt(this.i32[I32_MXCSR]!);
  }

  writeMxcsr(value: bigint): void {
    this.i32[I32_MXCSR] = Number(value);
  }

  /** A repeated string instruction returns to itself at full width; only branches truncate to the operand size. */
  private isBranch(): boolean {
    return this.insn.repeat === 0;
  }

  /** Raises #AC(0) for an access that must be aligned and is not; others are noted for the breakpoints. */
  private watched(address: number, bytes: number, write: boolean): void {
    if (this.aligned && (address & (bytes - 1)) !== 0) throw guestFault.set(VECTOR_AC, 0);
    this.watch!.note(address, bytes, write);
  }

  private canonical(segment: number, la: bigint, bytes: number): number {
    const address = Number(BigInt.asIntN(64, la));
    if (address >= -CANONICAL_LIMIT && address + bytes <= CANONICAL_LIMIT) return address;
    throw guestFault.set(segment === SS ? VECTOR_SS : VECTOR_GP, 0);
  }

  /** Host-physical address, or the fault is thrown. */
  private translate(la: number, access: number): number {
    const { core } = this;
    const hpa = core.mmu.translate(la, access | core.userAccess);
    if (hpa < 0) this.translationFault();
    return hpa;
  }

  /** Throws the fault of the MMU's last translation. */
  translationFault(): never {
    const { fault } = this.core.mmu;
    if (fault.kind === FAULT_PAGE) throw guestFault.set(VECTOR_PF, fault.errorCode, fault.la);
    throw guestFault.set(FAULT_EPT, -1, fault.la);
  }

  /** The cache line of an access that begins at this address is the core's, at its price. */
  private reach(hpa: number, write: boolean): void {
    const { lines, core } = this;
    if (lines === null || hpa >= this.memorySize) return;
    const cycles = write ? lines.store(core.id, hpa) : lines.load(core.id, hpa);
    if (cycles !== 0) core.state.clock[0]! += cycles;
  }

  private loadPhysical(width: number, hpa: number): bigint {
    if (hpa + (width >> 3) > this.memorySize) return this.core.loadDevice(hpa, width);
    switch (width) {
      case 64:
        return this.memoryView.getBigUint64(hpa, true);
      case 32:
        return BigInt(this.memoryView.getUint32(hpa, true));
      case 16:
        return BigInt(this.memoryView.getUint16(hpa, true));
      default:
        return SMALL[this.memoryView.getUint8(hpa)]!;
    }
  }

  private storePhysical(width: number, hpa: number, value: bigint): void {
    if (hpa + (width >> 3) > this.memorySize) {
      this.core.storeDevice(hpa, width, value);
      return;
    }
    const page = (hpa - (hpa & 0xfff)) / 4096;
    if (this.core.memory.codePages[page] !== 0) this.markedWritten(page, hpa, width >> 3);
    switch (width) {
      case 64:
        this.memoryView.setBigUint64(hpa, value, true);
        break;
      case 32:
        this.memoryView.setUint32(hpa, Number(value), true);
        break;
      case 16:
        this.memoryView.setUint16(hpa, Number(value), true);
        break;
      default:
        this.memoryView.setUint8(hpa, Number(value));
    }
  }

  private markedWritten(page: number, hpa: number, bytes: number): void {
    this.core.memory.markedWritten(hpa, bytes);
    if (page === this.blockPage || page === this.blockSecondPage) this.blockWritten = true;
  }

  /** An access over a page end goes byte by byte: the pages need not be neighbours in physical memory. */
  private loadSplit(first: number, second: number, inFirst: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | this.loadPhysical(8, i < inFirst ? first + i : second + i - inFirst);
    return value;
  }

  private storeSplit(first: number, second: number, inFirst: number, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) {
      this.storePhysical(8, i < inFirst ? first + i : second + i - inFirst, (value >> BigInt(8 * i)) & 0xffn);
    }
  }
}

const pageAfter = (la: number): number => la - (la & 0xfff) + 4096;
