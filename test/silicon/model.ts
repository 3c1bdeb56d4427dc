/** The model as a runner of cases: a machine of one core at level 3, with an IDT whose handlers halt. */
import {
  CR0_AM,
  CR0_ET,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_FSGSBASE,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_UMIP,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
} from '../../src/arch/controlRegisters.ts';
import { XCR0_SUPPORTED } from '../../src/arch/extendedState.ts';
import { PTE_P, PTE_RW, PTE_US, PTE_XD } from '../../src/arch/paging.ts';
import { CS, FS, GS, LDTR, SS, TR } from '../../src/arch/registers.ts';
import { RFLAGS_FIXED } from '../../src/arch/rflags.ts';
import { AR_P, AR_UNUSABLE, TYPE_LDT, TYPE_TSS_BUSY } from '../../src/arch/segments.ts';
import { VECTOR_BP, VECTOR_OF, VECTOR_PF, VECTORS_WITH_ERROR_CODE } from '../../src/arch/vectors.ts';
import type { Core } from '../../src/cpu/core.ts';
import { JitEngine } from '../../src/cpu/engines/jit/jitEngine.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { updateMode } from '../../src/cpu/mode.ts';
import { parseDescriptor, setSegment } from '../../src/cpu/segmentation.ts';
import {
  ACTIVITY_ACTIVE,
  ACTIVITY_HALTED,
  I32_ACTIVITY,
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_INTERRUPTIBILITY,
  I32_RFLAGS,
  I32_SEGMENT_LIMIT,
  I32_SEGMENT_SELECTOR,
  U64_CR0,
  U64_CR2,
  U64_CR3,
  U64_CR4,
  U64_EFER,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_RIP,
  U64_SEGMENT_BASE,
  U64_XCR0,
} from '../../src/cpu/state.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { type CodePage, fillPage, type Outcome, type SiliconCase, TIMED_OUT } from './siliconCase.ts';
import {
  CODE,
  CODE_BASES,
  CODE_SIZE,
  DATA,
  DATA_SIZE,
  dataTemplates,
  FLAT_CODE_32,
  FS_BASE,
  GS_BASE,
  HLT,
  LOCAL_DESCRIPTORS,
  type LocalDescriptor,
  PROCESSOR_NUMBER,
  PROCESSOR_NUMBER_LIMIT,
  selectorsOf,
  TEMPLATES,
  WRITABLE_SIZE,
} from './surroundings.ts';

/** Physical addresses of the model's own structures; linear ones are SYSTEM above. */
const TABLES = 0x10_0000;
const GDT = 0x18_0000;
const LDT = 0x18_1000;
const IDT = 0x18_2000;
const TSS = 0x18_3000;
const HANDLERS = 0x18_4000;
const STACK_TOP = 0x18_7000;
const SYSTEM = 0xffff_8000_0000_0000n;
const KERNEL_CS = 0x10;
const TSS_SELECTOR = 0x40;
/** Cycles after which a case has not come to an end. */
const LONGEST = 20_000;
/** Words that are compared at once. */
const PART_WORDS = 32;

/** A descriptor of eight bytes. */
const descriptor = (access: number, flags: number, base: number, limit: number): bigint =>
  BigInt(limit & 0xffff) |
  (BigInt(base & 0xff_ffff) << 16n) |
  (BigInt(access) << 40n) |
  (BigInt(limit >>> 16) << 48n) |
  (BigInt(flags) << 52n) |
  (BigInt(base >>> 24) << 56n);

/** As the kernel's modify_ldt writes it: level 3, accessed. */
const localDescriptor = ({ base, limit, big, contents, readOnly, inPages, absent }: LocalDescriptor): bigint =>
  descriptor((absent ? 0 : 0x80) | 0x71 | (readOnly ? 0 : 2) | (contents << 2), (inPages ? 8 : 0) | (big ? 4 : 0), base, limit);

