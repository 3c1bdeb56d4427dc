import { PTE_P, PTE_RW, PTE_US } from '../../src/arch/paging.ts';
import { TRANSLATION_FAULT } from '../../src/mmu/access.ts';
import type { MmuCosts, MmuGeometry } from '../../src/mmu/geometry.ts';
import { Mmu } from '../../src/mmu/mmu.ts';
import { PhysicalMemory } from '../../src/mmu/physicalMemory.ts';
import { mmuAreaSize } from '../../src/mmu/tlb.ts';
import { COUNTERS } from '../../src/trace/counters.ts';
import { noProbe, type Probe } from '../../src/trace/probe.ts';

/** Room for everything a test puts into it. */
export const roomyGeometry: MmuGeometry = {
  itlb4k: { sets: 4, ways: 8 },
  itlb2m: { sets: 2, ways: 8 },
  dtlb4k: { sets: 4, ways: 8 },
  dtlb2m: { sets: 2, ways: 8 },
  dtlb1g: { sets: 1, ways: 8 },
  stlb: { sets: 16, ways: 16 },
  stlbHolds2m: true,
  pdeCache: 32,
  pdpteCache: 16,
  pml4eCache: 16,
  nestedTlb: 64,
};

/** So small that everything is evicted all the time. */
export const tinyGeometry: MmuGeometry = {
  itlb4k: { sets: 1, ways: 1 },
  itlb2m: { sets: 0, ways: 0 },
  dtlb4k: { sets: 2, ways: 1 },
  dtlb2m: { sets: 1, ways: 1 },
  dtlb1g: { sets: 0, ways: 0 },
  stlb: { sets: 2, ways: 2 },
  stlbHolds2m: false,
  pdeCache: 2,
  pdpteCache: 1,
  pml4eCache: 0,
  nestedTlb: 2,
};

export const testCosts: MmuCosts = { stlbHit: 7, walkReference: 10, walkStart: 5 };

export interface Rig {
  readonly mmu: Mmu;
  readonly memory: PhysicalMemory;
  readonly clock: Float64Array;
  readonly counters: Float64Array;
}

export interface RigOptions {
  readonly geometry?: MmuGeometry;
  readonly memoryBytes?: number;
  readonly probe?: Probe;
  readonly core?: number;
  /** Share another rig's memory. */
  readonly memory?: PhysicalMemory;
}

/** One MMU with its own memory, in 4-level paging with everything enabled and the top table at page 1. */
export function makeRig(options: RigOptions = {}): Rig {
  const geometry = options.geometry ?? roomyGeometry;
  const memoryBytes = options.memoryBytes ?? 4 << 20;
  const memory = options.memory ?? new PhysicalMemory(new ArrayBuffer(memoryBytes), 0, memoryBytes);
  const clock = new Float64Array(1);
  const counters = new Float64Array(COUNTERS.length);
  const area = { buffer: new ArrayBuffer(mmuAreaSize(geometry) + 64), byteOffset: 64 };
  const mmu = new Mmu({
    core: options.core ?? 0,
    memory,
    area,
    geometry,
    costs: testCosts,
    clock,
    counters,
    probe: options.probe ?? noProbe,
  });
  Object.assign(mmu.context, {
    paging: true,
    pae: true,
    longMode: true,
    writeProtect: true,
    noExecute: true,
    globalPages: true,
    root: 0x1000,
  });
  return { mmu, memory, clock, counters };
}

/** The 64-bit entry at a host-physical address. */
export const readEntry64 = (memory: PhysicalMemory, hpa: number): bigint => memory.view.getBigUint64(hpa, true);
export const writeEntry64 = (memory: PhysicalMemory, hpa: number, entry: bigint): void => memory.view.setBigUint64(hpa, entry, true);

export const USER_TABLE = BigInt(PTE_P | PTE_RW | PTE_US);

/** Hands out zeroed pages for tables, from `next` up. */
export class TableAllocator {
  next: number;

  constructor(next: number) {
    this.next = next;
  }

  page(): number {
    return this.next++;
  }
}

/**
 * The entry that maps `la` at `level` (0: PTE) has this value; tables on the way are made as needed. `at` says where a guest page is in memory
 * (identity without EPT). Returns the host-physical address of the entry.
 */
export function mapEntry(
  memory: PhysicalMemory,
  root: number,
  la: number,
  level: number,
  entry: bigint,
  tables: TableAllocator,
  at: (guestPage: number) => number = (page) => page,
  tableBits: bigint = USER_TABLE,
): number {
  const bits = BigInt.asUintN(48, BigInt(la));
  let table = root;
  for (let current = 3; ; current--) {
    const index = Number((bits >> BigInt(12 + 9 * current)) & 0x1ffn);
    const address = at(table) * 4096 + index * 8;
    if (current === level) {
      writeEntry64(memory, address, entry);
      return address;
    }
    let next = readEntry64(memory, address);
    if ((next & 1n) === 0n && (next & tableBits) === 0n) {
      next = (BigInt(tables.page()) << 12n) | tableBits;
      writeEntry64(memory, address, next);
    }
    table = Number((next >> 12n) & 0xff_ffff_ffffn);
  }
}

/** What an access gave: an address, or the fault as a plain object. */
export function outcome(mmu: Mmu, la: number, access: number): number | Record<string, number> {
  const hpa = mmu.translate(la, access);
  return hpa === TRANSLATION_FAULT ? { ...mmu.fault } : hpa;
}
