import {
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR3_PCID_MASK,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
} from '../arch/controlRegisters.ts';
import { CS } from '../arch/registers.ts';
import { RFLAGS_AC, RFLAGS_VM } from '../arch/rflags.ts';
import { AR_DB, AR_L } from '../arch/segments.ts';
import { ACCESS_USER } from '../mmu/access.ts';
import type { PagingContext } from '../mmu/pagingContext.ts';
import { EVENT_PRIVILEGE } from '../trace/events.ts';
import type { Core } from './core.ts';
import {
  type CoreState,
  I32_CODE_SIZE,
  I32_CPL,
  I32_RFLAGS,
  I32_SEGMENT_ACCESS,
  signedField,
  U64_CR0,
  U64_CR3,
  U64_CR4,
  U64_EFER,
} from './state.ts';

/** True iff IA-32e mode is active (EFER.LMA). */
export const isLongMode = (core: Core): boolean => (Number(core.state.u64[U64_EFER]!) & EFER_LMA) !== 0;

/** True iff protection is off (CR0.PE = 0). */
export const isRealMode = (core: Core): boolean => (Number(core.state.u64[U64_CR0]!) & CR0_PE) === 0;

/** True iff the task runs in virtual-8086 mode. */
export const isVirtual8086 = (core: Core): boolean => (core.state.i32[I32_RFLAGS]! & RFLAGS_VM) !== 0;

/** True iff segment registers are loaded as on an 8086: base = selector × 16. */
export const loadsRealSegments = (core: Core): boolean => isRealMode(core) || isVirtual8086(core);

/**
 * Everything derived from CR0, CR3, CR4, EFER, CS and the CPL is current again: the MMU's paging context, the code size the decoder is
 * told, and the user bit of accesses. Called after each change of one of them. Emits: `privilege` when user mode is entered or left; the cycles of the
 * transition itself come after it.
 */
export function updateMode(core: Core): void {
  const before = core.userAccess;
  restoreMode(core);
  if (core.userAccess !== before && core.probe.mask & (1 << EVENT_PRIVILEGE))
    core.probe.event(EVENT_PRIVILEGE, core.id, core.clock, core.cpl, 0, 0, 0);
}

/** The same across a VM entry or exit, which changes the level of the core without any guest noticing it: nobody is told. */
export function restoreMode(core: Core): void {
  deriveMode(core.state, core.mmu.context);
  updatePrivilege(core);
}

/** The paging context and the code size are what the control registers and CS of this state block say. */
export function deriveMode({ i32 }: CoreState, context: PagingContext): void {
  const cr0 = i32[2 * U64_CR0]!;
  const cr4 = i32[2 * U64_CR4]!;
  const efer = i32[2 * U64_EFER]!;
  const cr3 = signedField(i32, U64_CR3);
  context.paging = (cr0 & CR0_PG) !== 0;
  context.writeProtect = (cr0 & CR0_WP) !== 0;
  context.pae = (cr4 & CR4_PAE) !== 0;
  context.pse = (cr4 & CR4_PSE) !== 0;
  context.globalPages = (cr4 & CR4_PGE) !== 0;
  context.smep = (cr4 & CR4_SMEP) !== 0;
  context.smap = (cr4 & CR4_SMAP) !== 0;
  context.longMode = (efer & EFER_LMA) !== 0;
  context.noExecute = (efer & EFER_NXE) !== 0;
  context.pcid = cr4 & CR4_PCIDE ? cr3 & CR3_PCID_MASK : 0;
  context.root = cr3 - (cr3 % (context.longMode ? 4096 : context.pae ? 32 : 4096));
  const access = i32[I32_SEGMENT_ACCESS + CS]!;
  i32[I32_CODE_SIZE] = context.longMode && access & AR_L ? 64 : access & AR_DB ? 32 : 16;
}

/** The user bit of accesses and SMAP's AC follow CPL and RFLAGS. */
export function updatePrivilege(core: Core): void {
  const { i32 } = core.state;
  core.userAccess = i32[I32_CPL] === 3 ? ACCESS_USER : 0;
  core.mmu.context.alignmentCheckFlag = (i32[I32_RFLAGS]! & RFLAGS_AC) !== 0;
}
