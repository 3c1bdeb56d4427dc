/**
 * `EptWalker.translate` in generated code: by a guest-physical mapping that is cached, or by a walk through EPT whose result is cached, as part of
 * a larger walk. Every mapping that comes into the cache, and what it takes the place of, is written down, because the larger walk may yet turn
 * out to be the host's, from the beginning.
 */
import { EPTE_A, EPTE_D, EPTE_PS, EPTE_R, EPTE_W, EPTE_X } from '../../../arch/paging.ts';
import { EPT_LEVEL_SIZES, EPT_MEMORY_TYPES, EPT_RESERVED_HIGH, EPT_RESERVED_PAGE, EPT_RESERVED_TABLE } from '../../../mmu/eptFormat.ts';
import { SEQUENCE_F64, STRUCTURE_NESTED } from '../../../mmu/tlb.ts';
import { ENTRY_IDENTITY, HEADER_WORDS } from '../../../mmu/tlbArray.ts';
import {
  ENTRY_D,
  ENTRY_EPT_SHIFT,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_SIZE_SHIFT,
  ENTRY_VALID,
  ENTRY_WORDS,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_PAGE,
} from '../../../mmu/tlbEntry.ts';
import { I32_WALK_TABLE_REQUIRED, WALK_UNDO_OFFSET } from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { ENTRY_BYTES, emitEntry, field, forEachWay, nextWay } from './tlbEmitter.ts';
import type { TlbFunctions, TranslationHardware } from './translateEmitter.ts';
import { stateWord } from './translationState.ts';
import { I32, op } from './wasmModule.ts';

const RWX = EPTE_R | EPTE_W | EPTE_X;

/** The record of one walk, in the state block: mappings made so far, EPT entries read, the sequence number, header and pointer of the cache before. */
const UNDO_COUNT = WALK_UNDO_OFFSET;
const REFERENCES = WALK_UNDO_OFFSET + 4;
const OLD_SEQUENCE = WALK_UNDO_OFFSET + 8;
const OLD_POINTER = WALK_UNDO_OFFSET + 16;
const OLD_HEADER = WALK_UNDO_OFFSET + 24;
/** Then one record for each mapping: where it is, and the entry that was there. A walk asks for four tables and a page. */
const RECORDS = OLD_HEADER + HEADER_WORDS * 4;
const RECORD_BYTES = 8 + ENTRY_BYTES;
export const WALK_UNDO_BYTES = RECORDS - WALK_UNDO_OFFSET + 5 * RECORD_BYTES;

export interface EptFunctions {
  /** `translate(core, tlb, guestPage, required, eptRoot) -> entry` of the mapping, or 0. @param required flags of a mapping. */
  readonly translate: number;
  /** `undo(core, tlb)`: the walk has not been. */
  readonly undo: number;
}

/** Emits the beginning of a walk: it has its sequence number, which it returns. */
export function emitBegin(f: FunctionWriter, core: Variable, tlb: Variable): Variable {
  f.storeWith(op.i64_store, core, UNDO_COUNT, 0n);
  f.storeWith(op.f64_store, core, OLD_SEQUENCE, f.loadWith(op.f64_load, tlb, SEQUENCE_F64 * 8));
  return emitNextSequence(f, tlb);
}

/** EPT entries read since the beginning. */
export const eptReferences = (f: FunctionWriter, core: Variable): Operand => f.load(core, REFERENCES);

/** Emits Tlb.nextSequence: the number in a new variable. */
export function emitNextSequence(f: FunctionWriter, tlb: Variable): Variable {
  const sequence = f.f64(f.op(op.f64_add, f.loadWith(op.f64_load, tlb, SEQUENCE_F64 * 8), f.double(1)));
  f.storeWith(op.f64_store, tlb, SEQUENCE_F64 * 8, sequence);
  return sequence;
}

