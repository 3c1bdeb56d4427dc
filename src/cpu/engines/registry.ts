import type { BlockCache } from '../decode/blockCache.ts';
import type { Engine } from './engine.ts';
import { JitEngine, type JitMemory } from './jit/jitEngine.ts';
import { ReferenceEngine } from './reference/referenceEngine.ts';

/** Engines by name; the first is the default. */
export const ENGINES = ['jit', 'reference'] as const;
export type EngineName = (typeof ENGINES)[number];

/** An engine over the machine's decoded blocks and its memory. */
export function createEngine(name: EngineName, blocks: BlockCache, memory: JitMemory): Engine {
  switch (name) {
    case 'jit':
      return new JitEngine(blocks, memory);
    case 'reference':
      return new ReferenceEngine(blocks);
  }
}
