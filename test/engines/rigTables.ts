/** The rig's page tables, with every kind of entry that a TLB has to tell apart. */
import { PTE_G, PTE_P, PTE_PS, PTE_RW, PTE_US } from '../../src/arch/paging.ts';
import * as rig from './rigLayout.ts';

const PML4 = rig.TABLES;
const PDPT = rig.TABLES + 0x1000;
export const PD_LOW = rig.TABLES + 0x2000;
const PD_HIGH = rig.TABLES + 0x3000;
export const PT_LOW = rig.TABLES + 0x4000;
export const PT_DATA = rig.TABLES + 0x5000;
export const RIG_CR3 = PML4;

const NX = 1n << 63n;
const RESERVED = 1n << 51n;
const TABLE = PTE_P | PTE_RW | PTE_US;
const USER = TABLE;
const HOLE = 0x4000_0000;

const frame = (number: number): number => rig.DATA_FRAMES + number * 4096;

/** Entries of the data pages, in order; what is not listed is absent. */
export const DATA_PAGES: readonly (readonly [doc: string, entry: bigint])[] = [
  ['ordinary', BigInt(frame(0) | USER)],
  ['ordinary', BigInt(frame(1) | USER)],
  ['ordinary', BigInt(frame(2) | USER)],
  ['alias of the second', BigInt(frame(1) | USER)],
  ['read-only', BigInt(frame(4) | PTE_P | PTE_US)],
  ['absent', 0n],
  ['ordinary', BigInt(frame(6) | USER)],
  ['supervisor', BigInt(frame(7) | PTE_P | PTE_RW)],
  ['global', BigInt(frame(8) | USER | PTE_G)],
  ['no-execute', BigInt(frame(9) | USER) | NX],
  ['alias of the first program', BigInt(rig.PROGRAMS | USER)],
  ['APIC', BigInt(rig.APIC) | BigInt(USER)],
  ['nothing behind it', BigInt(HOLE) | BigInt(USER)],
  ['this page table', BigInt(PT_DATA | USER)],
  ['reserved bit', BigInt(frame(14) | USER) | RESERVED],
  ['ordinary, before an absent one', BigInt(frame(15) | USER)],
];

/** Pages of the lowest 2 MB: absent, supervisor and read-only, supervisor, user. */
function lowEntry(page: number): number {
  const address = page * 4096;
  if (page === 0) return 0;
  const within = (first: number, end: number): boolean => address >= first && address < end;
  if (within(rig.IDT, rig.TSS) || within(rig.TABLES, rig.PROGRAMS)) return address | PTE_P;
  // Of a core's four stack pages the last one is the program's.
  const programStack = within(rig.STACKS, rig.TABLES) && (page - rig.STACKS / 4096) % 4 === 3;
  if (address < rig.TABLES && !programStack) return address | PTE_P | PTE_RW;
  return address | USER;
}

/** Fills in the tables; `view` holds memory from RIG_BASE on. */
export function writeRigTables(view: DataView): void {
  const put = (table: number, index: number, entry: bigint): void => view.setBigUint64(table - rig.RIG_BASE + index * 8, entry, true);
  const large = (address: number, flags: number): bigint => BigInt(address) | BigInt(flags | PTE_PS);
  for (const index of [0, 511]) put(PML4, index, BigInt(PDPT | TABLE));
  put(PDPT, 0, BigInt(PD_LOW | TABLE));
  put(PDPT, 1, large(0, USER));
  put(PDPT, 3, BigInt(PD_HIGH | TABLE));
  put(PD_LOW, 0, BigInt(PT_LOW | TABLE));
  put(PD_LOW, rig.LARGE_PAGE >> 21, large(rig.LARGE_PAGE, USER));
  put(PD_LOW, rig.LARGE_ALIAS >> 21, large(0, USER));
  put(PD_LOW, rig.LARGE_READ_ONLY >> 21, large(rig.LARGE_PAGE, PTE_P | PTE_US) | NX);
  put(PD_LOW, rig.LARGE_HOLE >> 21, large(HOLE, USER));
  put(PD_LOW, rig.DATA >> 21, BigInt(PT_DATA | TABLE));
  put(PD_HIGH, (rig.APIC - 0xc000_0000) >> 21, large(rig.APIC, USER));
  for (let page = 0; page < 512; page++) put(PT_LOW, page, BigInt(lowEntry(page)));
  DATA_PAGES.forEach(([, entry], page) => {
    put(PT_DATA, page, entry);
  });
}
