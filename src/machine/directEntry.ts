import {
  CR0_ET,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_OSFXSR,
  CR4_PAE,
  CR4_PGE,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
} from '../arch/controlRegisters.ts';
import type { GuestImage } from '../arch/guestImage.ts';
import { PTE_P, PTE_PS, PTE_RW } from '../arch/paging.ts';
import {
  BOOT_COMMAND_LINE_MAX,
  BOOT_COMMAND_LINE_OFFSET,
  BOOT_COMMAND_LINE_TEXT,
  BOOT_CORES_OFFSET,
  BOOT_CS,
  BOOT_DS,
  BOOT_GDT,
  BOOT_MAGIC_OFFSET,
  BOOT_MEMORY_OFFSET,
  BOOT_PML4,
  BOOT_RECORD,
  BOOT_RECORD_MAGIC,
  BOOT_SEED_OFFSET,
  BOOT_STACK_TOP,
  BOOT_TSC_HZ_OFFSET,
} from '../arch/platform.ts';
import { AR_DB, AR_G, AR_L, AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_WRITABLE_OR_READABLE } from '../arch/segments.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { ImageError } from './imageError.ts';
import { loadSegments } from './loadSegments.ts';

/** What the boot record tells a guest. */
export interface BootInformation {
  readonly cores: number;
  /** Bytes of RAM the guest has, from its physical address 0. */
  readonly memory: number;
  readonly tscHz: number;
  readonly seed: number;
  readonly commandLine: string;
}

const DATA_ACCESS = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G | AR_DB;

/** Register values of a processor at the direct entry; what is not named is 0. The same on a bare core and in a VMCS. */
export const DIRECT_ENTRY = {
  cr0: (CR0_PG | CR0_PE | CR0_ET | CR0_NE | CR0_WP) >>> 0,
  cr3: BOOT_PML4,
  cr4: CR4_PAE | CR4_PGE | CR4_OSFXSR,
  efer: EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE,
  gdtBase: BOOT_GDT,
  gdtLimit: 23,
  codeSelector: BOOT_CS,
  codeAccess: (DATA_ACCESS & ~AR_DB) | TYPE_CODE | AR_L,
  dataSelector: BOOT_DS,
  dataAccess: DATA_ACCESS,
  stackPointer: BOOT_STACK_TOP,
  bootRecord: BOOT_RECORD,
} as const;

/**
 * The guest's memory is ready for a direct entry: segments, boot GDT, identity tables, boot record.
 * @param base host-physical address of the guest's physical address 0.
 * @throws ImageError when a segment does not fit, or the command line is too long.
 */
export function prepareDirectEntry(memory: PhysicalMemory, base: number, image: GuestImage, information: BootInformation): void {
  for (const { address } of image.segments) {
    if (address < BOOT_STACK_TOP)
      throw new ImageError(`a segment at 0x${address.toString(16)} overlaps the boot area below 0x${BOOT_STACK_TOP.toString(16)}`);
  }
  loadSegments(memory, base, image.segments, information.memory);
  writeTables(memory, base);
  writeRecord(memory, base, information);
}

/** Boot GDT, and an identity map of 4 GiB in 2 MB pages. */
function writeTables(memory: PhysicalMemory, base: number): void {
  const { view } = memory;
  const store = (address: number, value: bigint): void => view.setBigUint64(base + address, value, true);
  store(BOOT_GDT, 0n);
  store(BOOT_GDT + BOOT_CS, 0x00af_9b00_0000_ffffn);
  store(BOOT_GDT + BOOT_DS, 0x00cf_9300_0000_ffffn);
  const table = BigInt(PTE_P | PTE_RW);
  const pdpt = BOOT_PML4 + 0x1000;
  store(BOOT_PML4, BigInt(pdpt) | table);
  for (let gigabyte = 0; gigabyte < 4; gigabyte++) {
    const directory = pdpt + 0x1000 * (gigabyte + 1);
    store(pdpt + gigabyte * 8, BigInt(directory) | table);
    for (let i = 0; i < 512; i++) store(directory + i * 8, (BigInt(gigabyte * 512 + i) << 21n) | table | BigInt(PTE_PS));
  }
}

function writeRecord(memory: PhysicalMemory, base: number, information: BootInformation): void {
  const text = new TextEncoder().encode(information.commandLine);
  if (text.length >= BOOT_COMMAND_LINE_MAX) throw new ImageError(`the command line is longer than ${BOOT_COMMAND_LINE_MAX - 1} bytes`);
  const { view } = memory;
  const store = (offset: number, value: number): void => view.setBigUint64(base + BOOT_RECORD + offset, BigInt(value), true);
  store(BOOT_MAGIC_OFFSET, BOOT_RECORD_MAGIC);
  store(BOOT_CORES_OFFSET, information.cores);
  store(BOOT_MEMORY_OFFSET, information.memory);
  store(BOOT_TSC_HZ_OFFSET, information.tscHz);
  store(BOOT_COMMAND_LINE_OFFSET, BOOT_COMMAND_LINE_TEXT);
  store(BOOT_SEED_OFFSET, information.seed);
  memory.write(base + BOOT_COMMAND_LINE_TEXT, text);
  view.setUint8(base + BOOT_COMMAND_LINE_TEXT + text.length, 0);
}
