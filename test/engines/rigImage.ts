/** The guest image of a random run: the rig's kernel and the programs. */
import type { GuestImage } from '../../src/arch/guestImage.ts';
import { RFLAGS_FIXED, RFLAGS_IF } from '../../src/arch/rflags.ts';
import {
  AR_P,
  TSS64_IO_MAP_BASE,
  TSS64_IST1,
  TSS64_RSP0,
  TSS64_SIZE,
  TYPE_INTERRUPT_GATE,
  TYPE_TSS_AVAILABLE,
} from '../../src/arch/segments.ts';
import { VECTOR_NMI } from '../../src/arch/vectors.ts';
import type { EngineCase, Program } from './engineCase.ts';
import { layOutProgram } from './programBytes.ts';
import { FRAME_CR3, FRAME_CR4, FRAME_LVT, FRAME_REGISTERS, FRAME_TICKS, handlerAt, rigHandlers } from './rigHandlers.ts';
import * as rig from './rigLayout.ts';
import { RIG_CR3, writeRigTables } from './rigTables.ts';

const PERIODIC = 1 << 17;
const DPL_3 = 3 << 5;
const templates = new Map<boolean, Uint8Array>();

/** What is the same for all programs: descriptors, handlers, page tables. */
function template(x2apic: boolean): Uint8Array {
  const known = templates.get(x2apic);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(rig.RIG_END - rig.RIG_BASE);
  const view = new DataView(bytes.buffer);
  const store = (address: number, value: bigint): void => view.setBigUint64(address - rig.RIG_BASE, value, true);
  // Kernel code and data, unused, user data, user code: the order SYSCALL and SYSRET ask for.
  [0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0n, 0x00cf_f300_0000_ffffn, 0x00af_fb00_0000_ffffn].forEach((descriptor, index) => {
    store(rig.GDT + index * 8, descriptor);
  });
  const handlers = rigHandlers(x2apic);
  for (const { address, bytes: code } of handlers.image.segments) bytes.set(code, address - rig.RIG_BASE);
  for (let vector = 0; vector < 256; vector++) {
    const offset = BigInt(handlerAt(handlers, vector < 32 ? 'exception' : 'interrupt'));
    const stack = vector === VECTOR_NMI ? 3 : vector < 32 ? 1 : 2;
    const access = BigInt((AR_P | DPL_3 | TYPE_INTERRUPT_GATE) << 8) | BigInt(stack);
    store(rig.IDT + vector * 16, (offset & 0xffffn) | (BigInt(rig.CODE_SELECTOR) << 16n) | (access << 32n) | ((offset >> 16n) << 48n));
  }
  for (let core = 0; core < rig.RIG_CORES; core++) {
    const tss = rig.TSS + core * rig.TSS_STRIDE;
    const stack = rig.STACKS + core * rig.STACKS_STRIDE;
    store(tss + TSS64_RSP0, BigInt(stack + 4096));
    for (let ist = 0; ist < 3; ist++) store(tss + TSS64_IST1 + ist * 8, BigInt(stack + (ist + 1) * 4096));
    view.setUint16(tss - rig.RIG_BASE + TSS64_IO_MAP_BASE, TSS64_SIZE, true);
    store(rig.GDT + rig.FIRST_TSS + core * 16, BigInt(TSS64_SIZE - 1) | (BigInt(tss) << 16n) | (BigInt(AR_P | TYPE_TSS_AVAILABLE) << 40n));
  }
  writeRigTables(view);
  templates.set(x2apic, bytes);
  return bytes;
}

/** Every engine runs the same case; the image that was made last is likely to be asked for again. */
const images: { test: EngineCase; image: GuestImage }[] = [];
const IMAGES_KEPT = 64;

/** The image for a case; every core or vCPU enters at its entry point. */
export function rigImage(test: EngineCase): GuestImage {
  const known = images.find(
    ({ test: { programs, timers, x2apic, cr4 } }) =>
      programs === test.programs && timers === test.timers && x2apic === test.x2apic && cr4 === test.cr4,
  );
  if (known !== undefined) return known.image;
  const image = makeImage(test);
  images.push({ test, image });
  if (images.length > IMAGES_KEPT) images.shift();
  return image;
}

function makeImage(test: EngineCase): GuestImage {
  const bytes = template(test.x2apic).slice();
  const view = new DataView(bytes.buffer);
  const store = (address: number, value: bigint): void => view.setBigUint64(address - rig.RIG_BASE, BigInt.asUintN(64, value), true);
  const laidOut = test.programs.map((program, number) => {
    const base = rig.PROGRAMS + number * rig.PROGRAM_SIZE;
    const laid = layOutProgram(program, base);
    bytes.set(laid.bytes, base - rig.RIG_BASE);
    bytes.set(new Uint8Array(laid.resume.buffer), rig.RESUME + number * rig.RESUME_STRIDE - rig.RIG_BASE);
    return laid;
  });
  for (let core = 0; core < rig.RIG_CORES; core++) {
    const number = core % test.programs.length;
    const program = test.programs[number]!;
    const { entry, restarts } = laidOut[number]!;
    const base = rig.PROGRAMS + number * rig.PROGRAM_SIZE;
    const stackTop = rig.STACKS + (core + 1) * rig.STACKS_STRIDE;
    // NMIs have the third page; it resumes programs as the first one does.
    for (const page of [0, 2]) {
      const area = rig.STACKS + core * rig.STACKS_STRIDE + page * 4096;
      store(area + rig.AREA_PROGRAM, BigInt(base));
      store(area + rig.AREA_RESUME, BigInt(rig.RESUME + number * rig.RESUME_STRIDE));
      store(area + rig.AREA_STACK, BigInt(stackTop - 64));
      bytes.set(new Uint8Array(restarts.buffer), area + rig.AREA_RESTARTS - rig.RIG_BASE);
    }
    startFrame(test, program, core, base + entry, stackTop - 64, store);
  }
  return {
    entry: handlerAt(rigHandlers(test.x2apic), 'start'),
    segments: [{ address: rig.RIG_BASE, bytes, memorySize: bytes.length }],
    symbols: new Map(),
  };
}

function startFrame(
  test: EngineCase,
  program: Program,
  core: number,
  rip: number,
  stack: number,
  store: (address: number, value: bigint) => void,
): void {
  const frame = rig.FRAMES + core * rig.FRAME_STRIDE;
  const timer = test.timers[core % Math.max(1, test.timers.length)];
  store(frame + FRAME_CR4, BigInt(test.cr4));
  store(frame + FRAME_CR3, BigInt(RIG_CR3));
  store(frame + FRAME_LVT, BigInt(timer ? timer.vector | (timer.periodic ? PERIODIC : 0) : 0));
  store(frame + FRAME_TICKS, BigInt(timer?.ticks ?? 0));
  for (let i = 0; i < 15; i++) store(frame + FRAME_REGISTERS + i * 8, BigInt(`0x${program.registers[i] ?? '0'}`));
  const flags = RFLAGS_FIXED | (program.interruptsOn ? RFLAGS_IF : 0);
  const [cs, ss] = program.user ? [rig.USER_CODE_SELECTOR, rig.USER_DATA_SELECTOR] : [rig.CODE_SELECTOR, rig.DATA_SELECTOR];
  [rip, cs, flags, stack, ss].forEach((word, index) => {
    store(frame + FRAME_REGISTERS + (15 + index) * 8, BigInt(word));
  });
}
