import { EPTE_IPAT, EPTE_MEMORY_TYPE_WB, EPTE_PS, EPTE_R, EPTE_W, EPTE_X, EPTP_WALK_4, EPTP_WB, PAGE_1G, PAGE_2M } from '../arch/paging.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import type { HostPages } from './hostPages.ts';

const TABLE = EPTE_R | EPTE_W | EPTE_X;
const LEAF = TABLE | EPTE_MEMORY_TYPE_WB | EPTE_IPAT | EPTE_PS;

/**
 * Builds the EPT of a VM whose memory is one contiguous piece of the host's: guest-physical [0, size) maps to [base, base + size) with 2 MB pages,
 * write-back, as Palacios does. Everything else is a violation.
 *
 * @param base and @param size: multiples of 2 MB. @returns the EPTP.
 */
export function buildEpt(memory: PhysicalMemory, pages: HostPages, base: number, size: number): number {
  const store = (address: number, value: number): void => memory.view.setBigUint64(address, BigInt(value), true);
  const pml4 = pages.allocate();
  const pdpt = pages.allocate();
  store(pml4, pdpt + TABLE);
  for (let gpa = 0; gpa < size; gpa += PAGE_1G) {
    const directory = pages.allocate();
    store(pdpt + (gpa / PAGE_1G) * 8, directory + TABLE);
    for (let offset = 0; offset < PAGE_1G && gpa + offset < size; offset += PAGE_2M) {
      store(directory + (offset / PAGE_2M) * 8, base + gpa + offset + LEAF);
    }
  }
  return pml4 + EPTP_WALK_4 + EPTP_WB;
}

/** Host pages that `buildEpt` takes for a VM of `size` bytes. */
export const eptPages = (size: number): number => 2 + Math.ceil(size / PAGE_1G);
