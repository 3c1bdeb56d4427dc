/** A core in 32-bit protected mode without paging, with descriptors, a TSS, and code given as bytes. */
import { CR0_ET, CR0_PE } from '../../../src/arch/controlRegisters.ts';
import { CS, DS, ES, FS, GS, RSP, SS, TR } from '../../../src/arch/registers.ts';
import { RFLAGS_FIXED } from '../../../src/arch/rflags.ts';
import type { Core } from '../../../src/cpu/core.ts';
import { updateMode } from '../../../src/cpu/mode.ts';
import { parseDescriptor, setSegment } from '../../../src/cpu/segmentation.ts';
import {
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_RFLAGS,
  U64_CR0,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_RIP,
} from '../../../src/cpu/state.ts';
import type { StopReason } from '../../../src/cpu/stop.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { ivybridge } from '../../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../../src/trace/probe.ts';
import { descriptor } from '../rig.ts';

export const GDT = 0x2_0000;
export const IDT = 0x2_1000;
export const TSS = 0x2_2000;
export const OTHER_TSS = 0x2_3000;
export const CODE = 0x3_0000;
/** Handler of vector v: HLT at HANDLERS + 16 v. */
export const HANDLERS = 0x2_8000;
export const KERNEL_STACK = 0x4_0000;
export const USER_STACK = 0x5_0000;

export const KERNEL_CS = 0x08;
export const KERNEL_DS = 0x10;
export const USER_CS = 0x1b;
export const USER_DS = 0x23;
export const TSS_SELECTOR = 0x28;
export const OTHER_TSS_SELECTOR = 0x30;
export const FREE_SELECTOR = 0x38;

export const gate = (selector: number, offset: number, access: number, parameters = 0): bigint =>
  BigInt(offset & 0xffff) |
  (BigInt(selector) << 16n) |
  (BigInt(parameters) << 32n) |
  (BigInt(access) << 40n) |
  (BigInt(offset >>> 16) << 48n);

export class LegacyRig {
  readonly machine = new Machine({ profile: ivybridge, cores: 1, memory: 1024 ** 2, engine: 'reference', probe: noProbe });
  readonly core: Core = this.machine.cores[0]!;

  constructor(code: readonly number[]) {
    const { u64, i32 } = this.core.state;
    const global: readonly (readonly [number, bigint])[] = [
      [KERNEL_CS, descriptor(0x9b, 0xc)],
      [KERNEL_DS, descriptor(0x93, 0xc)],
      [USER_CS, descriptor(0xfb, 0xc)],
      [USER_DS, descriptor(0xf3, 0xc)],
      [TSS_SELECTOR, descriptor(0x8b, 0, TSS, 0x67)],
      [OTHER_TSS_SELECTOR, descriptor(0x89, 0, OTHER_TSS, 0x67)],
    ];
    for (const [selector, value] of global) this.store64(GDT + (selector & ~7), value);
    for (let vector = 0; vector < 64; vector++) {
      this.store64(IDT + vector * 8, gate(KERNEL_CS, HANDLERS + vector * 16, 0xee));
      this.machine.memory.bytes[HANDLERS + vector * 16] = 0xf4;
    }
    this.store32(TSS + 4, KERNEL_STACK);
    this.store32(TSS + 8, KERNEL_DS);
    this.machine.memory.write(CODE, Uint8Array.from([...code, 0xf4]));
    u64[U64_CR0] = BigInt(CR0_PE | CR0_ET);
    u64[U64_GDTR_BASE] = BigInt(GDT);
    i32[I32_GDTR_LIMIT] = 0xff;
    u64[U64_IDTR_BASE] = BigInt(IDT);
    i32[I32_IDTR_LIMIT] = 0x7ff;
    this.load(TR, TSS_SELECTOR);
    this.enter(KERNEL_CS, KERNEL_DS, KERNEL_STACK);
  }

  private load(segment: number, selector: number): void {
    const { base, limit, access } = parseDescriptor(this.machine.memory.view.getBigUint64(GDT + (selector & ~7), true), 0);
    setSegment(this.core, segment, selector, base, limit, access);
  }

  /** The code starts at the level of these segments. */
  enter(cs: number, data: number, stack: number, flags = 0): void {
    const { u64, i32 } = this.core.state;
    this.load(CS, cs);
    for (const segment of [SS, DS, ES, FS, GS]) this.load(segment, data);
    i32[I32_CPL] = cs & 3;
    i32[I32_RFLAGS] = RFLAGS_FIXED | flags;
    u64[RSP] = BigInt(stack);
    u64[U64_RIP] = BigInt(CODE);
    updateMode(this.core);
  }

  store64(address: number, value: bigint): void {
    this.machine.memory.view.setBigUint64(address, value, true);
  }

  store32(address: number, value: number): void {
    this.machine.memory.view.setUint32(address, value, true);
  }

  load32(address: number): number {
    return this.machine.memory.view.getUint32(address, true);
  }

  /** Runs until the machine stops. */
  run(): StopReason | undefined {
    while (this.machine.turn(100_000));
    return this.machine.stopReason;
  }

  /** Runs to a handler; its vector, and the words on its stack. */
  delivered(words: number): { vector: number; frame: number[]; esp: number } {
    this.run();
    const esp = Number(this.core.state.u64[RSP]!);
    return {
      vector: (this.core.rip - 1 - HANDLERS) / 16,
      frame: Array.from({ length: words }, (_, i) => this.load32(esp + 4 * i)),
      esp,
    };
  }
}
