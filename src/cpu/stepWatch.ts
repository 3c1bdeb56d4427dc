/** What may happen around an instruction that is executed by itself: which accesses break, which must be aligned. */
import { CR0_AM } from '../arch/controlRegisters.ts';
import { BREAK_ON_ACCESS, BREAK_ON_IO, BREAK_ON_WRITE, DR7_CONDITION_SHIFT, DR7_ENABLES } from '../arch/debugRegisters.ts';
import { RFLAGS_AC } from '../arch/rflags.ts';
import type { Core } from './core.ts';
import { I32_CPL, I32_RFLAGS, U64_CR0, U64_DR0, U64_DR7 } from './state.ts';

const LENGTHS = [1, 2, 8, 4] as const;

/** True while some breakpoint is enabled. */
export const hasBreakpoints = (core: Core): boolean => (core.state.i32[U64_DR7 * 2]! & DR7_ENABLES) !== 0;

/** True while data accesses are checked for alignment: CR0.AM = 1, RFLAGS.AC = 1, CPL 3. */
export function checksAlignment(core: Core): boolean {
  const { i32 } = core.state;
  return (i32[I32_RFLAGS]! & RFLAGS_AC) !== 0 && i32[I32_CPL] === 3 && (i32[U64_CR0 * 2]! & CR0_AM) !== 0;
}

/** What is watched while one instruction is executed by itself. */
export class StepWatch {
  /** DR6.B0–B3 for the data accesses of the instruction. */
  met = 0;
  /** An event was delivered, or the guest was left: no trap follows. */
  interrupted = false;
  /** It was an element of a string instruction, and more of them are left. */
  repeating = false;
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** An access of `bytes` at a signed linear address took place. */
  note(la: number, bytes: number, write: boolean): void {
    this.met |= breakpointsMet(
      this.core,
      la,
      bytes,
      (condition) => condition === BREAK_ON_ACCESS || (write && condition === BREAK_ON_WRITE),
    );
  }

  /** A port access took place; counts under CR4.DE, which the caller has looked at. */
  notePort(port: number, bytes: number): void {
    this.met |= breakpointsMet(this.core, port, bytes, (condition) => condition === BREAK_ON_IO);
  }
}

/** DR6 bits of the enabled breakpoints whose range meets [la, la + bytes). */
export function breakpointsMet(core: Core, la: number, bytes: number, wanted: (condition: number) => boolean): number {
  const { u64 } = core.state;
  const dr7 = Number(u64[U64_DR7]! & 0xffff_ffffn);
  let met = 0;
  for (let n = 0; n < 4; n++) {
    if (((dr7 >>> (2 * n)) & 3) === 0) continue;
    const condition = (dr7 >>> (DR7_CONDITION_SHIFT + 4 * n)) & 3;
    if (!wanted(condition)) continue;
    const length = LENGTHS[(dr7 >>> (DR7_CONDITION_SHIFT + 4 * n + 2)) & 3]!;
    const from = Number(BigInt.asIntN(64, u64[U64_DR0 + n]! & ~BigInt(length - 1)));
    if (la < from + length && from < la + bytes) met |= 1 << n;
  }
  return met;
}