/** Leads an engine that compiles from one end of a shared page to the other: all of it is one region then. */
const throughAll = (page: CodePage): SiliconCase => ({
  codeSize: 64,
  smallStack: false,
  localTable: false,
  origin: page.entry,
  code: new Uint8Array(0),
  page,
  gpr: NO_REGISTERS,
  flags: RFLAGS_FIXED,
  template: 0,
  patches: [],
});
const NO_REGISTERS = new Array<bigint>(16).fill(0n);

export class Model {
  readonly core: Core;
  private readonly machine: Machine;
  private readonly templates = dataTemplates();
  private readonly words: BigUint64Array;
  private readonly before = new BigUint64Array(WRITABLE_SIZE / 8);
  private readonly templateWords: BigUint64Array[] = [];
  private readonly segments = new Map<number, bigint>();
  private readonly page = new Uint8Array(CODE_SIZE);
  private tables = true;
  /** Parts of the data, and of what it was before. */
  private readonly parts: readonly (readonly [Buffer, Buffer])[];

  constructor(engine: EngineName) {
    this.machine = new Machine({ profile: ivybridge, cores: 1, memory: 2 * 1024 ** 2, engine, probe: noProbe });
    this.core = this.machine.cores[0]!;
    // Cases are run a few times only: everything is compiled at once.
    if (this.core.engine instanceof JitEngine) this.core.engine.heatToCompile = 1;
    const { bytes } = this.machine.memory;
    this.words = new BigUint64Array(bytes.buffer, bytes.byteOffset + DATA, WRITABLE_SIZE / 8);
    for (let t = 0; t < TEMPLATES; t++)
      this.templateWords.push(new BigUint64Array(this.templates.buffer, t * DATA_SIZE, WRITABLE_SIZE / 8));
    const partOf = ({ buffer, byteOffset }: BigUint64Array, i: number): Buffer =>
      Buffer.from(buffer, byteOffset + i * PART_WORDS * 8, PART_WORDS * 8);
    this.parts = Array.from({ length: this.words.length / PART_WORDS }, (_, i) => [partOf(this.words, i), partOf(this.before, i)]);
    bytes.set(this.templates.subarray(0, DATA_SIZE), DATA);
    bytes.fill(HLT, CODE, CODE + CODE_SIZE);
    this.writePageTables();
    this.writeDescriptors();
    this.enterLongMode();
  }

  private store(address: number, value: bigint): void {
    this.machine.memory.view.setBigUint64(address, value, true);
  }

  /** The lower half has the pages of the case, for level 3; the upper half all of RAM, for level 0. */
  private writePageTables(): void {
    const table = (n: number): number => TABLES + n * 0x1000;
    const down = (n: number, flags = PTE_P | PTE_RW | PTE_US): bigint => BigInt(table(n) | flags);
    this.store(table(0), down(1));
    this.store(table(1), down(2));
    this.store(table(2), down(3));
    for (let at = DATA; at < DATA + DATA_SIZE; at += 0x1000)
      this.store(table(3) + (at >> 9), BigInt(at | PTE_P | PTE_US | (at < DATA + WRITABLE_SIZE ? PTE_RW : 0)) | PTE_XD);
    this.store(table(3) + (CODE >> 9), BigInt(CODE | PTE_P | PTE_US | PTE_RW));
    this.store(table(0) + 256 * 8, down(4, PTE_P | PTE_RW));
    this.store(table(4), down(5, PTE_P | PTE_RW));
    this.store(table(5), BigInt(PTE_P | PTE_RW | (1 << 7)));
  }

