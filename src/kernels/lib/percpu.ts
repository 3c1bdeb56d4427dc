/** The per-core area: what a core keeps for itself, reached through GS. */

import { TSS64_SIZE } from '../../arch/segments.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { inSegment, type Memory } from '../../asm/operand.ts';
import { aligned, array, type Field, record, sizeOf, space, u32, u64 } from '../../asm/record.ts';
import { gs, type Register, type Width } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { MAX_CORES } from './layout.ts';

/** Bytes that an OS model may keep in each area. */
export const KERNEL_SPACE = 512;

export const PerCpu = record({
  /** Linear address of this area. */
  self: u64,
  number: u32,
  apicId: u32,
  /** RSP for SYSCALL and, in the TSS, for interrupts from user mode. */
  kernelStack: u64,
  /** User RSP while the kernel serves a SYSCALL. */
  userStack: u64,
  /** Kernel RSP that leaving user mode for good returns to. */
  userExit: u64,
  /** State of the random numbers. */
  random: u64,
  /** Counters of the scenario. */
  figures: array(u64, 8),
  /** Cores whose call-function requests this core has yet to serve. Written by others: a cache line of its own. */
  callRequests: aligned(64, u64),
  /** Cores that have yet to serve this core's own request; then the request. */
  callWaiting: aligned(64, u64),
  callFunction: u64,
  callArgument: u64,
  /** Range of this core's shootdown in progress. */
  flushStart: u64,
  flushEnd: u64,
  tss: aligned(64, space(TSS64_SIZE)),
  /** For the OS model, which lays its own record over it. */
  kernel: aligned(64, space(KERNEL_SPACE)),
});

export const PERCPU_SHIFT = 10;
if (sizeOf(PerCpu) > 1 << PERCPU_SHIFT) throw new Error('the per-core record outgrew its area');

/** A field of the running core's area. */
export const cpu = <W extends Width | 0>(field: Field<W>, displacement = 0): Memory<W> => inSegment(gs, field, displacement);

/** Zeroed areas for all cores. */
export function percpu(a: Assembler): void {
  a.room('percpu_areas', MAX_CORES << PERCPU_SHIFT, 4096);
}

/** `register` has become the address of the area of the core whose number it holds. */
export function areaOf(a: Assembler, register: Register<64>): void {
  a.shl(register, PERCPU_SHIFT);
  a.add(register, addr('percpu_areas'));
}
