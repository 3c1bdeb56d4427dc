/**
 * The JIT engine: blocks that run often are compiled, a page's worth at a time, to WebAssembly; everything else is executed by the reference
 * engine, which also has the last word on every fault and long operation. Both stop at the same instruction, with the same state.
 */

import { setFlagsFromString } from 'node:v8';
import { DataShortcut } from '../../../mmu/dataShortcut.ts';
import { EVENT_INSTRUCTION, EVENT_INVALIDATE, EVENT_MARK, EVENT_TLB_FILL } from '../../../trace/events.ts';
import type { Core } from '../../core.ts';
import type { Block } from '../../decode/block.ts';
import type { BlockCache } from '../../decode/blockCache.ts';
import { CODE_64 } from '../../decode/codeMode.ts';
import { guestFault } from '../../guestFault.ts';
import {
  CORE_STATE_SIZE,
  F64_HORIZON,
  I32_CODE_GENERATION,
  I32_LEFT_BLOCK,
  I32_LEFT_INSTRUCTION,
  I32_PENDING_RULE,
  I32_QUIET,
  I32_REGION,
} from '../../state.ts';
import type { Engine } from '../engine.ts';
import { ReferenceEngine } from '../reference/referenceEngine.ts';
import { LEFT_FAULTED, LEFT_NORMALLY } from './jitLayout.ts';
import { lineOffset } from './lineEmitter.ts';
import { RegionChain, type RegionFunction } from './regionChain.ts';
import { RegionCompiler } from './regionCompiler.ts';
import { isWorthwhile, planRegion } from './regionPlan.ts';
import { createRuntime, type Runtime } from './runtime.ts';
import { SlowPath } from './slowPath.ts';
import { TranslationContexts } from './translationContext.ts';

// V8 lays the unlikely paths out of line, as `CodeBuilder.openIf` tells it (bench a, d, g: a fifth to a half faster).
setFlagsFromString('--experimental-wasm-branch-hinting');

/** A block is compiled when it has run so often. */
const HOT = 24;
/** Regions kept at most; then all are forgotten. */
const REGION_LIMIT = 4000;
/** Generated code adds offsets to RIP without looking at the canonical limit; pages this near to it are left to the reference engine. */
const NEAR_LIMIT = 2 ** 47 - 2 ** 33;

interface Region {
  /** Its number in the chain. */
  readonly number: number;
  readonly run: RegionFunction;
  readonly blocks: readonly Block[];
  readonly epoch: number;
}

/** What a block's `compiled` holds. */
interface RegionEntry {
  readonly region: Region;
  readonly entry: number;
}

/** What the engine keeps about each core. */
interface CoreSide {
  readonly shortcut: DataShortcut;
  readonly contexts: TranslationContexts;
  readonly chainBase: number;
}

/** The machine's memory as the engine needs it. */
export interface JitMemory {
  readonly memory: WebAssembly.Memory;
  readonly pages: number;
  /** Byte offset of RAM. */
  readonly ramBase: number;
  /** Byte offset of what is known of its pages: PhysicalMemory.codePages. */
  readonly codePageBase: number;
  /** Byte offset of a core's shortcut tables. */
  shortcutBase(core: number): number;
  /** Byte offset of a core's part of the chain of regions (chainLayout.ts). */
  chainBase(core: number): number;
}

export class JitEngine implements Engine {
  readonly name = 'jit';
  /** A block is compiled when it has run so often; no influence on results. Tests compile at once. */
  heatToCompile = HOT;
  /** Regions kept at most, of REGION_LIMIT; then all are forgotten. No influence on results either. */
  regionLimit = REGION_LIMIT;
  /** Executes what is not compiled. */
  readonly reference: ReferenceEngine;
  private readonly cache: BlockCache;
  private readonly layout: JitMemory;
  /** Grows when decoded code is written. */
  private readonly generation: Int32Array;
  /** Made for the first core that runs; all have the same. */
  private runtime: Runtime | undefined;
  private readonly slow = new SlowPath();
  private readonly sides: (CoreSide | undefined)[] = [];
  private core!: Core;
  private side!: CoreSide;
  /** The reference engine works on this turn's core. */
  private attached = false;
  /** The reference engine has the flags; otherwise they are in the state block, perhaps pending. */
  private referenceHasFlags = false;
  private chain: RegionChain | undefined;
  /** By number. */
  private regions: Region[] = [];
  private epoch = 0;
  private compileMilliseconds = 0;
  private regionCalls = 0;

