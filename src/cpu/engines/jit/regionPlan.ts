import type { Block } from '../../decode/block.ts';
import { OPERAND_RELATIVE } from '../../decode/instruction.ts';

/** Most blocks and instructions of one region. */
const BLOCK_LIMIT = 64;
const INSTRUCTION_LIMIT = 800;

/** The blocks that one function will hold: those of a page that static control flow reaches from an entry, in the order of their offsets. */
export interface RegionPlan {
  /** Host page number. */
  readonly page: number;
  readonly blocks: readonly Block[];
  /** Numbers of the blocks that branch to themselves. */
  readonly selfLoops: ReadonlySet<number>;
  /** Number of the block that starts at this offset of the page, or -1. */
  indexOf(offset: number): number;
}

/** @param find the block at a host-physical address of the same page, decoded if need be; undefined when its first instruction leaves the page. */
export function planRegion(entry: Block, find: (hpa: number) => Block | undefined): RegionPlan {
  const pageStart = entry.page * 4096;
  const found = new Map<number, Block>();
  const queue: Block[] = [entry];
  let instructions = 0;
  for (let block = queue.shift(); block !== undefined; block = queue.shift()) {
    const offset = block.hpa - pageStart;
    if (found.has(offset) || found.size >= BLOCK_LIMIT || instructions >= INSTRUCTION_LIMIT) continue;
    found.set(offset, block);
    instructions += block.instructions.length;
    for (const next of successors(block)) {
      if (next < 0 || next >= 4096 || found.has(next)) continue;
      const successor = find(pageStart + next);
      if (successor !== undefined && successor.secondPage < 0 && isWorthwhile(successor)) queue.push(successor);
    }
  }
  const blocks = [...found.values()].sort((a, b) => a.hpa - b.hpa);
  const numbers = new Map(blocks.map((block, index) => [block.hpa - pageStart, index]));
  const selfLoops = new Set<number>();
  blocks.forEach((block, index) => {
    if (successors(block).includes(block.hpa - pageStart)) selfLoops.add(index);
  });
  return { page: entry.page, blocks, selfLoops, indexOf: (offset) => numbers.get(offset) ?? -1 };
}

/** Long operations that regions carry out themselves, most of the time. */
const COMPILED_OPERATIONS: ReadonlySet<string> = new Set(['Pause', 'Invlpg']);

/** A block that begins with a long operation would be left at once. */
export const isWorthwhile = (block: Block): boolean =>
  block.instructions[0]!.kind !== 'system' || COMPILED_OPERATIONS.has(block.instructions[0]!.mnemonic);

/** Page offsets where a block goes on, as far as decoding tells; those outside [0, 4096) are in other pages. */
function successors(block: Block): number[] {
  const last = block.instructions[block.instructions.length - 1]!;
  const after = last.offset + last.length;
  if (last.kind === 'system') return COMPILED_OPERATIONS.has(last.mnemonic) ? [after] : [];
  if (last.kind === 'plain') return [after];
  if (last.operands[0]?.kind === OPERAND_RELATIVE) return last.mnemonic === 'Jmp' ? [after + last.delta] : [after + last.delta, after];
  // A repeated string instruction branches to itself; a call through a register returns behind itself.
  if (last.repeat !== 0) return [last.offset, after];
  return last.mnemonic === 'Call' ? [after] : [];
}