  private writeDescriptors(): void {
    const global: readonly (readonly [selector: number, value: bigint])[] = [
      [KERNEL_CS, descriptor(0x9b, 0xa, 0, 0xf_ffff)],
      [0x18, descriptor(0x93, 0xc, 0, 0xf_ffff)],
      [0x20, descriptor(0xfb, 0xc, 0, 0xf_ffff)],
      [0x28, descriptor(0xf3, 0xc, 0, 0xf_ffff)],
      [0x30, descriptor(0xfb, 0xa, 0, 0xf_ffff)],
      [PROCESSOR_NUMBER & ~3, descriptor(0xf5, 4, 0, PROCESSOR_NUMBER_LIMIT)],
    ];
    for (const [selector, value] of global) {
      this.store(GDT + selector, value);
      this.segments.set(selector | 3, value);
    }
    LOCAL_DESCRIPTORS.forEach((local, i) => {
      this.store(LDT + i * 8, localDescriptor(local));
      this.segments.set(i * 8 + 7, localDescriptor(local));
    });
    this.store(TSS + 4, SYSTEM + BigInt(STACK_TOP));
    // No I/O permission bitmap: it would begin behind the limit.
    this.machine.memory.view.setUint16(TSS + 102, 0x68, true);
    for (let vector = 0; vector < 256; vector++) {
      const to = SYSTEM + BigInt(HANDLERS + vector * 16);
      // The kernel lets level 3 call INT3 and INTO.
      const access = vector === VECTOR_BP || vector === VECTOR_OF ? 0xee : 0x8e;
      this.store(IDT + vector * 16, (to & 0xffffn) | (BigInt(KERNEL_CS) << 16n) | (BigInt(access) << 40n) | ((to & 0xffff_0000n) << 32n));
      this.store(IDT + vector * 16 + 8, to >> 32n);
      this.machine.memory.bytes[HANDLERS + vector * 16] = HLT;
    }
  }

  private enterLongMode(): void {
    const { u64, i32 } = this.core.state;
    u64[U64_CR0] = BigInt((CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG) >>> 0);
    u64[U64_CR3] = BigInt(TABLES);
    u64[U64_CR4] = BigInt(CR4_PAE | CR4_FSGSBASE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP | CR4_OSXSAVE);
    u64[U64_XCR0] = BigInt(XCR0_SUPPORTED);
    u64[U64_EFER] = BigInt(EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE);
    u64[U64_GDTR_BASE] = SYSTEM + BigInt(GDT);
    i32[I32_GDTR_LIMIT] = 0x7f;
    u64[U64_IDTR_BASE] = SYSTEM + BigInt(IDT);
    i32[I32_IDTR_LIMIT] = 0xfff;
    setSegment(this.core, LDTR, 0x50, SYSTEM + BigInt(LDT), LOCAL_DESCRIPTORS.length * 8 - 1, AR_P | TYPE_LDT);
    setSegment(this.core, TR, TSS_SELECTOR, SYSTEM + BigInt(TSS), 0x67, AR_P | TYPE_TSS_BUSY);
  }

  /** There is a local descriptor table and a segment of 32-bit code, or neither. */
  private setTables(there: boolean): void {
    if (this.tables === there) return;
    this.tables = there;
    const { i32 } = this.core.state;
    this.store(GDT + (FLAT_CODE_32 & ~3), there ? this.segments.get(FLAT_CODE_32)! : 0n);
    i32[I32_SEGMENT_LIMIT + LDTR] = there ? LOCAL_DESCRIPTORS.length * 8 - 1 : 0;
  }

  private setSelector(segment: number, selector: number): void {
    if (selector === 0) {
      setSegment(this.core, segment, 0, 0n, 0, AR_UNUSABLE);
      return;
    }
    const { base, limit, access } = parseDescriptor(this.segments.get(selector)!, 0);
    setSegment(this.core, segment, selector, base, limit, access);
  }

  /** The read-only page behind the writable ones is absent, or writable like them. */
  mapThirdPage(how: 'absent' | 'writable'): void {
    const at = DATA + WRITABLE_SIZE;
    const entry = how === 'absent' ? 0n : BigInt(at | PTE_P | PTE_US | PTE_RW) | PTE_XD;
    this.store(TABLES + 3 * 0x1000 + (at >> 9), entry);
    this.core.mmu.invalidate.invlpg(at);
  }

  /** The code page is the case's; what is there already stays decoded and compiled. */
  private loadCode(one: SiliconCase): void {
    const { memory } = this.machine;
    const { page } = this;
    fillPage(page, one);
    if (Buffer.compare(memory.bytes.subarray(CODE, CODE + CODE_SIZE), page) === 0) return;
    memory.write(CODE, page);
    if (one.page !== undefined && this.core.engine instanceof JitEngine) this.run(throughAll(one.page));
  }