  constructor(cache: BlockCache, layout: JitMemory) {
    this.cache = cache;
    this.layout = layout;
    this.generation = new Int32Array(layout.memory.buffer, I32_CODE_GENERATION * 4, 1);
    this.reference = new ReferenceEngine(cache);
    cache.onCodeDecoded = () => this.clearWrites();
  }

  /** A page was marked: no core stores to it by way of its shortcut. */
  private clearWrites(): void {
    for (const side of this.sides) side?.shortcut.clearWrites();
  }

  /** Figures for the benchmarks. */
  statistics(): Record<string, number> {
    return {
      regions: this.regions.length,
      compileMilliseconds: this.compileMilliseconds,
      regionCalls: this.regionCalls,
      slowAccesses: this.slow.accesses,
      slowFloats: this.slow.floats,
    };
  }

  run(core: Core): void {
    const { reference } = this;
    if (core.singleStep || core.mmu.observer !== null || core.probe.mask & (1 << EVENT_INSTRUCTION)) {
      reference.run(core);
      return;
    }
    this.core = core;
    this.side = this.sideOf(core);
    this.slow.begin(core);
    this.attached = false;
    const { clock, i32 } = core.state;
    i32[I32_QUIET] = core.probe.mask & ((1 << EVENT_TLB_FILL) | (1 << EVENT_INVALIDATE)) ? 0 : 1;
    this.referenceHasFlags = false;
    do {
      try {
        if (this.referenceHasFlags || !this.followChain(core)) {
          this.attach();
          this.runBlock(core);
        }
      } catch (thrown) {
        if (thrown !== guestFault) throw thrown;
        this.attach();
        this.takeFlags(core);
        reference.faulted(core);
      }
    } while (clock[0]! < core.horizon && !core.attention && !core.singleStep);
    if (this.referenceHasFlags) reference.end();
    else this.closeFlags(core);
  }

  /** The reference engine works on this core: most turns are over without it. */
  private attach(): void {
    if (this.attached) return;
    this.attached = true;
    this.reference.attach(this.core);
  }

  private runBlock(core: Core): void {
    const { reference } = this;
    const block = reference.fetch(core);
    let compiled = block.compiled as RegionEntry | null;
    if (compiled === null || compiled.region.epoch !== this.epoch) {
      block.heat++;
      if (block.heat < this.heatToCompile || !this.isCompilable(core, block)) {
        this.interpret(core, block, 0);
        return;
      }
      compiled = this.compile(block);
    }
    this.runRegion(core, compiled);
  }

  private isCompilable(core: Core, block: Block): boolean {
    if (block.mode !== CODE_64 || block.page < 0 || block.secondPage >= 0 || !isWorthwhile(block)) return false;
    return Math.abs(core.rip) < NEAR_LIMIT;
  }

  private runRegion(core: Core, { region, entry }: RegionEntry): void {
    const { side, reference } = this;
    const { state } = core;
    if (this.referenceHasFlags) {
      reference.end();
      this.referenceHasFlags = false;
    }
    this.describe(core);
    state.i32[I32_REGION] = region.number;
    const coreBase = core.id * CORE_STATE_SIZE;
    const { context } = core.mmu;
    // Without paging there is no ITLB to vouch for the next fetch.
    if (context.paging || context.eptRoot === 0) this.chain!.remember(coreBase, side.chainBase, region.number, entry);
    this.regionCalls++;
    this.left(core, region.run(coreBase, side.shortcut.byteOffset, entry));
  }

  /** Runs compiled regions from RIP on, as far as the chain knows them. False when the host must look for the next block. */
  private followChain(core: Core): boolean {
    const { chain, side } = this;
    if (chain === undefined || core.codeSize !== 64) return false;
    this.describe(core);
    const left = chain.follow(core.id * CORE_STATE_SIZE, side.shortcut.byteOffset, side.chainBase);
    if (left !== LEFT_NORMALLY) this.left(core, left);
    else return core.clock >= core.horizon || core.attention;
    return true;
  }

  /** Generated code knows how far it may run, and by what to translate. */
  private describe(core: Core): void {
    core.state.f64[F64_HORIZON] = core.horizon;
    this.side.contexts.describe();
    this.slow.enter();
  }

