/** What blocks do with the status flags, as far as their code tells: what can be left undone, and what to expect. */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Block } from '../../decode/block.ts';
import type { Instruction } from '../../decode/instruction.ts';
import { Effects } from '../../semantics/effects.ts';
import type { RuleAtWidth } from './flagState.ts';

/** True iff the block changes every status flag before it reads one, and before the state can be looked at from outside. */
export function changesFlagsFirst(block: Block, isCompilable: (insn: Instruction) => boolean): boolean {
  let changed = 0;
  for (const insn of block.instructions) {
    if (insn.kind === 'system' || !isCompilable(insn)) return false;
    const { flagsRead, flagsWritten, flagsConditional, loads, stores, raises } = Effects.of(insn);
    if (flagsRead & RFLAGS_STATUS & ~changed || loads > 0 || stores > 0 || raises) return false;
    changed |= flagsWritten & ~flagsConditional;
    if ((changed & RFLAGS_STATUS) === RFLAGS_STATUS) return true;
  }
  return false;
}

/**
 * By instruction of a block: the status flags that somebody may still see after it. Others are changed first, by instructions that cannot be left
 * in between.
 */
export function flagsSeenAfter(block: Block, isCompilable: (insn: Instruction) => boolean): readonly number[] {
  const seen: number[] = [];
  let after = RFLAGS_STATUS;
  for (const insn of block.instructions.toReversed()) {
    if (insn.kind === 'system' || !isCompilable(insn)) {
      seen.push(after);
      after = RFLAGS_STATUS;
      continue;
    }
    const { flagsRead, flagsWritten, flagsConditional, loads, stores, raises } = Effects.of(insn);
    // A store into the block itself is followed by an exit, with the flags as they are then.
    if (stores > 0) after = RFLAGS_STATUS;
    seen.push(after);
    if (loads > 0 || stores > 0 || raises) after = RFLAGS_STATUS;
    else after = (after & ~(flagsWritten & ~flagsConditional)) | (flagsRead & RFLAGS_STATUS);
  }
  return seen.reverse();
}

/**
 * By block: the rule that pending flags will follow when it begins, in all likelihood: that of every block before it in the region. Others may
 * enter it with anything.
 */
export function expectedRules(blocks: readonly Block[], successors: readonly (readonly number[])[]): readonly (RuleAtWidth | undefined)[] {
  const own = blocks.map(lastRule);
  const expected: (RuleAtWidth | undefined | 'unseen')[] = blocks.map(() => 'unseen');
  // A block that leaves the flags alone hands on what it expects; as many rounds as such blocks can follow each other.
  for (let round = 0, changed = true; changed && round < blocks.length; round++) {
    changed = false;
    blocks.forEach((_, index) => {
      const last = own[index];
      const after = last === 'kept' ? expected[index] : last;
      if (after === 'unseen') return;
      for (const next of successors[index]!) {
        const before = expected[next];
        const merged = before === 'unseen' || isSame(before, after) ? after : undefined;
        if (before !== merged && !isSame(before, merged)) {
          expected[next] = merged;
          changed = true;
        }
      }
    });
  }
  return expected.map((rule) => (rule === 'unseen' ? undefined : rule));
}

function isSame(a: RuleAtWidth | undefined | 'unseen', b: RuleAtWidth | undefined): boolean {
  if (a === b) return true;
  return typeof a === 'object' && b !== undefined && a.rule === b.rule && a.width === b.width;
}

/** The rule of the last change that a block makes for certain; undefined when it is another kind of change. */
function lastRule(block: Block): RuleAtWidth | undefined | 'kept' {
  let last: RuleAtWidth | undefined | 'kept' = 'kept';
  for (const insn of block.instructions) {
    if (insn.kind === 'system') return insn.mnemonic === 'Pause' ? last : undefined;
    const { flagsWritten, rule } = Effects.of(insn);
    if (flagsWritten & RFLAGS_STATUS) last = rule;
  }
  return last;
}
