import type { PhysicalMemory } from '../mmu/physicalMemory.ts';

/** Host pages for the VMM's own structures (VMCSs, EPT tables, bitmaps), handed out once from a reserved range, zeroed. */
export class HostPages {
  private readonly memory: PhysicalMemory;
  private next: number;
  private readonly end: number;

  /** @param start of the range, page-aligned and not 0; @param end exclusive. */
  constructor(memory: PhysicalMemory, start: number, end: number) {
    this.memory = memory;
    this.next = start;
    this.end = end;
  }

  /** Host-physical address of a zeroed page. */
  allocate(): number {
    if (this.next + 4096 > this.end) throw new Error('the range reserved for the VMM is used up');
    const page = this.next;
    this.next += 4096;
    this.memory.clear(page, 4096);
    return page;
  }
}
