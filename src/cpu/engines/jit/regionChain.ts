import type { Tlb } from '../../../mmu/tlb.ts';
import { HEADER_DROPPED, HEADER_LIVE, type TlbArray } from '../../../mmu/tlbArray.ts';
import { I32_CODE_GENERATION, I32_REGION, I32_TLB_BASE } from '../../state.ts';
import { CONTEXT_BITS, ENTRIES_LOG2, ENTRY_BLOCK, ENTRY_BYTES_LOG2, ENTRY_KEY, ENTRY_REGION, ENTRY_STAMP, SPREAD } from './chainLayout.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { CLOCK_BYTE, HORIZON_BYTE, LEFT_NORMALLY, LOOKUPS_BYTE, RIP_BYTE, SHORTCUT_CONTEXT_BYTE } from './jitLayout.ts';
import { ModuleWriter } from './moduleWriter.ts';
import { I32, op } from './wasmModule.ts';

/** `(core, shortcut, block) -> LEFT_…`, with byte offsets of the core's state block and shortcut. */
export type RegionFunction = (core: number, shortcut: number, block: number) => number;

/** What the machine gives for a chain. */
export interface ChainMemory {
  readonly memory: WebAssembly.Memory;
  readonly pages: number;
}

/**
 * From region to region in generated code, without asking the host: a direct-mapped memory of which block of which region is at an address.
 *
 * An entry stands for a fetch that hits the first-level ITLB and finds the code that was compiled. So it is void when anything has left the
 * ITLB since, or has come into it (a global page comes before the large page of another PCID), or any decoded code was written, or contexts have
 * got new numbers: its stamp, a sum of numbers that only ever grow, is no more the current one.
 */
export class RegionChain {
  private readonly table: WebAssembly.Table;
  private readonly functions: {
    follow(core: number, shortcut: number, entries: number): number;
    remember(core: number, entries: number, region: number, block: number): void;
  };

  /** @param tlb of any core: all have the same layout. @param limit most regions at a time. */
  constructor({ memory, pages }: ChainMemory, tlb: Tlb, limit: number) {
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: limit });
    const writer = new ModuleWriter();
    const region = writer.type([I32, I32, I32], [I32]);
    writer.importTable(limit);
    writer.define('follow', [I32, I32, I32], [I32], (f, core, shortcut, entries) => writeFollow(f, tlb, region, core, shortcut, entries));
    writer.define('remember', [I32, I32, I32, I32], [], (f, core, entries, number, block) => {
      const entry = f.i32(entryOf(f, core, entries));
      f.storeWith(op.i64_store, entry, ENTRY_KEY, keyOf(f, core));
      f.store(entry, ENTRY_STAMP, stampOf(f, tlb, core));
      f.store(entry, ENTRY_REGION, number);
      f.store(entry, ENTRY_BLOCK, block);
    });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(writer.bytes(pages)), { env: { memory, table: this.table } });
    this.functions = instance.exports as unknown as RegionChain['functions'];
  }

  /** The region has this number. */
  set(number: number, run: RegionFunction): void {
    this.table.set(number, run);
  }

  /**
   * Runs regions from the core's RIP on, as long as it is known which, they are left normally, and time is left.
   * @param entries byte offset of the core's entries. Returns LEFT_…; the last region's number is in I32_REGION.
   */
  follow(core: number, shortcut: number, entries: number): number {
    return this.functions.follow(core, shortcut, entries);
  }

  /** The block at the core's RIP, which has just been fetched through the first-level ITLB, is block `block` of region `region`. */
  remember(core: number, entries: number, region: number, block: number): void {
    this.functions.remember(core, entries, region, block);
  }
}

function writeFollow(f: FunctionWriter, tlb: Tlb, region: number, core: Variable, shortcut: Variable, entries: Variable): void {
  const entry = f.i32(0);
  const left = f.i32(0);
  const clock = (offset: number): Operand => f.loadWith(op.f64_load, core, offset);
  f.repeatWhile(
    () => {
      f.set(entry, entryOf(f, core, entries));
      const known = f.op(op.i64_eq, f.loadWith(op.i64_load, entry, ENTRY_KEY), keyOf(f, core));
      f.if(f.isZero(f.both(known, f.equal(f.load(entry, ENTRY_STAMP), stampOf(f, tlb, core)))), () => f.return(LEFT_NORMALLY));
      f.store(core, I32_REGION * 4, f.load(entry, ENTRY_REGION));
      // The fetch is a translation like any other.
      f.increase(core, LOOKUPS_BYTE, f.double(1));
      f.set(left, f.callIndirect(region, f.load(entry, ENTRY_REGION), core, shortcut, f.load(entry, ENTRY_BLOCK)));
      f.if(left, () => f.return(left));
    },
    f.op(op.f64_lt, clock(CLOCK_BYTE), clock(HORIZON_BYTE)),
  );
  f.push(LEFT_NORMALLY);
}

const keyOf = (f: FunctionWriter, core: Operand): Operand =>
  f.op(
    op.i64_or,
    f.op(op.i64_shl, f.loadWith(op.i64_load, core, RIP_BYTE), CONTEXT_BITS),
    f.loadWith(op.i64_load32_u, core, SHORTCUT_CONTEXT_BYTE),
  );

/** Address of the entry for the core's RIP. */
const entryOf = (f: FunctionWriter, core: Operand, entries: Operand): Operand => {
  const hash = f.shiftRight(f.multiply(f.load(core, RIP_BYTE), SPREAD), 32 - ENTRIES_LOG2);
  return f.add(entries, f.shiftLeft(hash, ENTRY_BYTES_LOG2));
};

/** Grows when an entry leaves the core's first-level ITLB or comes into it, and with the code generation. */
const stampOf = (f: FunctionWriter, tlb: Tlb, core: Operand): Operand => {
  const header = (array: TlbArray, word: number): Operand => f.load(f.load(core, I32_TLB_BASE * 4), (array.header + word) * 4);
  // An entry that goes counts twice and is no more among the live ones, so that coming and going never cancel each other out.
  const changes = (array: TlbArray): Operand => f.add(f.shiftLeft(header(array, HEADER_DROPPED), 1), header(array, HEADER_LIVE));
  return f.add(f.add(changes(tlb.itlb4k), changes(tlb.itlb2m)), f.load(0, I32_CODE_GENERATION * 4));
};
