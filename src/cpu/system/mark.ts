import { MARK_BASE } from '../../arch/marks.ts';
import { RDI, RDX, RSI } from '../../arch/registers.ts';
import { EVENT_MARK } from '../../trace/events.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { signedNumber } from '../linearMemory.ts';

/** A mark: a NOP that observers are told of (arch/marks). Emits: `mark`. */
export function mark(core: Core, insn: Instruction): void {
  if (core.probe.mask & (1 << EVENT_MARK)) {
    const { u64 } = core.state;
    const number = Number(insn.memory!.displacement & 0xffff_ffffn) - MARK_BASE;
    core.probe.event(EVENT_MARK, core.id, core.clock, number, signedNumber(u64[RDI]!), signedNumber(u64[RSI]!), signedNumber(u64[RDX]!));
  }
  core.retire(insn);
}
