/** Pieces of random programs beside plain instructions: control flow, strings, self-modification, system instructions, interrupts. */
import fc from 'fast-check';
import {
  APIC_EOI,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_LVT_TIMER,
  APIC_SELF_IPI,
  APIC_TIMER_INITIAL,
  APIC_TPR,
} from '../../src/arch/apicRegisters.ts';
import { MARK_BASE } from '../../src/arch/marks.ts';
import { X2APIC_MSR_FIRST } from '../../src/arch/msr.ts';
import type { ProgramPiece } from '../engines/engineCase.ts';
import * as rig from '../engines/rigLayout.ts';
import { memoryPiece } from './memoryPiece.ts';
import { loadRegister, plainPiece } from './plainInstruction.ts';
import { pointer } from './rigPointer.ts';
import { vectorPiece } from './vectorPiece.ts';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;
const R8 = 8;

const byte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');
const word = (value: number): string => [0, 8, 16, 24].map((shift) => byte(value >> shift)).join('');
const target = fc.nat(63);
const register = fc.constantFrom(0, 1, 2, 3, 5, 6, 7);
const piece = (code: string): ProgramPiece => ({ code });

const conditionalJump = fc
  .record({ condition: fc.nat(15), target, short: fc.boolean() })
  .map(
    ({ condition, target, short }): ProgramPiece =>
      short
        ? { code: `${byte(0x70 | condition)}00`, reference: { at: 1, kind: 'rel8', target, plus: 0 } }
        : { code: `0f${byte(0x80 | condition)}00000000`, reference: { at: 2, kind: 'rel32', target, plus: 0 } },
  );

const jumpOrCall = fc
  .record({ opcode: fc.constantFrom('e9', 'e8', 'e8'), target })
  .map(({ opcode, target }): ProgramPiece => ({ code: `${opcode}00000000`, reference: { at: 1, kind: 'rel32', target, plus: 0 } }));

/** LOOP, LOOPE, LOOPNE, JRCXZ with a small RCX. */
const loopInstruction = fc
  .record({ opcode: fc.constantFrom(0xe0, 0xe1, 0xe2, 0xe3), count: fc.nat(9), target })
  .map(({ opcode, count, target }): ProgramPiece => {
    const code = `b9${word(count)}${byte(opcode)}00`;
    return { code, reference: { at: 6, kind: 'rel8', target, plus: 0 } };
  });

/** Back (or on) to a piece until a byte in memory has counted up to a power of two. */
const guardedLoop = fc
  .record({ counter: fc.nat(15), mask: fc.constantFrom(1, 3, 7, 31, 63), target })
  .map(({ counter, mask, target }): ProgramPiece => {
    const address = word(rig.LOOP_COUNTERS + counter);
    return { code: `fe0425${address}f60425${address}${byte(mask)}0f8500000000`, reference: { at: 17, kind: 'rel32', target, plus: 0 } };
  });

/**
 * A wait that changes nothing itself, until another core, an interrupt's handler or the end of all time changes a byte: with PAUSE or without, in
 * one block or two.
 */
const idleWait = fc.record({ counter: fc.nat(15), mask: fc.constantFrom(1, 3, 7), how: fc.nat(3) }).map(({ counter, mask, how }) => {
  const address = word(rig.LOOP_COUNTERS + counter);
  const test = `f60425${address}${byte(mask)}`;
  switch (how) {
    case 0: // pause; test byte [counter], mask; jz
      return piece(`f390${test}74f4`);
    case 1: // test; jz
      return piece(`${test}74f6`);
    case 2: // test; jnz over; pause; jmp
      return piece(`${test}7504f390ebf2`);
    default: // movzx eax, byte [counter]; test al, mask; lea edx, [rax+1]; jz
      return piece(`0fb60425${address}a8${byte(mask)}8d500174f1`);
  }
});

const indirect = fc
  .record({ register, target, how: fc.nat(2), plus: fc.oneof(fc.constant(0), fc.nat(3)) })
  .map(({ register, target, how, plus }): ProgramPiece => {
    const tail = how === 0 ? `ff${byte(0xe0 | register)}` : how === 1 ? `ff${byte(0xd0 | register)}` : `${byte(0x50 | register)}c3`;
    return { code: loadRegister(register, 0n) + tail, reference: { at: 2, kind: 'abs64', target, plus } };
  });

