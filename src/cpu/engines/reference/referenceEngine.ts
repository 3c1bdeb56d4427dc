/** The reference engine: executes meanings one by one, straight from their definitions. Slow and obvious, and the oracle of the others. */
import { CS, SS } from '../../../arch/registers.ts';
import { AR_DB } from '../../../arch/segments.ts';
import { VECTOR_GP } from '../../../arch/vectors.ts';
import { ACCESS_FETCH } from '../../../mmu/access.ts';
import { COUNTER_INSTRUCTIONS } from '../../../trace/counters.ts';
import { EVENT_INSTRUCTION } from '../../../trace/events.ts';
import type { Core } from '../../core.ts';
import type { Block } from '../../decode/block.ts';
import type { BlockCache } from '../../decode/blockCache.ts';
import { CODE_64, type CodeMode, codeModeOf } from '../../decode/codeMode.ts';
import { MAX_INSTRUCTION_LENGTH } from '../../decode/decoder.ts';
import { type Instruction, REPEAT_NONE } from '../../decode/instruction.ts';
import { guestFault } from '../../guestFault.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import { I32_CODE_SIZE, I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, U64_SEGMENT_BASE } from '../../state.ts';
import type { Engine } from '../engine.ts';
import { ReferenceOps } from './referenceOps.ts';
import { readRip, writeRip } from './ripWords.ts';

const CANONICAL_LIMIT = 2 ** 47;
/** What an instruction fetch finds where no RAM is. Deviation: devices cannot be executed from. */
const UNCLAIMED = new Uint8Array(MAX_INSTRUCTION_LENGTH).fill(0xff);
/** Block starts remembered for a crash dump; a power of two. */
const RECENT = 32;

/** Core and VPID in one number. */
export const blockTag = (core: number, vpid: number): number => (core << 16) | vpid;

export class ReferenceEngine implements Engine {
  readonly name = 'reference';
  private readonly cache: BlockCache;
  private readonly ops = new ReferenceOps();
  private readonly opaqueOps = this.ops as unknown as Ops<Value>;
  private mode: CodeMode = CODE_64;
  /** RIP of the instruction being executed. */
  private rip = 0;
  /** A long operation is running: the state block is its own, not ours to write back to. */
  private inOperation = false;

  /** RIPs where the last blocks started: the newest at `recentBlocks[(recentCount - 1) % 32]`. For crash dumps. */
  readonly recentBlocks = new Float64Array(RECENT);
  /** On which core and under which VPID each of them ran: `blockTag`. */
  readonly recentTags = new Int32Array(RECENT);
  recentCount = 0;

  constructor(cache: BlockCache) {
    this.cache = cache;
  }

  /** Figures for the benchmarks. */
  statistics(): Readonly<Record<string, number>> {
    return { blocks: this.recentCount };
  }

  run(core: Core): void {
    const { clock } = core.state;
    this.begin(core);
    do {
      try {
        this.execute(core, this.fetch(core), 0);
      } catch (thrown) {
        if (thrown !== guestFault) throw thrown;
        this.faulted(core);
      }
    } while (clock[0]! < core.horizon && !core.attention && !core.singleStep);
    this.end();
  }

  /** Works on this core from now on; its flags are here until `end`. */
  begin(core: Core): void {
    this.ops.attach(core);
  }

  /** Works on this core from now on; its flags stay in the state block until `reload`. */
  attach(core: Core): void {
    this.ops.attach(core);
  }

  /** The whole state is in the state block. */
  end(): void {
    this.ops.writeFlagsWord();
  }

  /** The flags come from the state block again. */
  reload(): void {
    this.ops.readFlagsWord();
  }

  /** The block at RIP, its fetch translated and counted. Raises what a fetch raises. */
  fetch(core: Core): Block {
    const rip = readRip(core.state.i32);
    this.mode = modeOf(core.state.i32);
    this.rip = rip;
    this.recentBlocks[this.recentCount & (RECENT - 1)] = rip;
    this.recentTags[this.recentCount++ & (RECENT - 1)] = blockTag(core.id, core.mmu.context.vpid);
    return this.fetchBlock(core, rip);
  }

