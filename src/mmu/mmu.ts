import type { TranslationFault } from './access.ts';
import type { PagingContext } from './pagingContext.ts';

/** The MMU of one core. (Outline.) */
export interface Mmu {
  readonly context: PagingContext;
  readonly fault: TranslationFault;
  /** Host-physical address of `la` for this access, or TRANSLATION_FAULT with `fault` filled in. Charges cycles to the core's clock. */
  translate(la: number, access: number): number;
}
