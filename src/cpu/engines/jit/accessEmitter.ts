/** An access that the shortcut does not serve: translated and carried out in generated code where that is possible, else by the host. */
import { I32_UPDATE_ADDRESS } from '../../state.ts';
import type { FunctionWriter, Variable } from './functionWriter.ts';
import { CLOCK_BYTE, TRANSFER_BYTE, TRANSFER_HIGH_BYTE } from './jitLayout.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { isCanonical } from './translationState.ts';
import { F64, I32, I64, op } from './wasmModule.ts';

export const ACCESS_DONE = 0;
export const ACCESS_FAULTED = 1;

/** Kinds of slow access. */
export const SLOW_LOAD = 0;
export const SLOW_UPDATE = 1;
export const SLOW_STORE = 2;
export const SLOW_STORE_UPDATE = 3;
/** Width, segment and kind in one word. */
export const accessWord = (kind: number, width: number, segment: number): number => kind | (segment << 4) | (width << 8);

const LOADS = [op.i64_load8_u, op.i64_load16_u, op.i64_load32_u, op.i64_load];
const STORES = [op.i64_store8, op.i64_store16, op.i64_store32, op.i64_store];

/**
 * `access(core, clock, la, value, word) -> ACCESS_…`: what was loaded is in TRANSFER (its high half, if any, beside it, where a store's is, too), the operand of an update at I32_UPDATE_ADDRESS or with
 * the host, the time in the state block. @param hostAccess the host's function.
 * @param moveLine see lineEmitter.ts; undefined: lines cost nothing.
 */
export function defineAccess(module: ModuleWriter, translate: number, hostAccess: number, moveLine: number | undefined): number {
  return module.define('access', [I32, F64, I64, I64, I32], [I32], (f, core, clock, la, value, word) => {
    f.storeWith(op.f64_store, core, CLOCK_BYTE, clock);
    f.store(core, I32_UPDATE_ADDRESS * 4, 0);
    const low = f.i32(f.op(op.i32_wrap_i64, la));
    const kind = f.i32(f.and(word, 15));
    const bytes = f.i32(f.shiftRight(word, 11));
    const inPage = f.op(op.i32_le_u, f.add(f.and(low, 0xfff), bytes), 4096);
    f.if(f.both(f.both(f.differ(kind, SLOW_STORE_UPDATE), inPage), isCanonical(f, la)), () => {
      const at = f.i32(f.call(translate, core, la, f.differ(kind, SLOW_LOAD)));
      f.if(at, () => {
        if (moveLine !== undefined) f.push(f.call(moveLine, core, at, f.differ(kind, SLOW_LOAD)));
        f.if(
          f.equal(kind, SLOW_STORE),
          () => {
            transfer(f, STORES, bytes, (opcode) => f.storeWith(opcode, at, 0, value));
            f.if(f.equal(bytes, 16), () => f.storeWith(op.i64_store, at, 8, f.loadWith(op.i64_load, core, TRANSFER_HIGH_BYTE)));
          },
          () => {
            transfer(f, LOADS, bytes, (opcode) => f.storeWith(op.i64_store, core, TRANSFER_BYTE, f.loadWith(opcode, at)));
            f.if(f.equal(bytes, 16), () => f.storeWith(op.i64_store, core, TRANSFER_HIGH_BYTE, f.loadWith(op.i64_load, at, 8)));
            f.if(f.equal(kind, SLOW_UPDATE), () => f.store(core, I32_UPDATE_ADDRESS * 4, at));
          },
        );
        f.return(ACCESS_DONE);
      });
    });
    f.storeWith(op.i64_store, core, TRANSFER_BYTE, value);
    f.push(f.call(hostAccess, low, f.op(op.i32_wrap_i64, f.op(op.i64_shr_u, la, 32n)), word));
  });
}

/** One of four opcodes, for 1, 2, 4 or 8 bytes; the last one also for the first half of 16. */
function transfer(f: FunctionWriter, opcodes: readonly number[], bytes: Variable, emit: (opcode: number) => void): void {
  const [byte, word, doubleword, quadword] = opcodes as [number, number, number, number];
  const choose =
    (size: number, then: number, otherwise: () => void): (() => void) =>
    () =>
      f.if(f.equal(bytes, size), () => emit(then), otherwise);
  choose(
    4,
    doubleword,
    choose(
      1,
      byte,
      choose(2, word, () => emit(quadword)),
    ),
  )();
}
