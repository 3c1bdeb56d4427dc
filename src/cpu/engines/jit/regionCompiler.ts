import { BlockEmitter, COUNT_LOOKUP, type RegionFacts } from './blockEmitter.ts';
import { changesFlagsFirst, expectedRules } from './flagLiveness.ts';
import type { RuleAtWidth } from './flagState.ts';
import { isIdle } from './idleLoop.ts';
import { IdleSkip } from './idleSkip.ts';
import { LEFT_NORMALLY } from './jitLayout.ts';
import { type LoopItem, nestLoops } from './loopNest.ts';
import { RegionFrame } from './regionFrame.ts';
import type { RegionPlan } from './regionPlan.ts';
import { RUNTIME_IMPORTS, RUNTIME_TYPE_OF, RUNTIME_TYPES } from './runtime.ts';
import { encodeModule, I32, op } from './wasmModule.ts';

const TYPE_REGION = RUNTIME_TYPES.length;
/** Instructions written down at most, copies included: beyond that, who enters the inside of a loop is sent to the reference engine. */
const COPY_LIMIT = 2400;

/** A place in the code: blocks and loops, or a block that is left to the reference engine where it begins. */
type Item = LoopItem | { readonly kind: 'left'; readonly entry: number };

/** Where a branch can lead while code is written: to later items of a sequence around here, and to the header of a loop around here. */
type Scope =
  | { readonly kind: 'sequence'; readonly items: readonly Item[]; readonly labels: readonly number[]; position: number }
  | { readonly kind: 'loop'; readonly header: number; readonly level: number; readonly skip: IdleSkip | undefined };

/**
 * Writes the function of a region: `(core, shortcut, block) -> LEFT_…`. Registers, flags and the clock live in locals; control flow between the
 * region's blocks stays inside, loops are loops of WebAssembly; every block's end looks at the clock.
 *
 * Whoever calls the function names the block to begin with, which may be in the middle of a loop. A loop of WebAssembly has one entry, though, so
 * the insides of loops are written twice: once in front of the loop, without going around, for those who come from outside.
 */
export class RegionCompiler {
  private readonly plan: RegionPlan;
  private readonly facts: RegionFacts;
  private readonly frame = new RegionFrame();
  private readonly blocks: BlockEmitter;
  private readonly flagsDead: readonly boolean[];
  private readonly expected: readonly (RuleAtWidth | undefined)[];
  private readonly scopes: Scope[] = [];
  private exitLevel = 0;
  private exitNormalLevel = 0;
  private dispatchLevel = 0;
  private current = 0;
  private copied = 0;

  constructor(plan: RegionPlan, facts: RegionFacts) {
    this.plan = plan;
    this.facts = facts;
    this.blocks = new BlockEmitter(this.frame, facts, {
      edge: (offset) => this.edge(offset),
      dynamicEdge: () => this.dynamicEdge(),
      exitNormally: () => this.frame.builder.branch(this.exitNormalLevel),
      exit: () => this.frame.builder.branch(this.exitLevel),
    });
    const { ops } = this.blocks.instructions;
    this.flagsDead = plan.blocks.map((block) => changesFlagsFirst(block, (insn) => this.blocks.isCompilable(insn)));
    this.expected = expectedRules(plan.blocks, plan.successors);
    ops.forgetRegisters();
  }

  /** The module's bytes. */
  compile(memoryPages: number): Uint8Array {
    const { frame, plan } = this;
    const { builder } = frame;
    const items = this.withEntries(
      nestLoops(
        plan.blocks.map((_, index) => index),
        plan.successors,
      ),
    );
    this.exitLevel = builder.open(op.block);
    this.exitNormalLevel = builder.open(op.block);
    this.dispatchLevel = builder.open(op.loop);
    this.emitSequence(items, (labels) => {
      const levels = plan.blocks.map((_, index) => {
        const position = items.findIndex(({ entry }) => entry === index);
        return position < 0 ? this.exitNormalLevel : labels[position]!;
      });
      builder.get(frame.next);
      builder.branchTable(levels, this.exitNormalLevel);
    });
    builder.close();
    builder.close();
    // A normal exit has counted the fetch of a block that did not follow.
    builder.get(frame.locals.counts);
    builder.i64(-COUNT_LOOKUP);
    builder.op(op.i64_add);
    builder.set(frame.locals.counts);
    builder.i32(LEFT_NORMALLY);
    builder.set(frame.reason);
    builder.close();
    const { ops, floats } = this.blocks.instructions;
    frame.epilogue(ops);
    return this.encode(
      frame.prologue(ops, (prologue) => {
        floats.emitFloors(prologue);
        if (this.facts.lines !== undefined) frame.loadLineBit(prologue);
      }),
      memoryPages,
    );
  }

