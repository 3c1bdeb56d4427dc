import { PAGE_SIZE } from '../arch/addresses.ts';
import { SHOOT4U_ALL, SHOOT4U_ONE_PAGE } from '../arch/hypercalls.ts';
import type { Core } from '../cpu/core.ts';
import { signedNumber } from '../cpu/linearMemory.ts';
import { INVVPID_ADDRESS, INVVPID_CONTEXT, invvpid } from '../cpu/vmx/invalidation.ts';

/** Above this many pages, one single-context INVVPID instead of one for each page: the ceiling Linux uses for its own flushes. */
export const FLUSH_CEILING_PAGES = 33;

/** Which translations of a vCPU shall go: `pages` pages from `la` on, or its whole context when `pages` is 0. */
export interface TranslationFlush {
  readonly vpid: number;
  /** Signed linear address. */
  readonly la: number;
  readonly pages: number;
}

/** The flush for a guest's range in the terms of Shoot4U's hypercall: end = 0 is one page, ~0 everything. */
export function flushOfRange(vpid: number, start: bigint, end: bigint): TranslationFlush {
  const la = signedNumber(start & ~0xfffn);
  if (end === SHOOT4U_ONE_PAGE) return { vpid, la, pages: 1 };
  if (end === SHOOT4U_ALL) return { vpid, la: 0, pages: 0 };
  const pages = Math.ceil((signedNumber(end) - la) / PAGE_SIZE);
  return pages > 0 && pages <= FLUSH_CEILING_PAGES ? { vpid, la, pages } : { vpid, la: 0, pages: 0 };
}

/** The translations are gone from this core. Cost: `invvpid` for each instruction issued. */
export function flushTranslations(core: Core, { vpid, la, pages }: TranslationFlush): void {
  if (pages === 0) invvpid(core, INVVPID_CONTEXT, vpid, 0);
  for (let page = 0; page < pages; page++) invvpid(core, INVVPID_ADDRESS, vpid, la + page * PAGE_SIZE);
}
