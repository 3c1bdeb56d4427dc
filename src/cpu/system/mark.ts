import { MARK_BASE } from '../../arch/marks.ts';
import { RDI, RDX, RSI } from '../../arch/registers.ts';
import { EVENT_MARK } from '../../trace/events.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { signedField } from '../state.ts';

/** A mark: a NOP that observers are told of (arch/marks). Emits: `mark`. */
export function mark(core: Core, insn: Instruction): void {
  if (core.probe.mask & (1 << EVENT_MARK)) emitMark(core, markNumber(insn));
  core.retire(insn);
}

/** MARK_… that the instruction stands for. */
export const markNumber = (insn: Instruction): number => Number(insn.memory!.displacement & 0xffff_ffffn) - MARK_BASE;

/** Registers that observers of a mark are shown. */
export const MARK_REGISTERS: readonly number[] = [RDI, RSI, RDX];

/** Tells observers of a mark at the core's time, with its registers. */
export function emitMark(core: Core, number: number): void {
  const { i32 } = core.state;
  core.probe.event(EVENT_MARK, core.id, core.clock, number, signedField(i32, RDI), signedField(i32, RSI), signedField(i32, RDX));
}
