/**
 * The JIT engine: blocks that run often are compiled, a page's worth at a time, to WebAssembly; everything else is executed by the reference
 * engine, which also has the last word on every fault and long operation. Both stop at the same instruction, with the same state.
 */

import { setFlagsFromString } from 'node:v8';
import { ACCESS_READ, ACCESS_WRITE } from '../../../mmu/access.ts';
import { DataShortcut } from '../../../mmu/dataShortcut.ts';
import { COUNTER_TLB_LOOKUPS } from '../../../trace/counters.ts';
import { EVENT_INSTRUCTION } from '../../../trace/events.ts';
import type { Core } from '../../core.ts';
import type { Block } from '../../decode/block.ts';
import type { BlockCache } from '../../decode/blockCache.ts';
import { CODE_64 } from '../../decode/codeMode.ts';
import type { Width } from '../../decode/instruction.ts';
import { guestFault } from '../../guestFault.ts';
import { CORE_STATE_SIZE, F64_HORIZON, I32_LEFT_BLOCK, I32_LEFT_INSTRUCTION, I32_SHORTCUT_CONTEXT, U64_TRANSFER } from '../../state.ts';
import type { Engine } from '../engine.ts';
import { ReferenceEngine } from '../reference/referenceEngine.ts';
import { ReferenceOps } from '../reference/referenceOps.ts';
import { LEFT_FAULTED, LEFT_TO_REFERENCE } from './jitLayout.ts';
import { RegionCompiler } from './regionCompiler.ts';
import { isWorthwhile, planRegion } from './regionPlan.ts';
import {
  ACCESS_DONE,
  ACCESS_FAULTED,
  createRuntime,
  type HostCalls,
  type Runtime,
  SLOW_LOAD,
  SLOW_STORE,
  SLOW_STORE_UPDATE,
  SLOW_UPDATE,
} from './runtime.ts';
import { TranslationContexts } from './translationContext.ts';

// V8 lays the unlikely paths out of line, as `CodeBuilder.openIf` tells it (bench a, d, g: a fifth to a half faster).
setFlagsFromString('--experimental-wasm-branch-hinting');

/** A block is compiled when it has run so often. */
const HOT = 24;
/** Regions kept at most; then all are forgotten. */
const REGION_LIMIT = 4000;
/** Generated code adds offsets to RIP without looking at the canonical limit; pages this near to it are left to the reference engine. */
const NEAR_LIMIT = 2 ** 47 - 2 ** 33;

type RegionFunction = (core: number, shortcut: number, entry: number) => number;

interface Region {
  readonly run: RegionFunction;
  readonly blocks: readonly Block[];
  readonly page: number;
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
}

/** The machine's memory as the engine needs it. */
export interface JitMemory {
  readonly memory: WebAssembly.Memory;
  readonly pages: number;
  /** Byte offset of RAM. */
  readonly ramBase: number;
  /** Byte offset of a core's shortcut tables. */
  shortcutBase(core: number): number;
}

export class JitEngine implements Engine, HostCalls {
  readonly name = 'jit';
  /** A block is compiled when it has run so often; no influence on results. Tests compile at once. */
  heatToCompile = HOT;
  /** Executes what is not compiled. */
  readonly reference: ReferenceEngine;
  private readonly cache: BlockCache;
  private readonly layout: JitMemory;
  private readonly runtime: Runtime;
  private readonly slow = new ReferenceOps();
  private readonly sides: (CoreSide | undefined)[] = [];
  private core!: Core;
  private side!: CoreSide;
  /** The reference engine has the flags; otherwise they are in the state block, perhaps pending. */
  private referenceHasFlags = false;
  private epoch = 0;
  private regionCount = 0;
  private compileMilliseconds = 0;
  private regionCalls = 0;
  private slowAccesses = 0;

  constructor(cache: BlockCache, layout: JitMemory) {
    this.cache = cache;
    this.layout = layout;
    this.reference = new ReferenceEngine(cache);
    this.runtime = createRuntime(layout.memory, layout.pages, this);
    cache.onCodeDecoded = () => {
      for (const side of this.sides) side?.shortcut.clearWrites();
    };
  }

