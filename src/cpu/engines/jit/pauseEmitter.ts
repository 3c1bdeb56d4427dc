/** PAUSE in generated code: a hint with a price, unless a VMM watches it. */
import { F64_PLE_FIRST, F64_PLE_GAP, F64_PLE_LAST, F64_PLE_WINDOW, I32_CPL, I32_PAUSE_INTERCEPTED, PAUSE_EXITS } from '../../state.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { RegionLocals } from './instructionEmitter.ts';
import { F64, op } from './wasmModule.ts';

/**
 * Emits what `exitOnPause` (cpu/vmx/intercepts) computes, and goes on behind it when PAUSE stays in the guest.
 * @param before cycles of the block before the PAUSE that are not in the clock yet. @param cycles of the PAUSE itself.
 * @param leave emits the way to the reference engine, which carries out the exit; it does not fall through, and finds everything as it was.
 */
export function emitPauseWatch(
  builder: CodeBuilder,
  { core, clock }: RegionLocals,
  before: number,
  cycles: number,
  leave: () => void,
): void {
  const loadF64 = (field: number): void => {
    builder.get(core);
    builder.memory(op.f64_load, field * 8);
  };
  const loadI32 = (field: number): void => {
    builder.get(core);
    builder.memory(op.i32_load, field * 4);
  };
  loadI32(I32_PAUSE_INTERCEPTED);
  builder.openIf(0);
  const now = builder.local(F64);
  const first = builder.local(F64);
  const stays = builder.open(op.block);
  const leaves = builder.open(op.block);
  loadI32(I32_PAUSE_INTERCEPTED);
  builder.i32(PAUSE_EXITS);
  builder.op(op.i32_eq);
  builder.branch(leaves, op.br_if);
  loadI32(I32_CPL);
  builder.branch(stays, op.br_if);

  // first = now - last > gap ? now : first
  builder.get(clock);
  builder.f64(before);
  builder.op(op.f64_add);
  builder.tee(now);
  loadF64(F64_PLE_FIRST);
  builder.get(now);
  loadF64(F64_PLE_LAST);
  builder.op(op.f64_sub);
  loadF64(F64_PLE_GAP);
  builder.op(op.f64_gt);
  builder.op(op.select);
  builder.set(first);
  builder.get(now);
  builder.get(first);
  builder.op(op.f64_sub);
  loadF64(F64_PLE_WINDOW);
  builder.op(op.f64_gt);
  builder.branch(leaves, op.br_if);

  builder.get(core);
  builder.get(first);
  builder.memory(op.f64_store, F64_PLE_FIRST * 8);
  builder.get(core);
  builder.get(now);
  builder.f64(cycles);
  builder.op(op.f64_add);
  builder.memory(op.f64_store, F64_PLE_LAST * 8);
  builder.branch(stays);
  builder.close();
  leave();
  builder.close();
  builder.close();
}