export function defineEptFunctions(module: ModuleWriter, hardware: TranslationHardware, { drops }: TlbFunctions): EptFunctions {
  const { nested } = hardware.tlb;
  const drop = drops[STRUCTURE_NESTED]!;
  const translate = module.define(undefined, [I32, I32, I32, I32, I32], [I32], (f, core, tlb, guestPage, required, eptRoot) => {
    if (nested.ways === 0) return f.push(0);
    emitFindMapping(f, hardware, tlb, guestPage, required, eptRoot);
    const found = emitWalk(f, hardware, core, guestPage, required, eptRoot);
    const mapping = { ...found, tlb, guestPage, eptRoot };
    f.push(emitKeep(f, hardware, core, mapping, drop));
  });
  const undo = module.define(undefined, [I32, I32], [], (f, core, tlb) => {
    f.storeWith(op.f64_store, tlb, SEQUENCE_F64 * 8, f.loadWith(op.f64_load, core, OLD_SEQUENCE));
    const count = f.i32(f.load(core, UNDO_COUNT));
    f.if(count, () => {
      const record = f.i32(f.add(core, f.add(RECORDS - RECORD_BYTES, f.multiply(count, RECORD_BYTES))));
      f.repeatWhile(() => {
        const place = f.i32(f.load(record));
        for (let byte = 0; byte < ENTRY_BYTES; byte += 8) f.storeWith(op.i64_store, place, byte, f.loadWith(op.i64_load, record, 8 + byte));
        f.set(record, f.subtract(record, RECORD_BYTES));
        f.set(count, f.subtract(count, 1));
      }, count);
      f.store(tlb, nested.pointers * 4, f.load(core, OLD_POINTER));
      for (let word = 0; word < HEADER_WORDS; word++) f.store(tlb, (nested.header + word) * 4, f.load(core, OLD_HEADER + word * 4));
    });
  });
  return { translate, undo };
}

/** Emits EptWalker.findMapping: returns the entry, or goes on. */
function emitFindMapping(
  f: FunctionWriter,
  { tlb: { nested } }: TranslationHardware,
  tlb: Variable,
  guestPage: Variable,
  required: Variable,
  eptRoot: Variable,
): void {
  const entry = f.i32(f.add(tlb, nested.first * 4));
  const end = f.i32(f.add(tlb, nested.end * 4));
  const flags = f.i32(0);
  f.repeatWhile(
    () => {
      f.set(flags, field(f, entry, WORD_FLAGS));
      const difference = f.xor(field(f, entry, WORD_PAGE), guestPage);
      const samePage = f.isZero(f.op(op.i32_shr_u, difference, f.shiftRight(flags, ENTRY_GUEST_SIZE_SHIFT)));
      const serves = f.both(f.hasAll(flags, required), f.equal(field(f, entry, WORD_EPT_ROOT), eptRoot));
      f.if(f.both(samePage, serves), () => f.return(entry));
      f.set(entry, f.add(entry, ENTRY_WORDS * 4));
    },
    f.less(entry, end),
  );
}

interface EptPage {
  /** log2 of 4 KB pages. */
  readonly size: Variable;
  /** Its first 4 KB page. */
  readonly hostPage: Variable;
  /** As EptWalker.flags. */
  readonly flags: Variable;
}

/** Emits the walk from the root down. Whatever it does not finish returns 0: violations, misconfigurations, accessed and dirty flags to be set. */
function emitWalk(
  f: FunctionWriter,
  { ramPages, ramBase }: TranslationHardware,
  core: Variable,
  guestPage: Variable,
  required: Variable,
  eptRoot: Variable,
): EptPage {
  const table = f.i32(eptRoot);
  const permissions = f.i32(RWX);
  const size = f.i32(0);
  const hostPage = f.i32(0);
  const flags = f.i32(0);
  const low = f.i32(0);
  const high = f.i32(0);
  const accessedDirty = f.i32(f.and(stateWord(f, core, I32_WALK_TABLE_REQUIRED), ENTRY_D));
  const unless = (condition: Operand): void => f.if(f.isZero(condition), () => f.return(0));
  f.block((done) => {
    for (let level = EPT_LEVEL_SIZES.length - 1; level >= 0; level--) {
      const covers = EPT_LEVEL_SIZES[level]!;
      unless(f.less(table, ramPages));
      const inTable = f.shiftLeft(f.and(f.shiftRight(guestPage, covers), 0x1ff), 3);
      const at = f.i32(f.add(f.or(f.shiftLeft(table, 12), inTable), ramBase));
      f.set(low, f.load(at));
      f.set(high, f.load(at, 4));
      f.store(core, REFERENCES, f.add(f.load(core, REFERENCES), 1));
      unless(f.and(low, RWX));
      // Writable, but not readable.
      f.if(f.equal(f.and(low, EPTE_R | EPTE_W), EPTE_W), () => f.return(0));
      f.if(f.and(high, EPT_RESERVED_HIGH), () => f.return(0));
      f.set(permissions, f.and(permissions, low));
      const mapsPage = (): void => {
        f.if(f.and(low, EPT_RESERVED_PAGE[level]!), () => f.return(0));
        unless(f.and(f.op(op.i32_shr_u, EPT_MEMORY_TYPES, f.and(f.shiftRight(low, 3), 7)), 1));
        f.set(size, covers);
        f.leave(done);
      };
      if (level === 0) mapsPage();
      else {
        if (level < EPT_LEVEL_SIZES.length - 1) f.if(f.and(low, EPTE_PS), mapsPage);
        f.if(f.and(low, EPT_RESERVED_TABLE[level]!), () => f.return(0));
        f.if(f.both(accessedDirty, f.isZero(f.and(low, EPTE_A))), () => f.return(0));
        f.set(table, f.or(f.shiftLeft(high, 20), f.shiftRight(low, 12)));
      }
    }
  });
  const wanted = f.i32(f.and(f.shiftRight(required, ENTRY_EPT_SHIFT), RWX));
  unless(f.hasAll(permissions, wanted));
  const updated = f.i32(f.or(EPTE_A, f.multiply(f.differ(f.and(wanted, EPTE_W), 0), EPTE_D)));
  f.if(f.both(accessedDirty, f.isZero(f.hasAll(low, updated))), () => f.return(0));
  const dirty = f.or(f.isZero(accessedDirty), f.differ(f.and(low, EPTE_D), 0));
  f.set(flags, f.or(f.shiftLeft(permissions, ENTRY_EPT_SHIFT), f.multiply(dirty, ENTRY_D)));
  f.set(hostPage, f.and(f.or(f.shiftLeft(high, 20), f.shiftRight(low, 12)), f.op(op.i32_shl, -1, size)));
  return { size, hostPage, flags };
}

