import { MESSAGE_CACHES } from '../../../src/kernels/fwk/messageBuffer.ts';
import { CORE_SHIFT, CoreObjects, SlabCache } from '../../../src/kernels/fwk/slab.ts';
import { buildGuest } from '../../../src/kernels/guests.ts';
import { MAX_CORES } from '../../../src/kernels/lib/layout.ts';
import type { QuickResult } from '../../session/quickRun.ts';

export interface ObjectCount {
  readonly symbol: string;
  /** Objects that there are. */
  readonly made: number;
  /** Different ones in the arrays of the cores, the shared array and the list. */
  readonly free: number;
}

/** The objects of each cache of messages at the end of a run on bare cores. Raises: Error for an object that is free twice. */
export function messageObjects({ session }: QuickResult, guest: string, choices: { lock?: string } = {}): readonly ObjectCount[] {
  const { symbols } = buildGuest(guest, choices);
  const word = (address: number): number => Number(session.machine.memory.view.getBigUint64(address, true));
  return MESSAGE_CACHES.map(({ symbol }) => {
    const cache = symbols.get(symbol)!;
    const free = new Set<number>();
    const add = (object: number): void => {
      if (free.has(object)) throw new Error(`${symbol}: an object is free twice`);
      free.add(object);
    };
    const addArray = (start: number, count: number): void => {
      for (let index = 0; index < count; index++) add(word(start + 8 * index));
    };
    for (let core = 0; core < MAX_CORES; core++) {
      const own = cache + SlabCache.cores.offset + (core << CORE_SHIFT);
      addArray(own + CoreObjects.objects.offset, word(own + CoreObjects.count.offset));
    }
    addArray(cache + SlabCache.shared.offset, word(cache + SlabCache.sharedCount.offset));
    for (let object = word(cache + SlabCache.list.offset); object !== 0; object = word(object)) add(object);
    return { symbol, made: word(cache + SlabCache.made.offset), free: free.size };
  });
}
