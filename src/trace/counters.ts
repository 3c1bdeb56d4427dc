/**
 * Per-core counters, declared once. A core's counters are a Float64Array (exact to 2^53) in the order of this table, kept in
 * the machine's memory so that generated code can count too.
 */
export const COUNTERS = [
  ['instructions', 'instructions retired'],
  ['busyCycles', 'cycles spent executing guest or host code'],
  ['idleCycles', 'cycles halted or waiting for STARTUP'],
  ['tlbLookups', 'translations asked for: one per data access and page, one per block fetched'],
  ['itlbMisses', 'fetches that missed the L1 ITLB'],
  ['dtlbMisses', 'data accesses that missed the L1 DTLB'],
  ['stlbHits', 'L1 misses served by the second-level TLB'],
  ['walks', 'page walks'],
  ['walkReferences', 'paging-structure entries read by walks, EPT entries included'],
  ['pageFaults', '#PF exceptions raised'],
  ['exceptions', 'exceptions delivered, page faults included'],
  ['interrupts', 'external interrupts delivered through the IDT'],
  ['ipisSent', 'interprocessor messages sent, one per target'],
  ['ipisDelivered', 'interprocessor messages that arrived'],
  ['vmEntries', 'VM entries'],
  ['vmExits', 'VM exits'],
] as const satisfies readonly (readonly [name: string, doc: string])[];

export type CounterName = (typeof COUNTERS)[number][0];

export const COUNTER_INSTRUCTIONS = 0;
export const COUNTER_BUSY_CYCLES = 1;
export const COUNTER_IDLE_CYCLES = 2;
export const COUNTER_TLB_LOOKUPS = 3;
export const COUNTER_ITLB_MISSES = 4;
export const COUNTER_DTLB_MISSES = 5;
export const COUNTER_STLB_HITS = 6;
export const COUNTER_WALKS = 7;
export const COUNTER_WALK_REFERENCES = 8;
export const COUNTER_PAGE_FAULTS = 9;
export const COUNTER_EXCEPTIONS = 10;
export const COUNTER_INTERRUPTS = 11;
export const COUNTER_IPIS_SENT = 12;
export const COUNTER_IPIS_DELIVERED = 13;
export const COUNTER_VM_ENTRIES = 14;
export const COUNTER_VM_EXITS = 15;
