import { CR0_ET, CR0_NE, CR0_PE } from '../arch/controlRegisters.ts';
import { MULTIBOOT_LOADER_MAGIC } from '../arch/multiboot.ts';
import { CS, DS, ES, FS, GS, RAX, RBX, RDX, SS } from '../arch/registers.ts';
import { AR_DB, AR_G, AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_WRITABLE_OR_READABLE } from '../arch/segments.ts';
import type { Core } from '../cpu/core.ts';
import { updateMode } from '../cpu/mode.ts';
import { initCore } from '../cpu/reset.ts';
import { setSegment } from '../cpu/segmentation.ts';
import { ACTIVITY_ACTIVE, I32_GDTR_LIMIT, I32_IDTR_LIMIT, U64_CR0, U64_GDTR_BASE, U64_RIP } from '../cpu/state.ts';
import { initializeX87 } from '../cpu/system/legacyArea.ts';
import { GDT_BYTES, type MultibootMemory } from './multibootInformation.ts';

const DATA_ACCESS = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G | AR_DB;

/** Register values of a processor at a Multiboot entry; what is not named is as after INIT, or 0. Multiboot: "Machine state". */
export const MULTIBOOT_ENTRY = {
  cr0: CR0_PE | CR0_ET | CR0_NE,
  codeSelector: 0x08,
  codeAccess: DATA_ACCESS | TYPE_CODE,
  dataSelector: 0x10,
  dataAccess: DATA_ACCESS,
  gdtLimit: GDT_BYTES - 1,
  eax: MULTIBOOT_LOADER_MAGIC,
} as const;

/** The core is at the image's entry point in 32-bit protected mode, without paging, interrupts off. */
export function enterMultiboot(core: Core, entry: number, { information, gdt }: Pick<MultibootMemory, 'information' | 'gdt'>): void {
  const { u64, i32 } = core.state;
  initCore(core);
  u64[RDX] = 0n;
  u64[U64_CR0] = BigInt(MULTIBOOT_ENTRY.cr0);
  u64[U64_GDTR_BASE] = BigInt(gdt);
  i32[I32_GDTR_LIMIT] = MULTIBOOT_ENTRY.gdtLimit;
  i32[I32_IDTR_LIMIT] = 0;
  setSegment(core, CS, MULTIBOOT_ENTRY.codeSelector, 0n, -1, MULTIBOOT_ENTRY.codeAccess);
  for (const segment of [ES, SS, DS, FS, GS]) setSegment(core, segment, MULTIBOOT_ENTRY.dataSelector, 0n, -1, MULTIBOOT_ENTRY.dataAccess);
  u64[RAX] = BigInt(MULTIBOOT_ENTRY.eax);
  u64[RBX] = BigInt(information);
  u64[U64_RIP] = BigInt(entry);
  // Firmware has used the unit, and left it masked.
  initializeX87(core);
  updateMode(core);
  core.setActivity(ACTIVITY_ACTIVE);
}