interface Mapping extends EptPage {
  readonly tlb: Variable;
  readonly guestPage: Variable;
  readonly eptRoot: Variable;
}

/** Emits EptWalker.keepMapping, and the record of it: the entry in a new variable. */
function emitKeep(f: FunctionWriter, { tlb: { nested } }: TranslationHardware, core: Variable, mapping: Mapping, drop: number): Variable {
  const { tlb, guestPage, eptRoot, size } = mapping;
  const base = f.i32(f.and(guestPage, f.op(op.i32_shl, -1, size)));
  const identity = f.i32(f.or(ENTRY_VALID, f.op(op.i32_shl, size, ENTRY_SIZE_SHIFT)));
  const flags = f.i32(f.or(mapping.flags, f.op(op.i32_shl, size, ENTRY_GUEST_SIZE_SHIFT)));
  const place = f.i32(0);
  const free = f.i32(0);
  // The one mapping of this page that there may be does not permit the access: the new one takes its place.
  f.block((done) =>
    forEachWay(f, nested, f.add(tlb, nested.first * 4), (entry, offset) => {
      const word = (number: number): Operand => f.load(entry, offset + number * 4);
      f.if(
        word(WORD_FLAGS),
        () => {
          const samePlace = f.both(f.equal(word(WORD_PAGE), base), f.equal(word(WORD_EPT_ROOT), eptRoot));
          f.if(f.both(samePlace, f.equal(f.and(word(WORD_FLAGS), ENTRY_IDENTITY), identity)), () => {
            f.set(place, f.add(entry, offset));
            f.leave(done);
          });
        },
        () => f.if(f.isZero(free), () => f.set(free, f.add(entry, offset))),
      );
    }),
  );
  const count = f.i32(f.load(core, UNDO_COUNT));
  f.if(f.isZero(count), () => {
    f.store(core, OLD_POINTER, f.load(tlb, nested.pointers * 4));
    for (let word = 0; word < HEADER_WORDS; word++) f.store(core, OLD_HEADER + word * 4, f.load(tlb, (nested.header + word) * 4));
  });
  f.if(f.isZero(place), () => f.set(place, free));
  f.if(f.isZero(place), () => {
    const pointer = f.i32(f.add(tlb, nested.pointers * 4));
    f.set(place, f.add(tlb, f.add(nested.first * 4, f.multiply(nextWay(f, nested, pointer), ENTRY_BYTES))));
  });
  const record = f.i32(f.add(core, f.add(RECORDS, f.multiply(count, RECORD_BYTES))));
  f.store(record, 0, place);
  for (let byte = 0; byte < ENTRY_BYTES; byte += 8) f.storeWith(op.i64_store, record, 8 + byte, f.loadWith(op.i64_load, place, byte));
  f.store(core, UNDO_COUNT, f.add(count, 1));
  f.if(field(f, place, WORD_FLAGS), () => f.push(f.call(drop, tlb, tlb, place)));
  const sequence = emitNextSequence(f, tlb);
  const { hostPage } = mapping;
  emitEntry(f, nested, place, { identity, base, alignment: 0 }, { tlb, tags: 0, eptRoot, flags, hostPage, guestPage: base, sequence });
  return place;
}
