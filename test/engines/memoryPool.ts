/**
 * Memories of machines that are no more, for the next ones: a fresh memory costs more in page faults of the host than a short program does in
 * everything else.
 */
import { allocateMachineMemory } from '../../src/machine/hostMemory.ts';

/** Memories of one size that are kept. */
const KEPT = 2;

export class MemoryPool {
  private readonly free = new Map<number, WebAssembly.Memory[]>();
  private readonly used: [pages: number, memory: WebAssembly.Memory][] = [];

  /** A memory of this many pages, all zero. */
  readonly allocate = (pages: number): WebAssembly.Memory => {
    const kept = this.free.get(pages)?.pop();
    if (kept !== undefined) new BigUint64Array(kept.buffer).fill(0n);
    const memory = kept ?? allocateMachineMemory(pages);
    this.used.push([pages, memory]);
    return memory;
  };

  /** The machines whose memories came from here are not looked at any more. */
  release(): void {
    for (const [pages, memory] of this.used.splice(0)) {
      const kept = this.free.get(pages) ?? [];
      if (kept.length < KEPT) this.free.set(pages, [...kept, memory]);
    }
  }
}
