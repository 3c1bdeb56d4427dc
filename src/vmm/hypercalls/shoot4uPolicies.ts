import { PAGE_SIZE } from '../../arch/addresses.ts';
import { SHOOT4U_ALL, SHOOT4U_ONE_PAGE, type Shoot4uPolicy } from '../../arch/hypercalls.ts';
import { signedNumber } from '../../cpu/linearMemory.ts';
import { FLUSH_CEILING_PAGES, flushOfContext, flushOfContextAndEpt, flushOfPages, type TranslationFlush } from '../translationFlush.ts';
import type { Vcpu } from '../vcpu.ts';

/** How the host serves a call of Shoot4U. */
export interface Shoot4uBehaviour {
  /** All cores are interrupted before any is waited for; otherwise one after the other. */
  readonly multicast: boolean;
  /** What is invalidated for a target. `pages`: of the range from `la` on; Infinity: everything. */
  flush(target: Vcpu, la: number, pages: number): TranslationFlush;
}

const serial = (flush: Shoot4uBehaviour['flush']): Shoot4uBehaviour => ({ multicast: false, flush });

/**
 * The policies of the published code and one more.
 *
 * Every flush is complete under the tags of this machine, the author's remark that mode 3 makes guests fault notwithstanding: a single-context
 * INVVPID removes every linear and combined mapping of its VPID. `fine` is not: its loop counts pages and invalidates the first one each time.
 */
export const SHOOT4U_BEHAVIOURS: Readonly<Record<Exclude<Shoot4uPolicy, 'rar'>, Shoot4uBehaviour>> = {
  mode0: serial(flushOfContextAndEpt),
  mode1: serial(flushOfContext),
  mode2: serial((target, la, pages) => (pages === 1 ? flushOfPages(target, la, 1) : flushOfContextAndEpt(target))),
  mode3: serial((target, la, pages) => (pages === 1 ? flushOfPages(target, la, 1) : flushOfContext(target))),
  fine: serial((target, la, pages) => (Number.isFinite(pages) ? { ...flushOfPages(target, la, pages), step: 0 } : flushOfContext(target))),
  multicast: {
    multicast: true,
    flush: (target, la, pages) => (pages <= FLUSH_CEILING_PAGES ? flushOfPages(target, la, pages) : flushOfContext(target)),
  },
};

/** The range of a call: 0 as the end is one page, ~0 everything. An empty range counts as everything: a guest that asks for it is mistaken. */
export function rangeOf(start: bigint, end: bigint): { readonly la: number; readonly pages: number } {
  const la = signedNumber(start & ~0xfffn);
  if (end === SHOOT4U_ONE_PAGE) return { la, pages: 1 };
  if (end === SHOOT4U_ALL) return { la: 0, pages: Number.POSITIVE_INFINITY };
  const pages = Math.ceil((signedNumber(end) - la) / PAGE_SIZE);
  // Neither may a guest keep the host busy for as long as it likes.
  return pages > 0 && pages <= 512 ? { la, pages } : { la: 0, pages: Number.POSITIVE_INFINITY };
}
