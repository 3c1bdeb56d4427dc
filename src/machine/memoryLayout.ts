import { CHAIN_BYTES } from '../cpu/engines/jit/chainLayout.ts';
import { CORE_STATE_SIZE } from '../cpu/state.ts';
import { lineTableBytes } from '../mmu/cacheLines.ts';
import { SHORTCUT_BYTES } from '../mmu/dataShortcut.ts';
import type { MmuGeometry } from '../mmu/geometry.ts';
import { mmuAreaSize } from '../mmu/tlb.ts';

const PAGE = 4096;
/** A WebAssembly memory holds at most 4 GiB; guest RAM must leave room for the rest, and for the APIC page below 4 GiB of physical space. */
export const MAX_RAM = 3 * 1024 ** 3;
export const MIN_RAM = 4 * 1024 ** 2;

/**
 * Where everything lies in the machine's one memory:
 *
 *   0            core state blocks, CORE_STATE_SIZE each
 *   mmuBase      translation structures of the cores, mmuStride each
 *   shortcutBase data shortcuts of generated code, SHORTCUT_BYTES each (mmu/dataShortcut)
 *   chainBase    which compiled region is where, CHAIN_BYTES for each core (cpu/engines/jit)
 *   codePageBase what is known of each page of RAM, one byte each (mmu/physicalMemory)
 *   ramBase      RAM: host-physical address 0
 *   lineBase     after it, where cache lines have a price, one word for each (mmu/cacheLines)
 */
export interface MemoryLayout {
  readonly mmuBase: number;
  readonly mmuStride: number;
  readonly shortcutBase: number;
  readonly chainBase: number;
  readonly codePageBase: number;
  readonly ramBase: number;
  readonly lineBase: number;
  readonly totalPages: number;
}

/** @param ramBytes a multiple of 4096. @param coherent there is a table of cache lines. */
export function memoryLayout(cores: number, geometry: MmuGeometry, ramBytes: number, coherent = false): MemoryLayout {
  const mmuBase = cores * CORE_STATE_SIZE;
  const mmuStride = roundUp(mmuAreaSize(geometry), 64);
  const shortcutBase = roundUp(mmuBase + cores * mmuStride, 64);
  const chainBase = shortcutBase + cores * SHORTCUT_BYTES;
  const codePageBase = chainBase + cores * CHAIN_BYTES;
  const ramBase = roundUp(codePageBase + ramBytes / PAGE, 65536);
  const lineBase = ramBase + ramBytes;
  const end = lineBase + (coherent ? lineTableBytes(ramBytes) : 0);
  return { mmuBase, mmuStride, shortcutBase, chainBase, codePageBase, ramBase, lineBase, totalPages: Math.ceil(end / 65536) };
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** True iff a number of bytes can be the RAM of a machine. */
export const isRamSize = (bytes: number): boolean => Number.isInteger(bytes) && bytes >= MIN_RAM && bytes <= MAX_RAM && bytes % PAGE === 0;