/** On in another window on the same code: a large page, or a data page. */
const elsewhere = fc
  .record({
    register,
    target,
    distance: fc.constantFrom(rig.LARGE_ALIAS, rig.GIGABYTE_ALIAS, rig.DATA + 10 * 4096 - rig.PROGRAMS),
    call: fc.boolean(),
  })
  .map(({ register, target, distance, call }): ProgramPiece => {
    const add = `4881${byte(0xc0 | register)}${word(distance)}`;
    return {
      code: `${loadRegister(register, 0n)}${add}ff${byte((call ? 0xd0 : 0xe0) | register)}`,
      reference: { at: 2, kind: 'abs64', target, plus: 0 },
    };
  });

const stack = fc
  .constantFrom('c3', 'c3', '50', '58', '9c', '9d', 'c9', '55', 'c8100000', '6a7f', 'c20800', 'ff3425', '668f00')
  .map((code) => piece(code === 'ff3425' ? code + word(rig.DATA + 16) : code));

/** A string instruction between two places, with or without REP, up or down. */
const stringInstruction = fc
  .record({
    opcode: fc.constantFrom(0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf),
    repeat: fc.constantFrom('', 'f3', 'f3', 'f2'),
    size: fc.constantFrom('', '66', '48'),
    count: fc.oneof({ weight: 6, arbitrary: fc.nat(40) }, { weight: 2, arbitrary: fc.nat(1500) }, { weight: 1, arbitrary: fc.constant(0) }),
    down: fc.nat(4).map((n) => n === 0),
    from: pointer,
    to: pointer,
  })
  .map(({ opcode, repeat, size, count, down, from, to }) => {
    const sized = size === '66' ? `66${repeat}${byte(opcode)}` : `${repeat}${size}${byte(opcode)}`;
    const places = loadRegister(RSI, from) + loadRegister(RDI, to) + loadRegister(RCX, BigInt(count));
    return piece(`${down ? 'fd' : 'fc'}${places}${sized}`);
  });

/** Changes the bytes of a piece: this one, one before or one behind; through the program's own address or an alias. */
const selfModification = fc
  .record({
    register,
    target,
    plus: fc.nat(11),
    value: fc.oneof(fc.constantFrom(0x90, 0x40, 0x48, 0xcc, 0xf4, 0xc3, 0x01, 0x31), fc.nat(255)),
    how: fc.nat(4),
    other: fc.constantFrom('', '', '', word(rig.PROGRAM_SIZE), word(-rig.PROGRAM_SIZE)),
  })
  .map(({ register, target, plus, value, how, other }): ProgramPiece => {
    const store =
      how === 0
        ? `fe${byte(register)}` // inc byte [r]
        : how === 1
          ? `c7${byte(register)}${word(Math.imul(value, 0x01010101))}`
          : how === 2
            ? `8680${word(rig.LARGE_ALIAS)}`.replace('80', byte(0x80 | register)) // xchg through the alias
            : `c6${byte(register)}${byte(value)}`;
    // ModRM 101 without displacement is RIP-relative: RBP is left out.
    if (register === 5) return piece('90');
    // The code of another core's program.
    const aside = other === '' ? '' : `4881${byte(0xc0 | register)}${other}`;
    return { code: loadRegister(register, 0n) + aside + store, reference: { at: 2, kind: 'abs64', target, plus } };
  });

const system = fc.oneof(
  fc
    .constantFrom(
      ...['fa', 'fb', 'fb', 'f4', 'f390', 'f390', '0f31', '0f01f9', '0fa2', '9c9d', '0f01f8', 'cc', '0f05', '0f0b', '0f06', '0f09'],
      ...['0f20d80f22d8', '0f20d834010f22d8', '0f20d8480fbae83f0f22d8', '0f20e034800f22e0', '0f20c00f22c0', '0f01cb', '0f01ca'],
      ...['8cd88ed8', '8cd08ed0', '8ce08ee0', '31c08ee8', 'f30faec0', 'f3480faed8', '0faee8', '0faef0', 'e8000000005b'],
    )
    .map(piece),
  pointer.map((place) => piece(`${loadRegister(RAX, place)}0f0138`)), // invlpg [rax]
  fc
    .record({ type: fc.nat(4), pcid: fc.nat(2), place: pointer })
    .map(({ type, pcid, place }) =>
      piece(`${loadRegister(RSI, BigInt(rig.DATA + 0x40))}48c706${word(pcid)}${loadRegister(RAX, place)}48894608b8${word(type)}660f388206`),
    ),
  fc.integer({ min: 32, max: 255 }).map((vector) => piece(`cd${byte(vector)}`)),
  // popfq of any flags but those that stop a program for good
  fc.nat(0xffff).map((flags) => piece(`68${word(flags & ~0x7000)}9d`)),
  fc.nat(8).map((mark) => piece(`0f1f80${word(MARK_BASE + mark)}`)),
  fc.nat(255).map((value) => piece(`ba${word(0x3f8)}b0${byte(value)}ee`)),
  fc.constant(piece(`ba${word(0x3fd)}ec`)),
  fc.constantFrom(0x10, 0x1b, 0xc000_0080, 0xc000_0101, 0x802, 0x830).map((msr) => piece(`b9${word(msr)}0f32`)),
);