  /** Generated code came back with this answer. */
  private left(core: Core, left: number): void {
    if (left === LEFT_NORMALLY) return;
    this.attach();
    const { i32 } = core.state;
    if (left === LEFT_FAULTED) {
      this.takeFlags(core);
      this.reference.faultedAt(core);
    } else this.interpret(core, this.regions[i32[I32_REGION]!]!.blocks[i32[I32_LEFT_BLOCK]!]!, i32[I32_LEFT_INSTRUCTION]!);
  }

  /** The rest of a block, by the reference engine. A long operation alone finds the flags where it wants them: in the state block. */
  private interpret(core: Core, block: Block, first: number): void {
    const insn = block.instructions[first]!;
    if (insn.kind === 'system' && !this.referenceHasFlags) {
      this.closeFlags(core);
      this.reference.operate(core, insn);
    } else {
      this.takeFlags(core);
      this.reference.execute(core, block, first);
    }
  }

  /** No region that was compiled so far is entered again. */
  private forgetRegions(): void {
    this.epoch++;
    this.regions = [];
    this.codeChanged();
  }

  /** What the chain knows is void. */
  private codeChanged(): void {
    this.generation[0]!++;
  }

  /** The reference engine has the flags. */
  private takeFlags(core: Core): void {
    if (this.referenceHasFlags) return;
    this.closeFlags(core);
    this.reference.reload();
    this.referenceHasFlags = true;
  }

  private closeFlags(core: Core): void {
    if (core.state.i32[I32_PENDING_RULE] !== 0) this.runtime!.closeInState(core.id * CORE_STATE_SIZE);
  }

  private compile(block: Block): RegionEntry {
    const started = performance.now();
    if (this.regions.length >= this.regionLimit) this.forgetRegions();
    const plan = planRegion(block, (hpa) => this.cache.find(hpa, CODE_64));
    this.runtime ??= this.makeRuntime();
    this.chain ??= new RegionChain(this.layout, this.core.mmu.tlb, REGION_LIMIT);
    const { lines } = this.core.memory;
    const compiler = new RegionCompiler(plan, {
      invlpgCycles: this.core.costs.invlpg,
      marksAreHeard: (this.core.probe.mask & (1 << EVENT_MARK)) !== 0,
      lines: lines === null ? undefined : lineOffset(lines, this.layout.ramBase),
    });
    const module = new WebAssembly.Module(compiler.compile(this.layout.pages));
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.layout.memory },
      runtime: this.runtime.functions,
    });
    const run = instance.exports['run'] as RegionFunction;
    const region: Region = { number: this.regions.length, run, blocks: plan.blocks, epoch: this.epoch };
    this.regions.push(region);
    this.slow.pages[region.number] = plan.page;
    this.chain!.set(region.number, run);
    plan.blocks.forEach((member, entry) => {
      const compiled = member.compiled as RegionEntry | null;
      if (member === block || compiled === null || compiled.region.epoch !== this.epoch) member.compiled = { region, entry };
    });
    this.compileMilliseconds += performance.now() - started;
    return block.compiled as RegionEntry;
  }

  private makeRuntime(): Runtime {
    const { memory, pages, ramBase, codePageBase } = this.layout;
    const { mmu, memory: ram } = this.core;
    const { lines, size } = ram;
    return createRuntime(memory, pages, { tlb: mmu.tlb, costs: mmu.costs, ramBase, codePageBase, ramPages: size / 4096, lines }, this.slow);
  }

  private sideOf(core: Core): CoreSide {
    let side = this.sides[core.id];
    if (side === undefined) {
      const shortcut = new DataShortcut(this.layout.memory.buffer, this.layout.shortcutBase(core.id));
      const { tlb } = core.mmu;
      for (const array of [tlb.dtlb4k, tlb.dtlb2m, tlb.dtlb1g]) array.shortcut = shortcut;
      core.memory.onCodeWritten = () => this.codeChanged();
      core.memory.onMonitored = () => this.clearWrites();
      const contexts = new TranslationContexts(core, shortcut, () => this.codeChanged());
      side = { shortcut, contexts, chainBase: this.layout.chainBase(core.id) };
      this.sides[core.id] = side;
    }
    return side;
  }
}
