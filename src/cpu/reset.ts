import { CR0_CD, CR0_ET, CR0_NW } from '../arch/controlRegisters.ts';
import { XCR0_RESET } from '../arch/extendedState.ts';
import { MISC_ENABLE_FAST_STRINGS, MISC_ENABLE_MONITOR, PAT_RESET } from '../arch/msr.ts';
import { MXCSR_RESET } from '../arch/mxcsr.ts';
import { CS, LDTR, RDX, TR } from '../arch/registers.ts';
import { RFLAGS_FIXED } from '../arch/rflags.ts';
import { AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_LDT, TYPE_WRITABLE_OR_READABLE } from '../arch/segments.ts';
import { X87_CONTROL_RESET } from '../arch/x87.ts';
import type { Core } from './core.ts';
import { updateMode } from './mode.ts';
import { setSegment } from './segmentation.ts';
import {
  ACTIVITY_ACTIVE,
  ACTIVITY_WAIT_FOR_SIPI,
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_INTERRUPTIBILITY,
  I32_MXCSR,
  I32_NON_ROOT,
  I32_RFLAGS,
  I32_X87_CONTROL,
  I32_X87_IN_USE,
  I32_X87_STATUS,
  U64_CR0,
  U64_CR2,
  U64_CR3,
  U64_CR4,
  U64_DR6,
  U64_DR7,
  U64_EFER,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_MISC_ENABLE,
  U64_PAT,
  U64_RIP,
  U64_XCR0,
} from './state.ts';

/** Family 6, as RDX reports it after reset. */
const SIGNATURE = 0x306e4n;
const TYPE_BUSY_TSS_32 = 11;

/**
 * Registers hold what they hold after a reset: real mode at F000:FFF0.
 * SDM: Vol. 3, "Processor State After Reset".
 */
export function resetCore(core: Core): void {
  const { u64, i32, xmm, x87 } = core.state;
  u64[U64_PAT] = PAT_RESET;
  u64[U64_MISC_ENABLE] = BigInt(MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_MONITOR);
  u64[U64_XCR0] = XCR0_RESET;
  xmm.fill(0n);
  i32[I32_MXCSR] = MXCSR_RESET;
  x87.fill(0n);
  i32[I32_X87_CONTROL] = X87_CONTROL_RESET;
  i32[I32_X87_STATUS] = 0;
  // Every register holds +0 and is in use.
  i32[I32_X87_IN_USE] = 0xff;
  initCore(core);
  core.setActivity(ACTIVITY_ACTIVE);
  i32[I32_NON_ROOT] = 0;
}

/**
 * An INIT was received: registers as after reset, but for the MSRs, TSC, caches and vector state that INIT leaves alone; the core waits for STARTUP.
 * SDM: Vol. 3, "Processor State After Reset" (column INIT).
 */
export function initCore(core: Core): void {
  const { u64, i32 } = core.state;
  u64.fill(0n, 0, 16);
  u64[RDX] = SIGNATURE;
  core.mmu.invalidate.movCr0(Number(u64[U64_CR0]!), 0);
  u64[U64_RIP] = 0xfff0n;
  i32[I32_RFLAGS] = RFLAGS_FIXED;
  u64[U64_CR0] = BigInt((CR0_CD | CR0_NW | CR0_ET) >>> 0);
  u64[U64_CR2] = 0n;
  u64[U64_CR3] = 0n;
  u64[U64_CR4] = 0n;
  u64[U64_EFER] = 0n;
  u64[U64_DR6] = 0xffff_0ff0n;
  u64[U64_DR7] = 0x400n;
  const data = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED;
  for (let segment = 0; segment < 6; segment++) setSegment(core, segment, 0, 0n, 0xffff, data);
  setSegment(core, CS, 0xf000, 0xffff_0000n, 0xffff, data | TYPE_CODE);
  setSegment(core, LDTR, 0, 0n, 0xffff, AR_P | TYPE_LDT);
  setSegment(core, TR, 0, 0n, 0xffff, AR_P | TYPE_BUSY_TSS_32);
  u64[U64_GDTR_BASE] = 0n;
  i32[I32_GDTR_LIMIT] = 0xffff;
  u64[U64_IDTR_BASE] = 0n;
  i32[I32_IDTR_LIMIT] = 0xffff;
  i32[I32_CPL] = 0;
  i32[I32_INTERRUPTIBILITY] = 0;
  core.pendingNmi = false;
  core.monitor.disarm();
  updateMode(core);
  core.setActivity(ACTIVITY_WAIT_FOR_SIPI);
}

/** A STARTUP was received by a core that waits for one: it starts in real mode at `vector` << 12. */
export function startCore(core: Core, vector: number): void {
  const data = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED;
  setSegment(core, CS, vector << 8, BigInt(vector << 12), 0xffff, data | TYPE_CODE);
  core.state.u64[U64_RIP] = 0n;
  updateMode(core);
  core.setActivity(ACTIVITY_ACTIVE);
}