const writeMsr = (msr: number, low: number, high: number): string => `b9${word(msr)}b8${word(low)}ba${word(high)}0f30`;
const x2apic = (offset: number, low: number, high = 0): ProgramPiece => piece(writeMsr(X2APIC_MSR_FIRST + (offset >> 4), low, high));
const xapic = (offset: number, value: number): string => `${loadRegister(R8, BigInt(rig.APIC + offset))}41c700${word(value)}`;

/** Interprocessor interrupts, timers, priorities: through MSRs and through the register page, whichever the APIC's mode makes of them. */
const interrupts = fc.oneof(
  fc
    .record({ vector: fc.integer({ min: 32, max: 255 }), to: fc.nat(4), shorthand: fc.nat(3), delivery: fc.constantFrom(0, 0, 0, 1, 4) })
    .chain(({ vector, to, shorthand, delivery }) => {
      const low = vector | (delivery << 8) | (1 << 14) | (shorthand << 18);
      return fc.constantFrom(x2apic(APIC_ICR_LOW, low, to), piece(xapic(APIC_ICR_HIGH, to << 24) + xapic(APIC_ICR_LOW, low)));
    }),
  fc.integer({ min: 16, max: 255 }).map((vector) => x2apic(APIC_SELF_IPI, vector)),
  fc.nat(3000).chain((ticks) => fc.constantFrom(x2apic(APIC_TIMER_INITIAL, ticks), piece(xapic(APIC_TIMER_INITIAL, ticks)))),
  fc
    .record({ vector: fc.nat(255), mode: fc.nat(2) })
    .chain(({ vector, mode }) =>
      fc.constantFrom(x2apic(APIC_LVT_TIMER, vector | (mode << 17)), piece(xapic(APIC_LVT_TIMER, vector | (mode << 17)))),
    ),
  fc.nat(255).map((priority) => x2apic(APIC_TPR, priority)),
  fc.nat(15).map((priority) => piece(`b8${word(priority)}440f22c0`)), // mov cr8, rax
  fc.constant(x2apic(APIC_EOI, 0)),
  // TSC deadline a little ahead
  fc.nat(4000).map((ahead) => piece(`0f3105${word(ahead)}83d200b9${word(0x6e0)}0f30`)),
);

/** PAUSE spins of the kind that kernels wait in: on a word that another core may change, with an end. */
const spin = fc.record({ counter: fc.nat(15), turns: fc.integer({ min: 1, max: 60 }) }).map(({ counter, turns }) =>
  // mov ecx, turns; again: pause; cmp byte [counter], 0; je out; dec ecx; jnz again; out:
  piece(`b9${word(turns)}f390803c25${word(rig.LOOP_COUNTERS + counter)}007404ffc975f0`),
);

/** What a lock does on a shared word. */
const locked = fc
  .constantFrom('f0fe0425', 'f0ff0425', 'f0f61425', 'f0480fc10c25', 'f0480fb10c25', '48870425')
  .map((code) => piece(code + word(rig.DATA + 0x20)));

const loads = fc
  .record({ register: fc.constantFrom(RAX, RCX, RDX, 3, 5, RSI, RDI, R8, 12, 13, 15), value: pointer })
  .map(({ register, value }) => piece(loadRegister(register, value)));

/** Any piece; plain instructions most of all. */
export const programPiece: fc.Arbitrary<ProgramPiece> = fc.oneof(
  { weight: 30, arbitrary: plainPiece },
  { weight: 8, arbitrary: vectorPiece },
  { weight: 4, arbitrary: conditionalJump },
  { weight: 2, arbitrary: jumpOrCall },
  { weight: 2, arbitrary: loopInstruction },
  { weight: 3, arbitrary: guardedLoop },
  { weight: 2, arbitrary: indirect },
  { weight: 1, arbitrary: elsewhere },
  { weight: 3, arbitrary: stack },
  { weight: 3, arbitrary: stringInstruction },
  { weight: 6, arbitrary: memoryPiece },
  { weight: 3, arbitrary: selfModification },
  { weight: 4, arbitrary: system },
  { weight: 2, arbitrary: interrupts },
  { weight: 2, arbitrary: spin },
  { weight: 2, arbitrary: idleWait },
  { weight: 1, arbitrary: locked },
  { weight: 1, arbitrary: loads },
);