  /**
   * Executes a block from instruction number `first`, which is at RIP: to its end, or up to the first fault, or one instruction when the core
   * single-steps.
   */
  execute(core: Core, block: Block, first: number): void {
    const { ops, opaqueOps } = this;
    const { i32, clock, counters } = core.state;
    const traced = (core.probe.mask & (1 << EVENT_INSTRUCTION)) !== 0;
    let next = readRip(i32);
    const { instructions } = block;
    const count = core.singleStep ? first + 1 : instructions.length;
    this.mode = block.mode;
    const lastByte = block.mode === CODE_64 ? Number.POSITIVE_INFINITY : i32[I32_SEGMENT_LIMIT + CS]! >>> 0;
    ops.blockPage = block.page;
    ops.blockSecondPage = block.secondPage;
    ops.blockWritten = false;
    for (let i = first; i < count; i++) {
      const insn = instructions[i]!;
      this.rip = next;
      if (next + insn.length - 1 > lastByte) throw guestFault.set(VECTOR_GP, 0);
      if (traced) core.probe.event(EVENT_INSTRUCTION, core.id, clock[0]!, next, 0, 0, 0);
      if (insn.kind === 'system') {
        writeRip(i32, next);
        ops.writeFlagsWord();
        this.inOperation = true;
        insn.operation(core, insn);
        this.inOperation = false;
        ops.readFlagsWord();
        counters[COUNTER_INSTRUCTIONS]! += 1;
        clock[0]! += insn.cycles;
        if (core.watch !== null) core.watch.repeating = insn.repeat !== REPEAT_NONE && readRip(i32) === next;
        return;
      }
      next += insn.length;
      if (insn.mode !== 64) next = next >>> 0;
      ops.begin(insn, next);
      insn.meaning(opaqueOps, insn);
      next = ops.commit();
      counters[COUNTER_INSTRUCTIONS]! += 1;
      clock[0]! += insn.cycles;
      // The instruction changed code of this block: what follows must be fetched anew.
      if (ops.blockWritten) break;
    }
    writeRip(i32, next);
    if (core.watch !== null) core.watch.repeating = instructions[first]!.repeat !== REPEAT_NONE && next === this.rip;
  }

  /** Executes the long operation at RIP, with RFLAGS exact in the state block before and after. What it throws is for `faulted`. */
  operate(core: Core, insn: Instruction): void {
    const { clock, counters } = core.state;
    this.inOperation = true;
    insn.operation(core, insn);
    this.inOperation = false;
    counters[COUNTER_INSTRUCTIONS]! += 1;
    clock[0]! += insn.cycles;
  }

  /** The instruction at RIP of the state block faulted elsewhere: the fault is delivered. */
  faultedAt(core: Core): void {
    this.rip = readRip(core.state.i32);
    this.faulted(core);
  }

  /** The state is that before the faulting instruction, and the fault is delivered. */
  faulted(core: Core): void {
    const { ops } = this;
    ops.abandon();
    if (this.inOperation) {
      this.inOperation = false;
    } else {
      ops.writeFlagsWord();
      writeRip(core.state.i32, this.rip);
    }
    core.deliverFault(guestFault);
    ops.readFlagsWord();
  }

  /** Translates RIP, once per block, and finds the block there. Raises: #GP(0), #PF; EPT violations leave the guest. */
  private fetchBlock(core: Core, rip: number): Block {
    const { cache, mode } = this;
    const { i32 } = core.state;
    let la = rip;
    if (mode === CODE_64) {
      if (rip < -CANONICAL_LIMIT || rip >= CANONICAL_LIMIT) throw guestFault.set(VECTOR_GP, 0);
    } else {
      if (rip > i32[I32_SEGMENT_LIMIT + CS]! >>> 0) throw guestFault.set(VECTOR_GP, 0);
      la = (i32[(U64_SEGMENT_BASE + CS) * 2]! + rip) >>> 0;
    }
    const hpa = this.fetchPage(core, la);
    if (!core.memory.contains(hpa, 1)) return cache.decodeOutside(hpa, UNCLAIMED, mode);
    const block = cache.find(hpa, mode);
    if (block !== undefined) return block;
    let second = la - (la & 0xfff) + 4096;
    if (mode !== CODE_64) second = second >>> 0;
    else if (second >= CANONICAL_LIMIT) throw guestFault.set(VECTOR_GP, 0);
    const secondHpa = this.fetchPage(core, second);
    if (!core.memory.contains(secondHpa, 1)) return this.crossingOutside(core, hpa);
    return cache.findCrossing(hpa, secondHpa, mode);
  }

  /** An instruction that begins in RAM and ends beyond it. */
  private crossingOutside(core: Core, hpa: number): Block {
    const inRam = 4096 - (hpa & 0xfff);
    const bytes = new Uint8Array(inRam + MAX_INSTRUCTION_LENGTH).fill(0xff);
    bytes.set(core.memory.bytes.subarray(hpa, hpa + inRam));
    return this.cache.decodeOutside(hpa, bytes, this.mode);
  }

  private fetchPage(core: Core, la: number): number {
    const hpa = core.mmu.translate(la, ACCESS_FETCH | core.userAccess);
    if (hpa < 0) this.ops.translationFault();
    return hpa;
  }
}

const modeOf = (i32: Int32Array): CodeMode => codeModeOf(i32[I32_CODE_SIZE]!, (i32[I32_SEGMENT_ACCESS + SS]! & AR_DB) !== 0);
