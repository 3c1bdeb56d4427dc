/** Two cores with the same memory and translations: one translates by `Mmu.translate`, the other in generated code. */

import type { Core } from '../../../../src/cpu/core.ts';
import { ACCESS_DONE, ACCESS_FAULTED, accessWord, SLOW_LOAD, SLOW_STORE } from '../../../../src/cpu/engines/jit/accessEmitter.ts';
import { INVLPG_DONE, INVLPG_HOST } from '../../../../src/cpu/engines/jit/invalidateEmitter.ts';
import { createRuntime } from '../../../../src/cpu/engines/jit/runtime.ts';
import { TranslationContexts } from '../../../../src/cpu/engines/jit/translationContext.ts';
import { CoreState, I32_QUIET, I32_TLB_BASE, U64_TRANSFER } from '../../../../src/cpu/state.ts';
import { costsOf } from '../../../../src/machine/cost.ts';
import { memoryLayout } from '../../../../src/machine/memoryLayout.ts';
import { ivybridge } from '../../../../src/machine/profiles/ivybridge.ts';
import { ACCESS_READ, ACCESS_USER, ACCESS_WRITE } from '../../../../src/mmu/access.ts';
import { DataShortcut } from '../../../../src/mmu/dataShortcut.ts';
import type { MmuGeometry } from '../../../../src/mmu/geometry.ts';
import { Mmu } from '../../../../src/mmu/mmu.ts';
import { PhysicalMemory } from '../../../../src/mmu/physicalMemory.ts';
import { COUNTER_TLB_LOOKUPS } from '../../../../src/trace/counters.ts';
import { noProbe } from '../../../../src/trace/probe.ts';

export const RAM_BYTES = 4 * 2 ** 20;

/** One of the two. */
export class TranslatingCore {
  readonly memory: PhysicalMemory;
  readonly state: CoreState;
  readonly mmu: Mmu;
  readonly contexts: TranslationContexts;
  userAccess = 0;
  /** What the host was asked for. */
  hostAccesses = 0;
  private readonly functions: Record<string, (...operands: (number | bigint)[]) => number>;

  constructor(geometry: MmuGeometry) {
    const layout = memoryLayout(1, geometry, RAM_BYTES);
    const memory = new WebAssembly.Memory({ initial: layout.totalPages, maximum: layout.totalPages });
    const { buffer } = memory;
    this.memory = new PhysicalMemory(buffer, layout.ramBase, RAM_BYTES, new Uint8Array(buffer, layout.codePageBase, RAM_BYTES / 4096));
    this.state = new CoreState(buffer, 0);
    const { clock, counters } = this.state;
    const area = { buffer, byteOffset: layout.mmuBase };
    const costs = costsOf(ivybridge.costs);
    this.mmu = new Mmu({ core: 0, memory: this.memory, area, geometry, costs, clock, counters, probe: noProbe });
    const { tlb } = this.mmu;
    const shortcut = new DataShortcut(buffer, layout.shortcutBase);
    for (const array of [tlb.dtlb4k, tlb.dtlb2m, tlb.dtlb1g]) array.shortcut = shortcut;
    this.contexts = new TranslationContexts(this as unknown as Core, shortcut, () => {});
    this.state.i32[I32_QUIET] = 1;
    if (this.state.i32[I32_TLB_BASE] !== layout.mmuBase) throw new Error('generated code looks for the TLB elsewhere');
    const { ramBase, codePageBase } = layout;
    const hardware = { tlb, costs, ramBase, codePageBase, ramPages: RAM_BYTES / 4096, lines: null };
    const host = {
      access: (low: number, high: number, word: number) => this.hostAccess(low, high, word),
      raise: () => {},
      floating: () => 0,
      mark: () => {},
    };
    this.functions = createRuntime(memory, layout.totalPages, hardware, host).functions as typeof this.functions;
  }

  /** By the MMU: the 32-bit word loaded or stored; -1 on a fault, -2 outside RAM. */
  translated(la: number, write: boolean, value: number): number {
    const hpa = this.mmu.translate(la, (write ? ACCESS_WRITE : ACCESS_READ) | this.userAccess);
    if (hpa < 0) return -1;
    if (!this.memory.contains(hpa, 4)) return -2;
    if (!write) return this.memory.load32(hpa);
    this.memory.store32(hpa, value);
    return value;
  }

  /** The same in generated code, which asks the host as it must. */
  generated(la: number, write: boolean, value: number): number {
    const { state } = this;
    this.contexts.describe();
    // Generated code counts the lookup by itself.
    state.counters[COUNTER_TLB_LOOKUPS]!++;
    const word = accessWord(write ? SLOW_STORE : SLOW_LOAD, 32, 0);
    const status = this.functions['access']!(0, state.clock[0]!, BigInt.asIntN(64, BigInt(la)), BigInt(value), word);
    if (status === ACCESS_FAULTED) return -1;
    if (this.outside) {
      this.outside = false;
      return -2;
    }
    return write ? value : Number(state.u64[U64_TRANSFER]);
  }

  private outside = false;

  private hostAccess(low: number, high: number, word: number): number {
    this.hostAccesses++;
    const write = (word & 15) === SLOW_STORE;
    const { state } = this;
    state.counters[COUNTER_TLB_LOOKUPS]!--;
    const result = this.translated(high * 2 ** 32 + (low >>> 0), write, Number(state.u64[U64_TRANSFER]! & 0xffff_ffffn));
    if (result === -1) return ACCESS_FAULTED;
    this.outside = result === -2;
    if (!write) state.u64[U64_TRANSFER] = BigInt(Math.max(result, 0));
    return ACCESS_DONE;
  }

  invalidated(la: number): void {
    this.mmu.invalidate.invlpg(la);
  }

  /** True iff the host had nothing to do. */
  generatedInvalidation(la: number): boolean {
    this.contexts.describe();
    const answer = this.functions['invlpg']!(0, BigInt.asIntN(64, BigInt(la)));
    if (answer === INVLPG_HOST) this.invalidated(la);
    return answer === INVLPG_DONE;
  }
}

export const userOf = (user: boolean): number => (user ? ACCESS_USER : 0);