  /** Figures for the benchmarks. */
  statistics(): Record<string, number> {
    return {
      regions: this.regionCount,
      compileMilliseconds: this.compileMilliseconds,
      regionCalls: this.regionCalls,
      slowAccesses: this.slowAccesses,
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
    this.slow.attach(core);
    const { clock } = core.state;
    reference.begin(core);
    this.referenceHasFlags = true;
    do {
      try {
        this.runBlock(core);
      } catch (thrown) {
        if (thrown !== guestFault) throw thrown;
        this.takeFlags(core);
        reference.faulted(core);
      }
    } while (clock[0]! < core.horizon && !core.attention && !core.singleStep);
    if (this.referenceHasFlags) reference.end();
    else this.closeFlags(core);
  }

  private runBlock(core: Core): void {
    const { reference } = this;
    const block = reference.fetch(core);
    let compiled = block.compiled as RegionEntry | null;
    if (compiled === null || compiled.region.epoch !== this.epoch) {
      block.heat++;
      if (block.heat < this.heatToCompile || !this.isCompilable(core, block)) {
        this.takeFlags(core);
        reference.execute(core, block, 0);
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
    const { slow, side, reference } = this;
    const { state } = core;
    if (this.referenceHasFlags) {
      reference.end();
      this.referenceHasFlags = false;
    }
    state.f64[F64_HORIZON] = core.horizon;
    state.i32[I32_SHORTCUT_CONTEXT] = side.contexts.number(core);
    slow.blockPage = region.page;
    slow.blockSecondPage = -1;
    slow.blockWritten = false;
    this.regionCalls++;
    const left = region.run(core.id * CORE_STATE_SIZE, side.shortcut.byteOffset, entry);
    if (left === LEFT_FAULTED) {
      this.takeFlags(core);
      reference.faultedAt(core);
    } else if (left === LEFT_TO_REFERENCE) {
      this.takeFlags(core);
      reference.execute(core, region.blocks[state.i32[I32_LEFT_BLOCK]!]!, state.i32[I32_LEFT_INSTRUCTION]!);
    }
  }

  /** The reference engine has the flags. */
  private takeFlags(core: Core): void {
    if (this.referenceHasFlags) return;
    this.closeFlags(core);
    this.reference.reload();
    this.referenceHasFlags = true;
  }

  private closeFlags(core: Core): void {
    this.runtime.closeInState(core.id * CORE_STATE_SIZE);
  }

  private compile(block: Block): RegionEntry {
    const started = performance.now();
    if (this.regionCount >= REGION_LIMIT) {
      this.epoch++;
      this.regionCount = 0;
    }
    const plan = planRegion(block, (hpa) => this.cache.find(hpa, CODE_64));
    const module = new WebAssembly.Module(new RegionCompiler(plan).compile(this.layout.pages));
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.layout.memory },
      runtime: this.runtime.functions,
    });
    const region: Region = { run: instance.exports['run'] as RegionFunction, blocks: plan.blocks, page: plan.page, epoch: this.epoch };
    this.regionCount++;
    plan.blocks.forEach((member, entry) => {
      const compiled = member.compiled as RegionEntry | null;
      if (member === block || compiled === null || compiled.region.epoch !== this.epoch) member.compiled = { region, entry };
    });
    this.compileMilliseconds += performance.now() - started;
    return block.compiled as RegionEntry;
  }

  /** HostCalls: an access that the shortcut does not serve, carried out by the reference engine's own operations. */
  access(laLow: number, laHigh: number, word: number): number {
    const { core, slow } = this;
    const { state } = core;
    const kind = word & 15;
    const width = (word >>> 8) as Width;
    const segment = (word >>> 4) & 15;
    const la = BigInt.asUintN(64, (BigInt(laHigh) << 32n) | BigInt(laLow >>> 0));
    this.slowAccesses++;
    try {
      switch (kind) {
        case SLOW_LOAD:
          state.u64[U64_TRANSFER] = slow.load(width, segment, la);
          break;
        case SLOW_UPDATE:
          state.u64[U64_TRANSFER] = slow.loadForUpdate(width, segment, la);
          break;
        case SLOW_STORE:
          slow.store(width, segment, la, BigInt.asUintN(width, state.u64[U64_TRANSFER]!));
          break;
        case SLOW_STORE_UPDATE:
          slow.storeUpdate(width, BigInt.asUintN(width, state.u64[U64_TRANSFER]!));
          break;
      }
    } catch (thrown) {
      if (thrown !== guestFault) throw thrown;
      return ACCESS_FAULTED;
    }
    if (kind !== SLOW_STORE_UPDATE) {
      // Generated code counts one translation for each access by itself.
      state.counters[COUNTER_TLB_LOOKUPS]! -= 1;
      this.fillShortcut(laHigh * 0x1_0000_0000 + (laLow >>> 0), kind !== SLOW_LOAD);
    }
    if (slow.blockWritten) state.f64[F64_HORIZON] = -2;
    else if (core.attention) state.f64[F64_HORIZON] = Math.min(-1, state.f64[F64_HORIZON]!);
    return ACCESS_DONE;
  }

  /** HostCalls: an exception that a meaning raises. */
  raise(vector: number, errorCode: number): void {
    guestFault.set(vector, errorCode);
  }

  /** The shortcut has the page of `la` if the first-level TLB has it, and generated code may touch it. */
  private fillShortcut(la: number, write: boolean): void {
    const { core, side } = this;
    const hpa = core.mmu.firstLevelAddress(la, (write ? ACCESS_WRITE : ACCESS_READ) | core.userAccess);
    if (hpa < 0 || hpa - (hpa & 0xfff) + 4096 > core.memory.size) return;
    if (write && core.memory.codePages[Math.floor(hpa / 4096)] !== 0) return;
    side.shortcut.fill(write, la, this.layout.ramBase + hpa, core.state.i32[I32_SHORTCUT_CONTEXT]!);
  }

  private sideOf(core: Core): CoreSide {
    let side = this.sides[core.id];
    if (side === undefined) {
      const shortcut = new DataShortcut(this.layout.memory.buffer, this.layout.shortcutBase(core.id));
      const { tlb } = core.mmu;
      for (const array of [tlb.dtlb4k, tlb.dtlb2m, tlb.dtlb1g]) array.shortcut = shortcut;
      side = { shortcut, contexts: new TranslationContexts(shortcut) };
      this.sides[core.id] = side;
    }
    return side;
  }
}
