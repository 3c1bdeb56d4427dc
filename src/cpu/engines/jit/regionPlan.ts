import type { Block } from '../../decode/block.ts';
import { type Instruction, OPERAND_RELATIVE } from '../../decode/instruction.ts';
import type { Operation } from '../../operation.ts';
import { invlpg } from '../../system/invalidation.ts';
import { mark } from '../../system/mark.ts';
import { pause } from '../../system/time.ts';

/** Most blocks and instructions of one region. */
const BLOCK_LIMIT = 64;
const INSTRUCTION_LIMIT = 800;
/** Most places inside the region that one return is compared with. */
const RETURN_LIMIT = 8;

/** The blocks that one function will hold: those of a page that control flow reaches from an entry, in the order of their offsets. */
export interface RegionPlan {
  /** Host page number. */
  readonly page: number;
  readonly blocks: readonly Block[];
  /** By number of the block: numbers of the blocks that it may be followed by, as far as they are known. */
  readonly successors: readonly (readonly number[])[];
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
    for (const next of [...targets(block), ...returnSite(block)]) {
      if (next < 0 || next >= 4096 || found.has(next)) continue;
      const successor = find(pageStart + next);
      if (successor !== undefined && successor.secondPage < 0 && isWorthwhile(successor)) queue.push(successor);
    }
  }
  const blocks = [...found.values()].sort((a, b) => a.hpa - b.hpa);
  const numbers = new Map(blocks.map((block, index) => [block.hpa - pageStart, index]));
  const indexOf = (offset: number): number => numbers.get(offset) ?? -1;
  const indices = (offsets: readonly number[]): number[] => [...new Set(offsets.map(indexOf).filter((index) => index >= 0))];
  const successors = blocks.map((block) => indices(targets(block)));
  addReturns(blocks, successors, (block) => indices(returnSite(block)));
  return { page: entry.page, blocks, successors, indexOf };
}

/** Long operations that regions carry out themselves, most of the time. */
const COMPILED_OPERATIONS: ReadonlySet<Operation> = new Set([pause, invlpg, mark]);

/** A block that begins with a long operation would be left at once. */
export const isWorthwhile = (block: Block): boolean =>
  block.instructions[0]!.kind !== 'system' || COMPILED_OPERATIONS.has(block.instructions[0]!.operation);

const lastOf = (block: Block): Instruction => block.instructions[block.instructions.length - 1]!;

/** Page offsets where a block goes on, as far as decoding tells; those outside [0, 4096) are in other pages. */
function targets(block: Block): number[] {
  const last = lastOf(block);
  const after = last.offset + last.length;
  if (last.kind === 'system') return COMPILED_OPERATIONS.has(last.operation) ? [after] : [];
  if (last.kind === 'plain') return [after];
  if (last.operands[0]?.kind === OPERAND_RELATIVE) {
    return last.mnemonic === 'Jmp' || last.mnemonic === 'Call' ? [after + last.delta] : [after + last.delta, after];
  }
  // A repeated string instruction branches to itself.
  return last.repeat !== 0 ? [last.offset, after] : [];
}

/** Page offset that a call returns to. */
function returnSite(block: Block): number[] {
  const last = lastOf(block);
  return last.mnemonic === 'Call' && last.kind === 'branch' ? [last.offset + last.length] : [];
}

/** Returns lead behind the calls of the procedures they belong to. */
function addReturns(blocks: readonly Block[], successors: number[][], siteOf: (block: Block) => number[]): void {
  const returning: [from: number, site: number][] = [];
  blocks.forEach((block, caller) => {
    const [site] = siteOf(block);
    const [callee] = successors[caller]!;
    if (site === undefined || callee === undefined) return;
    for (const from of returnsOf(callee, blocks, successors, siteOf)) returning.push([from, site]);
  });
  for (const [from, site] of returning) {
    const known = successors[from]!;
    if (!known.includes(site) && known.length < RETURN_LIMIT) known.push(site);
  }
}

/** The blocks in which a procedure returns: calls are steps to their return sites. */
function returnsOf(
  callee: number,
  blocks: readonly Block[],
  successors: readonly (readonly number[])[],
  siteOf: (block: Block) => number[],
): number[] {
  const seen = new Set([callee]);
  const returns: number[] = [];
  for (const index of seen) {
    const block = blocks[index]!;
    if (lastOf(block).mnemonic === 'Ret') returns.push(index);
    else for (const next of lastOf(block).mnemonic === 'Call' ? siteOf(block) : successors[index]!) seen.add(next);
  }
  return returns;
}
