/** Loops that only wait: until a word in memory changes, one time around them is like any other. */
import type { Block } from '../../decode/block.ts';
import { OPERAND_RELATIVE } from '../../decode/instruction.ts';
import { Effects } from '../../semantics/effects.ts';

/** What has been written since the loop's header, on every way there. */
interface Written {
  readonly gpr: number;
  readonly flags: number;
}

const ALL: Written = { gpr: -1, flags: -1 };

/**
 * True iff going around the loop depends on nothing that the loop itself changes: no store, no long operation but PAUSE, and no register or flag that
 * is read before it is written, unless the loop leaves it alone. Then it does the same each time, as long as memory stays as it is.
 * @param members numbers of its blocks, the header first.
 */
export function isIdle(members: readonly number[], blocks: readonly Block[], successors: readonly (readonly number[])[]): boolean {
  const changes = { gpr: 0, flags: 0 };
  for (const member of members) {
    for (const insn of blocks[member]!.instructions) {
      if (insn.kind === 'system') {
        if (insn.mnemonic !== 'Pause') return false;
        continue;
      }
      if (insn.kind === 'branch' && insn.operands[0]?.kind !== OPERAND_RELATIVE) return false;
      const { stores, raises, gprWritten, flagsWritten } = Effects.of(insn);
      if (stores > 0 || raises) return false;
      changes.gpr |= gprWritten;
      changes.flags |= flagsWritten;
    }
  }
  const entry = new Map(members.map((member, index) => [member, index === 0 ? { gpr: 0, flags: 0 } : ALL]));
  const queue = [members[0]!];
  for (let member = queue.pop(); member !== undefined; member = queue.pop()) {
    const after = through(blocks[member]!, entry.get(member)!, changes);
    if (after === undefined) return false;
    for (const next of successors[member]!) {
      const before = entry.get(next);
      if (before === undefined) continue;
      const merged = { gpr: before.gpr & after.gpr, flags: before.flags & after.flags };
      if (merged.gpr === before.gpr && merged.flags === before.flags && before !== ALL) continue;
      entry.set(next, merged);
      queue.push(next);
    }
  }
  return true;
}

/** What is written after the block; undefined when it reads something of last time around. */
function through(block: Block, before: Written, changes: Written): Written | undefined {
  let { gpr, flags } = before;
  for (const insn of block.instructions) {
    if (insn.kind === 'system') break;
    const { gprRead, gprWritten, gprMerged, flagsRead, flagsWritten, flagsConditional } = Effects.of(insn);
    if ((gprRead | gprMerged) & changes.gpr & ~gpr || flagsRead & changes.flags & ~flags) return undefined;
    gpr |= gprWritten & ~gprMerged;
    flags |= flagsWritten & ~flagsConditional;
  }
  return { gpr, flags };
}
