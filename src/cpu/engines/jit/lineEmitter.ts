/** Cache lines (mmu/cacheLines) in generated code: whether the core has a line, and what moving one costs. */
import { type CacheLines, LINE_SHIFT, LINE_WRITTEN } from '../../../mmu/cacheLines.ts';
import { CORE_STATE_SIZE } from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { CLOCK_BYTE } from './jitLayout.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { I32, op } from './wasmModule.ts';

/** A line's word is at an offset from twice its number, counted over the machine's memory. */
export const WORD_SHIFT = LINE_SHIFT - 1;
export const WORD_MASK = -2;
/** That offset. @param ramBase byte offset of RAM, whole lines. */
export const lineOffset = ({ byteOffset }: CacheLines, ramBase: number): number => byteOffset - (ramBase >>> WORD_SHIFT);

export const CORE_STATE_SHIFT = Math.log2(CORE_STATE_SIZE);
/** The core's bit. @param core byte offset of its state block, of which there is one after the other from 0 on. */
const bitOf = (f: FunctionWriter, core: Operand): Operand => f.op(op.i32_shl, 1, f.shiftRight(core, CORE_STATE_SHIFT));

/** Byte offset, less `lineOffset`, of the word for what is at `at` in the machine's memory. */
const wordAddress = (f: FunctionWriter, at: Operand): Operand => f.and(f.shiftRight(at, WORD_SHIFT), WORD_MASK);

/** The core may go on without moving the line at `at`. @param write 0 or not. */
export function hasLine(f: FunctionWriter, offset: number, core: Variable, at: Variable, write: Operand): Operand {
  const word = f.i32(f.loadWith(op.i32_load16_u, wordAddress(f, at), offset));
  const bit = f.i32(bitOf(f, core));
  return f.op(op.select, f.equal(word, f.or(bit, LINE_WRITTEN)), f.differ(f.and(word, bit), 0), write);
}

/** `moveLine(core, at, write)`: the clock in the state block is that after CacheLines.load or store. */
export function defineMoveLine(module: ModuleWriter, lines: CacheLines, ramBase: number): number {
  const { cacheLineTransfer, cacheLineShared } = lines.prices;
  const offset = lineOffset(lines, ramBase);
  return module.define(undefined, [I32, I32, I32], [], (f, core, at, write) => {
    const address = f.i32(wordAddress(f, at));
    const word = f.i32(f.loadWith(op.i32_load16_u, address, offset));
    const bit = f.i32(bitOf(f, core));
    const pay = (cycles: number): void => f.increase(core, CLOCK_BYTE, f.double(cycles));
    const others = f.i32(f.and(word, ~LINE_WRITTEN));
    f.if(
      write,
      () => {
        f.if(f.both(others, f.differ(others, bit)), () => pay(cacheLineTransfer));
        f.storeWith(op.i32_store16, address, offset, f.or(bit, LINE_WRITTEN));
      },
      () =>
        f.if(f.isZero(f.and(word, bit)), () => {
          f.if(word, () =>
            f.if(
              f.and(word, LINE_WRITTEN),
              () => pay(cacheLineTransfer),
              () => pay(cacheLineShared),
            ),
          );
          f.storeWith(op.i32_store16, address, offset, f.or(others, bit));
        }),
    );
  });
}