  /**
   * What the engine makes of a case; or the name of the instruction that is not implemented.
   * @param data what the data begins with, instead of the template's.
   */
  run(one: SiliconCase, data?: Uint8Array): Outcome | string {
    const { core, words, before } = this;
    const { u64, i32 } = core.state;
    this.loadCode(one);
    words.set(this.templateWords[one.template]!);
    if (data !== undefined) this.machine.memory.bytes.set(data, DATA);
    for (const { address, value } of one.patches) this.store(address, value);
    before.set(words);
    for (let i = 0; i < 16; i++) u64[i] = one.gpr[i]!;
    this.setTables(one.localTable);
    const { cs, ss, ds, es, fs, gs } = selectorsOf(one);
    [es, cs, ss, ds, fs, gs].forEach((selector, segment) => {
      this.setSelector(segment, selector);
    });
    if (!one.localTable) {
      u64[U64_SEGMENT_BASE + FS] = BigInt(FS_BASE);
      u64[U64_SEGMENT_BASE + GS] = BigInt(GS_BASE);
    }
    u64[U64_RIP] = BigInt(one.origin - CODE_BASES[one.codeSize]);
    u64[U64_CR2] = 0n;
    i32[I32_RFLAGS] = one.flags;
    i32[I32_CPL] = 3;
    i32[I32_INTERRUPTIBILITY] = 0;
    i32[I32_ACTIVITY] = ACTIVITY_ACTIVE;
    updateMode(core);
    core.run(core.clock + LONGEST);
    const { stopReason } = this.machine;
    if (stopReason !== undefined) {
      if (stopReason.kind !== 'unimplemented') throw new Error(`the machine stopped: ${JSON.stringify(stopReason)}`);
      this.machine.stopReason = undefined;
      core.stopped = false;
      return stopReason.what;
    }
    return this.outcome();
  }

  private outcome(): Outcome {
    const { core, words, before } = this;
    const { u64, i32 } = core.state;
    const changes: { address: number; value: bigint }[] = [];
    for (let part = 0; part < this.parts.length; part++) {
      const [now, then] = this.parts[part]!;
      if (now.equals(then)) continue;
      for (let i = part * PART_WORDS; i < (part + 1) * PART_WORDS; i++)
        if (words[i] !== before[i]) changes.push({ address: DATA + 8 * i, value: words[i]! });
    }
    const selectors = Array.from({ length: 6 }, (_, segment) => i32[I32_SEGMENT_SELECTOR + segment]!);
    const bases: [bigint, bigint] = [u64[U64_SEGMENT_BASE + FS]!, u64[U64_SEGMENT_BASE + GS]!];
    const gpr = [...u64.subarray(0, 16)];
    if (i32[I32_ACTIVITY] !== ACTIVITY_HALTED || i32[I32_CPL] !== 0)
      return { vector: TIMED_OUT, errorCode: 0, cr2: 0n, rip: 0n, flags: 0, gpr, selectors, bases, changes };
    const vector = (Number(u64[U64_RIP]! - SYSTEM) - 1 - HANDLERS) / 16;
    const withError = vector < 32 && (VECTORS_WITH_ERROR_CODE & (1 << vector)) !== 0;
    let frame = Number(u64[4]! - SYSTEM);
    const pop = (): bigint => {
      const value = this.machine.memory.view.getBigUint64(frame, true);
      frame += 8;
      return value;
    };
    const errorCode = withError ? Number(pop()) : 0;
    const rip = pop();
    selectors[CS] = Number(pop());
    const flags = Number(pop());
    gpr[4] = pop();
    selectors[SS] = Number(pop());
    return { vector, errorCode, cr2: vector === VECTOR_PF ? u64[U64_CR2]! : 0n, rip, flags, gpr, selectors, bases, changes };
  }
}
