/**
 * Several pieces of code in one page, so that an engine that compiles does so once for all of them: most of what compiling a single instruction
 * costs is the host's price of a module. Cases of different pieces share the page, and know nothing of each other.
 */
import { type Instruction, OPERAND_RELATIVE } from '../../src/cpu/decode/instruction.ts';
import { type CodePage, emptyPage } from './siliconCase.ts';
import { CODE, ORIGIN, POOL, POOL_END } from './surroundings.ts';

/** Room for two instructions, and a HLT between any two pieces. */
const SLOT_SIZE = 32;
const MOST_CODE = SLOT_SIZE - 1;
/** A conditional jump for each slot, and a HLT: nobody runs them but whoever wants the page compiled. */
const JUMP_SIZE = 6;
const SLOTS_AT = POOL + 0x80;
/** Slots of a page. */
export const SLOTS = (POOL_END - SLOTS_AT) / SLOT_SIZE;

/** Where a piece begins, and the page it is in; a piece that is alone has no page. */
export interface Place {
  readonly origin: number;
  readonly page: CodePage | undefined;
}

const slotAt = (slot: number): number => SLOTS_AT + slot * SLOT_SIZE;

/** The page with a piece in each of the first slots. */
function pageOf(pieces: readonly { readonly slot: number; readonly code: Uint8Array }[]): CodePage {
  const bytes = emptyPage();
  const view = new DataView(bytes.buffer);
  pieces.forEach(({ slot, code }, i) => {
    const jump = POOL - CODE + i * JUMP_SIZE;
    // JZ to the piece.
    view.setUint16(jump, 0x840f, true);
    view.setInt32(jump + 2, slotAt(slot) - CODE - (jump + JUMP_SIZE), true);
    bytes.set(code, slotAt(slot) - CODE);
  });
  return { bytes, entry: POOL };
}

/** Pieces of 64-bit code of which nothing depends on where they stand. */
export function placeTogether(codes: readonly Uint8Array[]): Place[] {
  const places: Place[] = [];
  for (let first = 0; first < codes.length; first += SLOTS) {
    const pieces = codes.slice(first, first + SLOTS).map((code, slot) => ({ slot, code }));
    if (pieces.some(({ code }) => code.length > MOST_CODE)) throw new RangeError('a piece is too large');
    const page = pageOf(pieces);
    for (const { slot } of pieces) places.push({ origin: slotAt(slot), page });
  }
  return places;
}

/**
 * Places for pieces of 64-bit code, in their order. Those that must stay where they are, or that could jump into another piece, are alone.
 * @param pieces with the instructions that are in each, and the origin that it was made for.
 */
export function placePieces(
  pieces: readonly { readonly code: Uint8Array; readonly insns: readonly Instruction[]; readonly origin: number }[],
): Place[] {
  const places: Place[] = pieces.map(({ origin }) => ({ origin, page: undefined }));
  const movable = pieces.flatMap(({ code, insns, origin }, number) =>
    origin === ORIGIN && code.length <= MOST_CODE && !insns.some(({ memory }) => memory?.ripRelative) && !jumpsIntoPool(insns)
      ? [{ number, code }]
      : [],
  );
  placeTogether(movable.map(({ code }) => code)).forEach((place, i) => {
    places[movable[i]!.number] = place;
  });
  return places;
}

/** Some place in the pool would lead a relative branch into it. */
function jumpsIntoPool(insns: readonly Instruction[]): boolean {
  let end = 0;
  return insns.some(({ operands, delta, length }) => {
    end += length;
    if (operands[0]?.kind !== OPERAND_RELATIVE) return false;
    return SLOTS_AT + end + delta < POOL_END && POOL_END + end + delta >= POOL;
  });
}
