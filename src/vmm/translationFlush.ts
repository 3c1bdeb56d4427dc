import { PAGE_SIZE } from '../arch/addresses.ts';
import type { Core } from '../cpu/core.ts';
import { INVEPT_CONTEXT, INVVPID_ADDRESS, INVVPID_CONTEXT, invept, invvpid } from '../cpu/vmx/invalidation.ts';
import type { Vcpu } from './vcpu.ts';

/** Above this many pages, one single-context INVVPID instead of one for each page: the ceiling Linux uses for its own flushes. */
export const FLUSH_CEILING_PAGES = 33;

/** Which translations of a vCPU shall go. Plain data: it waits in queues and goes from core to core. */
export interface TranslationFlush {
  readonly vpid: number;
  /** Signed linear address of the first page. */
  readonly la: number;
  /** INVVPIDs by address; 0: the whole context. */
  readonly pages: number;
  /** Bytes from one of them to the next. */
  readonly step: number;
  /** Host page number of an EPT root whose mappings go, too; 0: none. */
  readonly eptRoot: number;
}

/** Everything that is tagged with the vCPU's VPID. */
export const flushOfContext = ({ vpid }: Vcpu): TranslationFlush => ({ vpid, la: 0, pages: 0, step: 0, eptRoot: 0 });

/** The same and what its VM's EPT root has brought into this core's structures: what KVM of Linux 4.0 does to flush a vCPU. */
export const flushOfContextAndEpt = ({ vpid, vm }: Vcpu): TranslationFlush => ({
  vpid,
  la: 0,
  pages: 0,
  step: 0,
  eptRoot: Math.floor(vm.eptp / PAGE_SIZE),
});

/** Pages one by one. @param la signed, page-aligned. */
export const flushOfPages = ({ vpid }: Vcpu, la: number, pages: number): TranslationFlush => ({
  vpid,
  la,
  pages,
  step: PAGE_SIZE,
  eptRoot: 0,
});

/** The translations are gone from this core. Cost: `invvpid` for each instruction issued, `invept` where there is an EPT root. */
export function flushTranslations(core: Core, { vpid, la, pages, step, eptRoot }: TranslationFlush): void {
  if (pages === 0) invvpid(core, INVVPID_CONTEXT, vpid, 0);
  for (let page = 0; page < pages; page++) invvpid(core, INVVPID_ADDRESS, vpid, la + page * step);
  if (eptRoot !== 0) invept(core, INVEPT_CONTEXT, eptRoot);
}