  private encode(prologue: Uint8Array, memoryPages: number): Uint8Array {
    const { builder } = this.frame;
    const body = builder.code.bytes();
    const code = new Uint8Array(prologue.length + body.length);
    code.set(prologue);
    code.set(body, prologue.length);
    const hints = builder.hints.map(({ offset, likely }) => ({ offset: offset + prologue.length, likely }));
    const types = [...RUNTIME_TYPES, { parameters: [I32, I32, I32], results: [I32] }];
    const imports = RUNTIME_IMPORTS.map((name, index) => ({ module: 'runtime', name, type: RUNTIME_TYPE_OF[index]! }));
    return encodeModule(types, imports, memoryPages, [{ type: TYPE_REGION, name: 'run', locals: builder.locals, code, hints }]);
  }

  /** The items, and in front of each loop what it holds, as a way in. */
  private withEntries(items: readonly LoopItem[]): Item[] {
    return items.flatMap((item) => {
      if (item.kind === 'block') {
        this.copied += this.plan.blocks[item.entry]!.instructions.length;
        return [item];
      }
      this.copied += [...membersOf(item)].reduce((sum, index) => sum + this.plan.blocks[index]!.instructions.length, 0);
      if (this.copied <= COPY_LIMIT) return [...this.withEntries(item.body), item];
      const [, ...inside] = membersOf(item);
      return [...inside.map((entry) => ({ kind: 'left', entry }) as const), item];
    });
  }

  private emitSequence(items: readonly Item[], begin: (labels: readonly number[]) => void): void {
    const { builder } = this.frame;
    const labels = items.map(() => builder.open(op.block)).reverse();
    const scope: Scope = { kind: 'sequence', items, labels, position: -1 };
    this.scopes.push(scope);
    begin(labels);
    for (const item of items) {
      builder.close();
      scope.position++;
      if (item.kind === 'block') this.emitBlock(item.entry);
      else if (item.kind === 'loop') this.emitLoop(item);
      else this.blocks.leave(this.plan.blocks[item.entry]!, item.entry);
    }
    this.scopes.pop();
  }

  private emitLoop(item: Extract<LoopItem, { kind: 'loop' }>): void {
    const { frame, plan } = this;
    const { builder } = frame;
    const skip = isIdle([...membersOf(item)], plan.blocks, plan.successors) ? new IdleSkip(builder, frame.locals) : undefined;
    const level = builder.open(op.loop);
    skip?.begin();
    this.scopes.push({ kind: 'loop', header: item.entry, level, skip });
    this.emitSequence(item.body, () => this.emitBlock(item.entry));
    this.scopes.pop();
    builder.close();
  }

  private emitBlock(index: number): void {
    this.current = index;
    this.blocks.emit(this.plan.blocks[index]!, index, this.expected[index]);
  }

  /** Goes on at this offset of the page: in the region if it has a block there and time is left, else outside. */
  private edge(offset: number): void {
    const { builder } = this.frame;
    const target = this.plan.indexOf(offset);
    if (target < 0) {
      this.blocks.leaveAt(offset);
      builder.branch(this.exitNormalLevel);
      return;
    }
    this.whenTimeIsUp();
    builder.openIf(0);
    this.blocks.leaveAt(offset);
    builder.branch(this.exitNormalLevel);
    builder.close();
    this.goTo(target);
  }

  /** Goes on at the RIP in the local: in the region if it is one of the known returns, else outside. */
  private dynamicEdge(): void {
    const { frame, plan, blocks } = this;
    const { builder, locals } = frame;
    const { flags } = blocks.instructions;
    const known = plan.successors[this.current]!;
    if (known.length > 0) {
      this.whenTimeIsUp();
      builder.openIf(0);
      blocks.settleForExit();
      builder.branch(this.exitNormalLevel);
      builder.close();
      for (const target of known) {
        builder.get(locals.page);
        builder.i64(BigInt(plan.blocks[target]!.hpa & 0xfff));
        builder.op(op.i64_add);
        builder.get(locals.rip);
        builder.op(op.i64_eq);
        builder.open(op.if);
        const before = flags.snapshot();
        this.goTo(target);
        flags.restore(before);
        builder.close();
      }
    }
    blocks.settleForExit();
    builder.branch(this.exitNormalLevel);
  }

  private whenTimeIsUp(): void {
    const { builder, locals } = this.frame;
    builder.get(locals.clock);
    builder.get(locals.horizon);
    builder.op(op.f64_ge);
  }

  private goTo(target: number): void {
    const { builder, next } = this.frame;
    if (!this.flagsDead[target]) this.blocks.instructions.flags.settleTop();
    for (let depth = this.scopes.length - 1; depth >= 0; depth--) {
      const scope = this.scopes[depth]!;
      if (scope.kind === 'loop') {
        if (scope.header !== target) continue;
        scope.skip?.goAround();
        builder.branch(scope.level);
        return;
      }
      const position = scope.items.findIndex(({ entry }, at) => at > scope.position && entry === target);
      if (position < 0) continue;
      builder.branch(scope.labels[position]!);
      return;
    }
    builder.i32(target);
    builder.set(next);
    builder.branch(this.dispatchLevel);
  }
}

/** Numbers of the blocks in a loop, the header first. */
function* membersOf(item: LoopItem): Generator<number> {
  yield item.entry;
  if (item.kind === 'loop') for (const inner of item.body) yield* membersOf(inner);
}
