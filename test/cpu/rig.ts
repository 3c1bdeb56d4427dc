/**
 * A bare machine for a few instructions: direct entry, a GDT with every kind of segment, an IDT whose handlers halt, a TSS with stacks. What an
 * instruction or event does is read off the core when it has halted: the handler's address tells the vector.
 */
import type { GuestImage } from '../../src/arch/guestImage.ts';
import { PTE_P, PTE_US } from '../../src/arch/paging.ts';
import { BOOT_PML4, BOOT_TABLES_END } from '../../src/arch/platform.ts';
import { CS, RSP, SS, TR } from '../../src/arch/registers.ts';
import { RFLAGS_FIXED } from '../../src/arch/rflags.ts';
import { AR_P, TYPE_TSS_BUSY } from '../../src/arch/segments.ts';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import type { Core } from '../../src/cpu/core.ts';
import { JitEngine } from '../../src/cpu/engines/jit/jitEngine.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { signedNumber } from '../../src/cpu/linearMemory.ts';
import { updateMode } from '../../src/cpu/mode.ts';
import { setSegment } from '../../src/cpu/segmentation.ts';
import {
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_RFLAGS,
  I32_SEGMENT_SELECTOR,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_RIP,
} from '../../src/cpu/state.ts';
import type { StopReason } from '../../src/cpu/stop.ts';
import { prepareDirectEntry } from '../../src/machine/directEntry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe, type Probe } from '../../src/trace/probe.ts';

export const CODE = 0x10_0000;
export const GDT = 0x2_0000;
export const IDT = 0x2_1000;
export const TSS = 0x2_3000;
/** Handler of vector v: HLT at HANDLERS + 16 v. */
export const HANDLERS = 0x2_8000;
/** Tops of stacks: of level 0 by the TSS, of IST n, and of the user. */
export const RSP0 = 0x4_1000;
export const istTop = (n: number): number => 0x4_1000 + n * 0x1000;
export const USER_STACK = 0x6_0000;
/** A page that tests use as they like. */
export const DATA = 0x5_0000;

export const KERNEL_CS = 0x08;
export const KERNEL_DS = 0x10;
export const USER_CS32 = 0x1b;
export const USER_DS = 0x23;
export const USER_CS = 0x2b;
export const TSS_SELECTOR = 0x30;
/** The first GDT entry that tests define. */
export const FREE_SELECTOR = 0x40;

export const TYPE_INTERRUPT = 0x8e;
export const TYPE_TRAP = 0x8f;

export interface Gate {
  readonly selector?: number;
  readonly offset?: bigint;
  /** Present, DPL and type: the fifth byte. */
  readonly access?: number;
  readonly ist?: number;
  /** The dword that is reserved but for its bits 12:8, which must be 0. */
  readonly last?: number;
}

/** A descriptor of 8 bytes: access byte and flags as in bits 47:40 and 55:52. */
export const descriptor = (access: number, flags = 0xa, base = 0, limit = 0xf_ffff): bigint =>
  BigInt(limit & 0xffff) |
  (BigInt(base & 0xff_ffff) << 16n) |
  (BigInt(access) << 40n) |
  (BigInt(limit >> 16) << 48n) |
  (BigInt(flags) << 52n) |
  (BigInt(base >>> 24) << 56n);

export interface RigOptions {
  readonly cores?: number;
  /** The reference engine by default. */
  readonly engine?: EngineName;
  readonly coherence?: boolean;
  readonly probe?: Probe;
}

/** What the halted core shows after an event. */
export interface Delivered {
  readonly vector: number;
  /** From the new stack pointer up: error code if there is one, RIP, CS, RFLAGS, RSP, SS. */
  readonly frame: readonly bigint[];
  readonly rsp: number;
  readonly cpl: number;
  readonly cs: number;
  readonly ss: number;
}

export class Rig {
  readonly machine: Machine;
  readonly core: Core;
  readonly symbols: ReadonlyMap<string, number>;
  readonly image: GuestImage;

  /** `write` writes 64-bit code; it starts at the label `start`, which stands before it. */
  constructor(write: (a: Assembler) => void, { cores = 1, engine = 'reference', probe = noProbe, coherence = false }: RigOptions = {}) {
    const a = assembler();
    a.label('start');
    write(a);
    const { image, symbols } = a.assemble({ base: CODE });
    this.image = image;
    this.symbols = symbols;
    const memory = 16 * 1024 ** 2;
    this.machine = new Machine({ profile: ivybridge, cores, memory, engine, probe, coherence });
    this.core = this.machine.cores[0]!;
    // Code is run a few times only: everything is compiled at once.
    if (this.core.engine instanceof JitEngine) this.core.engine.heatToCompile = 1;
    prepareDirectEntry(this.machine.memory, 0, image, { cores, memory, tscHz: ivybridge.frequencyHz, seed: 0, commandLine: '' });
    enterDirect(this.core, image.entry);
    this.openPages();
    this.writeTables();
  }

