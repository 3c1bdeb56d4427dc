import { CS, DS, ES, FS, GS, LDTR, RDI, RSP, SS, TR } from '../arch/registers.ts';
import { RFLAGS_FIXED } from '../arch/rflags.ts';
import { AR_P, TYPE_TSS_BUSY } from '../arch/segments.ts';
import type { Core } from '../cpu/core.ts';
import { updateMode } from '../cpu/mode.ts';
import { setNullSegment, setSegment } from '../cpu/segmentation.ts';
import {
  ACTIVITY_ACTIVE,
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_RFLAGS,
  U64_CR0,
  U64_CR3,
  U64_CR4,
  U64_EFER,
  U64_GDTR_BASE,
  U64_RIP,
} from '../cpu/state.ts';
import { initializeX87 } from '../cpu/system/legacyArea.ts';
import { DIRECT_ENTRY } from './directEntry.ts';

/** The core is at the image's entry point as the platform contract says (arch/platform, "Direct entry"). */
export function enterDirect(core: Core, entry: number): void {
  const { u64, i32 } = core.state;
  u64.fill(0n, 0, 16);
  u64[U64_CR0] = BigInt(DIRECT_ENTRY.cr0);
  u64[U64_CR3] = BigInt(DIRECT_ENTRY.cr3);
  u64[U64_CR4] = BigInt(DIRECT_ENTRY.cr4);
  u64[U64_EFER] = BigInt(DIRECT_ENTRY.efer);
  u64[U64_GDTR_BASE] = BigInt(DIRECT_ENTRY.gdtBase);
  i32[I32_GDTR_LIMIT] = DIRECT_ENTRY.gdtLimit;
  i32[I32_IDTR_LIMIT] = 0;
  setSegment(core, CS, DIRECT_ENTRY.codeSelector, 0n, -1, DIRECT_ENTRY.codeAccess);
  for (const segment of [ES, SS, DS, FS, GS]) setSegment(core, segment, DIRECT_ENTRY.dataSelector, 0n, -1, DIRECT_ENTRY.dataAccess);
  setNullSegment(core, LDTR, 0);
  setSegment(core, TR, 0, 0n, 0xffff, AR_P | TYPE_TSS_BUSY);
  i32[I32_CPL] = 0;
  i32[I32_RFLAGS] = RFLAGS_FIXED;
  u64[RSP] = BigInt(DIRECT_ENTRY.stackPointer);
  u64[RDI] = BigInt(DIRECT_ENTRY.bootRecord);
  u64[U64_RIP] = BigInt(entry);
  initializeX87(core);
  updateMode(core);
  core.setActivity(ACTIVITY_ACTIVE);
}
