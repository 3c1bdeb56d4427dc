import type { GuestImage, GuestSegment } from '../arch/guestImage.ts';
import {
  INFO_BYTES,
  INFO_COMMAND_LINE,
  INFO_COMMAND_LINE_OFFSET,
  INFO_LOADER_NAME,
  INFO_LOADER_NAME_OFFSET,
  INFO_MEMORY,
  INFO_MEMORY_LOWER_OFFSET,
  INFO_MEMORY_MAP,
  INFO_MEMORY_MAP_LENGTH_OFFSET,
  INFO_MEMORY_MAP_OFFSET,
  INFO_MEMORY_UPPER_OFFSET,
  INFO_MODULES,
  INFO_MODULES_COUNT_OFFSET,
  INFO_MODULES_OFFSET,
  MEMORY_AVAILABLE,
  MEMORY_MAP_ENTRY_BYTES,
  MEMORY_RESERVED,
  MODULE_BYTES,
} from '../arch/multiboot.ts';
import { ImageError } from './imageError.ts';

const PAGE = 4096;
const KIB = 1024;
const MIB = 1024 ** 2;
/** Conventional memory ends here on a PC; above are the extended BIOS data, the display and the firmware. */
const LOWER_END = 0x9_fc00;
const LOADER_NAME = 'Parapet';
/** Real-mode vectors and BIOS data lie below. */
const LOW_FREE = 0x1000;
const FLAT_CODE = 0x00cf_9b00_0000_ffffn;
const FLAT_DATA = 0x00cf_9300_0000_ffffn;

/** A file handed to the kernel. */
export interface MultibootModule {
  /** What the kernel is told about it. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** A kernel with all that a Multiboot loader puts beside it. */
export interface MultibootMemory {
  /** The kernel's segments, the modules, and the page of information. */
  readonly segments: readonly GuestSegment[];
  /** Address of the information structure: EBX at the entry. */
  readonly information: number;
  /** Address of three descriptors: null, flat code, flat data. */
  readonly gdt: number;
}

export const GDT_BYTES = 24;
/** Offsets from the information structure. */
const GDT_OFFSET = roundUp(INFO_BYTES, 8);
const MAP_OFFSET = GDT_OFFSET + GDT_BYTES;
const MAP_ENTRIES = 3;
const TABLES_BYTES = MAP_OFFSET + MAP_ENTRIES * MEMORY_MAP_ENTRY_BYTES;

/**
 * What the guest's memory holds at a Multiboot entry: the kernel's segments, modules, the information structure with all it points to, and a GDT.
 * Modules follow the kernel, each at a page boundary; the rest lies in conventional memory, or behind them where the kernel itself is there.
 * Multiboot: "Boot information format".
 * @param size bytes of RAM from physical address 0.
 * @throws ImageError when something does not fit.
 */
export function layOutMultiboot(
  { segments }: GuestImage,
  size: number,
  commandLine: string,
  modules: readonly MultibootModule[],
): MultibootMemory {
  const last = segments.at(-1)!;
  let end = roundUp(Math.max(last.address + last.memorySize, MIB), PAGE);
  const placed = modules.map(({ text, bytes }): GuestSegment => {
    const address = end;
    end = roundUp(address + bytes.length, PAGE);
    if (end > size) throw new ImageError(`the module '${text}' of ${bytes.length} bytes does not fit in the ${size} bytes of memory`);
    return { address, bytes, memorySize: bytes.length };
  });
  const texts = [commandLine, LOADER_NAME, ...modules.map(({ text }) => text)];
  const bytes = new Uint8Array(TABLES_BYTES + modules.length * MODULE_BYTES + encode(texts).length);
  const at = placeFor(bytes.length, segments, end, size);
  writeInformation(bytes, at, size, placed, texts);
  const all = [...segments, ...placed, { address: at, bytes, memorySize: bytes.length }];
  return { segments: all.sort((a, b) => a.address - b.address), information: at, gdt: at + GDT_OFFSET };
}

/** The information structure, GDT, memory map, list of modules and strings, in this order. @param at address of `bytes[0]`. */
function writeInformation(bytes: Uint8Array, at: number, size: number, modules: readonly GuestSegment[], texts: readonly string[]): void {
  const view = new DataView(bytes.buffer);
  const store = (offset: number, value: number): void => view.setUint32(offset, value, true);
  const store64 = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  let next = TABLES_BYTES + modules.length * MODULE_BYTES;
  const [commandLine, loaderName, ...moduleTexts] = texts.map((text) => {
    const start = next;
    const encoded = encode([text]);
    bytes.set(encoded, start);
    next += encoded.length;
    return at + start;
  });
  const map = memoryMap(size);
  store(0, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP | INFO_LOADER_NAME);
  store(INFO_MEMORY_LOWER_OFFSET, Math.floor(LOWER_END / KIB));
  store(INFO_MEMORY_UPPER_OFFSET, Math.floor((size - MIB) / KIB));
  store(INFO_COMMAND_LINE_OFFSET, commandLine!);
  store(INFO_MODULES_COUNT_OFFSET, modules.length);
  store(INFO_MODULES_OFFSET, at + TABLES_BYTES);
  store(INFO_MEMORY_MAP_LENGTH_OFFSET, map.length * MEMORY_MAP_ENTRY_BYTES);
  store(INFO_MEMORY_MAP_OFFSET, at + MAP_OFFSET);
  store(INFO_LOADER_NAME_OFFSET, loaderName!);
  store64(GDT_OFFSET + 8, FLAT_CODE);
  store64(GDT_OFFSET + 16, FLAT_DATA);
  map.forEach(({ start, length, type }, i) => {
    const entry = MAP_OFFSET + i * MEMORY_MAP_ENTRY_BYTES;
    store(entry, MEMORY_MAP_ENTRY_BYTES - 4);
    store64(entry + 4, BigInt(start));
    store64(entry + 12, BigInt(length));
    store(entry + 20, type);
  });
  modules.forEach(({ address, memorySize }, i) => {
    const entry = TABLES_BYTES + i * MODULE_BYTES;
    store(entry, address);
    store(entry + 4, address + memorySize);
    store(entry + 8, moduleTexts[i]!);
  });
}

/** Zero-terminated, one behind the other. */
const encode = (texts: readonly string[]): Uint8Array => new TextEncoder().encode(texts.map((text) => `${text}\0`).join(''));

/** Conventional memory, what is not there on a PC, and everything from 1 MiB on. */
const memoryMap = (size: number): { start: number; length: number; type: number }[] => [
  { start: 0, length: LOWER_END, type: MEMORY_AVAILABLE },
  { start: LOWER_END, length: MIB - LOWER_END, type: MEMORY_RESERVED },
  { start: MIB, length: size - MIB, type: MEMORY_AVAILABLE },
];

/** Room in conventional memory that no segment takes, or else behind the modules. @throws ImageError when there is none. */
function placeFor(bytes: number, segments: readonly GuestSegment[], end: number, size: number): number {
  let at = LOW_FREE;
  for (const { address, memorySize } of segments) {
    if (at + bytes <= address) break;
    at = Math.max(at, roundUp(address + memorySize, 16));
  }
  if (at + bytes <= LOWER_END) return at;
  if (end + bytes <= size) return end;
  throw new ImageError(`${bytes} bytes of boot information do not fit in the ${size} bytes of memory`);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