  private openPages(): void {
    for (let at = BOOT_PML4; at < BOOT_TABLES_END; at += 8)
      if (this.load(at) & BigInt(PTE_P)) this.store(at, this.load(at) | BigInt(PTE_US));
  }

  private writeTables(): void {
    this.store(GDT + KERNEL_CS, descriptor(0x9b));
    this.store(GDT + KERNEL_DS, descriptor(0x93, 0xc));
    this.store(GDT + (USER_CS32 & ~3), descriptor(0xfb, 0xc));
    this.store(GDT + (USER_DS & ~3), descriptor(0xf3, 0xc));
    this.store(GDT + (USER_CS & ~3), descriptor(0xfb));
    this.store(GDT + TSS_SELECTOR, descriptor(0x8b, 0, TSS, 0x67));
    this.store(TSS + 4, BigInt(RSP0));
    for (let n = 1; n <= 7; n++) this.store(TSS + 36 + (n - 1) * 8, BigInt(istTop(n)));
    for (let vector = 0; vector < 256; vector++) {
      this.gate(vector, {});
      this.machine.memory.bytes[HANDLERS + vector * 16] = 0xf4;
    }
    const { u64, i32 } = this.core.state;
    u64[U64_GDTR_BASE] = BigInt(GDT);
    i32[I32_GDTR_LIMIT] = 0xfff;
    u64[U64_IDTR_BASE] = BigInt(IDT);
    i32[I32_IDTR_LIMIT] = 0xfff;
    setSegment(this.core, TR, TSS_SELECTOR, BigInt(TSS), 0x67, AR_P | TYPE_TSS_BUSY);
  }

  /** The IDT's gate; by default a present interrupt gate of level 0 to the vector's handler. */
  gate(vector: number, { selector = KERNEL_CS, offset, access = TYPE_INTERRUPT, ist = 0, last = 0 }: Gate): void {
    const to = offset ?? BigInt(HANDLERS + vector * 16);
    const low = (to & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(ist) << 32n) | (BigInt(access) << 40n) | ((to & 0xffff_0000n) << 32n);
    this.store(IDT + vector * 16, low);
    this.store(IDT + vector * 16 + 8, (to >> 32n) | (BigInt(last) << 32n));
  }

  load(address: number): bigint {
    return this.machine.memory.view.getBigUint64(address, true);
  }

  store(address: number, value: bigint): void {
    this.machine.memory.view.setBigUint64(address, value, true);
  }

  /** Address of a label. */
  at(label: string): number {
    const address = this.symbols.get(label);
    if (address === undefined) throw new Error(`no label ${label}`);
    return address;
  }

  /** The core is at `label` in ring 3, with these flags. */
  enterUser(label: string, flags = 0): void {
    const { u64, i32 } = this.core.state;
    setSegment(this.core, CS, USER_CS, 0n, -1, 0xa0fb);
    setSegment(this.core, SS, USER_DS, 0n, -1, 0xc0f3);
    i32[I32_CPL] = 3;
    i32[I32_RFLAGS] = RFLAGS_FIXED | flags;
    u64[RSP] = BigInt(USER_STACK);
    u64[U64_RIP] = BigInt(this.at(label));
    updateMode(this.core);
  }

  /** Runs until the machine stops or the cycles are over. */
  run(cycles = 1_000_000): StopReason | undefined {
    const end = this.core.clock + cycles;
    while (this.machine.turn(end));
    return this.machine.stopReason;
  }

  /** Runs and answers what was delivered. The handler has halted the core with interrupts off, so the machine is idle. */
  delivered(words = 6): Delivered {
    const reason = this.run();
    if (reason?.kind !== 'idle') throw new Error(`not halted: ${JSON.stringify(reason)} at ${this.core.rip.toString(16)}`);
    const vector = (this.core.rip - 1 - HANDLERS) / 16;
    if (!Number.isInteger(vector) || vector < 0 || vector > 255)
      throw new Error(`halted at ${this.core.rip.toString(16)}, not in a handler`);
    const { u64, i32 } = this.core.state;
    const rsp = signedNumber(u64[RSP]!);
    return {
      vector,
      frame: Array.from({ length: words }, (_, word) => this.load(rsp + word * 8)),
      rsp,
      cpl: i32[I32_CPL]!,
      cs: i32[I32_SEGMENT_SELECTOR + CS]!,
      ss: i32[I32_SEGMENT_SELECTOR + SS]!,
    };
  }

  /** Vector and error code of the exception that the code ends with. */
  fault(): { vector: number; error: number } {
    const { vector, frame } = this.delivered();
    return { vector, error: Number(frame[0]) };
  }
}
