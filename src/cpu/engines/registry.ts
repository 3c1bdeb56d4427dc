import type { BlockCache } from '../decode/blockCache.ts';
import type { Engine } from './engine.ts';
import { ReferenceEngine } from './reference/referenceEngine.ts';

/** Engines by name; the first is the default. */
export const ENGINES = ['reference'] as const;
export type EngineName = (typeof ENGINES)[number];

/** An engine over the machine's decoded blocks. */
export function createEngine(name: EngineName, blocks: BlockCache): Engine {
  switch (name) {
    case 'reference':
      return new ReferenceEngine(blocks);
  }
}
