/**
 * Task switches by hardware, outside IA-32e mode: the state goes to one TSS and comes from another.
 *
 * Deviation: a TSS with its T flag set stops the machine as unimplemented.
 *
 * SDM: Vol. 3, "Task Switching"; "32-Bit Task-State Segment (TSS)"; "16-Bit Task-State Segment (TSS)".
 */
import { CR0_PG, CR0_TS } from '../../arch/controlRegisters.ts';
import { CS, DS, ES, FS, GS, LDTR, SS, TR } from '../../arch/registers.ts';
import { RFLAGS_DEFINED, RFLAGS_FIXED, RFLAGS_NT, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_P, AR_S, AR_TYPE, TYPE_CONFORMING_OR_EXPAND_DOWN, TYPE_LDT } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_TS } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ, SYSTEM_WRITE, signedNumber, storeLinear } from '../linearMemory.ts';
import { updateMode } from '../mode.ts';
import {
  type Descriptor,
  dpl,
  isCode,
  loadDataSegment,
  readDescriptor,
  setCodeSegment,
  setNullSegment,
  setSegment,
} from '../segmentation.ts';
import { I32_CPL, I32_RFLAGS, I32_SEGMENT_ACCESS, I32_SEGMENT_SELECTOR, U64_CR0, U64_CR3, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { exitOnTaskSwitch } from '../vmx/intercepts.ts';
import { writeCr3 } from './controlRegisters.ts';
import { checkTarget } from './returnChecks.ts';
import { loadRealSegment } from './segmentLoads.ts';

/** Type of a task gate. */
export const TASK_GATE = 5;
const BUSY = 2;
const TYPE_32 = 8;

export type TaskSwitchSource = 'call' | 'iret' | 'jump' | 'interrupt';

/** Where a TSS keeps what: the general-purpose registers follow each other, and so do the segment selectors. */
interface Layout {
  readonly bytes: 2 | 4;
  readonly cr3: number;
  readonly rip: number;
  readonly flags: number;
  readonly gpr: number;
  readonly segments: number;
  readonly segmentCount: number;
  readonly ldt: number;
  /** The T flag, or -1. */
  readonly trap: number;
  readonly leastLimit: number;
}

const LAYOUT_32: Layout = {
  bytes: 4,
  cr3: 28,
  rip: 32,
  flags: 36,
  gpr: 40,
  segments: 72,
  segmentCount: 6,
  ldt: 96,
  trap: 100,
  leastLimit: 103,
};
const LAYOUT_16: Layout = {
  bytes: 2,
  cr3: -1,
  rip: 14,
  flags: 16,
  gpr: 18,
  segments: 34,
  segmentCount: 4,
  ldt: 42,
  trap: -1,
  leastLimit: 43,
};
const layoutOf = (access: number): Layout => (access & TYPE_32 ? LAYOUT_32 : LAYOUT_16);

/** The TSS selector in a task gate. */
export function taskOfGate(core: Core, { la }: Descriptor): number {
  return Number((loadLinear(core, 8, la, SYSTEM_READ) >> 16n) & 0xffffn);
}

/**
 * The task of this TSS runs; the old task goes on `length` bytes behind RIP.
 * Raises: #GP(selector), #NP(selector), #TS(selector), the latter ones of #TS in the new task.
 * @param length of the instruction that asked for it; 0 for events.
 */
export function switchTask(core: Core, selector: number, source: TaskSwitchSource, length: number, external = 0): void {
  if (exitOnTaskSwitch(core, selector, source, length)) return;
  const { u64, i32 } = core.state;
  const error = (selector & 0xfffc) + external;
  const wrong = source === 'iret' ? VECTOR_TS : VECTOR_GP;
  if (selector & 4 || error === external) throw guestFault.set(wrong, error);
  const tss = { ...readDescriptor(core, selector, wrong, false, external) };
  const busy = source === 'iret' ? BUSY : 0;
  if (tss.access & AR_S || (tss.access & 7) !== (1 | busy)) throw guestFault.set(wrong, error);
  if (!(tss.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  const layout = layoutOf(tss.access);
  if (tss.limit >>> 0 < layout.leastLimit) throw guestFault.set(VECTOR_TS, error);

  // 1. The old task's state.
  const oldSelector = i32[I32_SEGMENT_SELECTOR + TR]!;
  if (source === 'jump' || source === 'iret') markBusy(core, oldSelector, false);
  saveTask(core, source, length);

  // 2. The new task's state, read whole before anything changes.
  const base = signedNumber(tss.base);
  const word = (offset: number): bigint => loadLinear(core, layout.bytes, base + offset, SYSTEM_READ);
  const selectorAt = (offset: number): number => Number(loadLinear(core, 2, base + offset, SYSTEM_READ));
  const gpr = Array.from({ length: 8 }, (_, i) => word(layout.gpr + i * layout.bytes));
  const rip = word(layout.rip);
  let flags = Number(word(layout.flags) & 0xffff_ffffn);
  const selectors = Array.from({ length: layout.segmentCount }, (_, i) => selectorAt(layout.segments + i * layout.bytes));
  const ldt = selectorAt(layout.ldt);
  const cr3 = layout.cr3 < 0 ? undefined : word(layout.cr3);

  // 3. The switch.
  if (source === 'call' || source === 'interrupt') {
    storeLinear(core, 2, base, BigInt(oldSelector), SYSTEM_WRITE);
    flags |= RFLAGS_NT;
  }
  if (source !== 'iret') markBusy(core, selector, true);
  setSegment(core, TR, selector, tss.base, tss.limit, tss.access | BUSY);
  u64[U64_CR0] = u64[U64_CR0]! | BigInt(CR0_TS);
  if (cr3 !== undefined && Number(u64[U64_CR0]!) & CR0_PG && cr3 !== u64[U64_CR3]) writeCr3(core, cr3);
  for (let i = 0; i < 8; i++) u64[i] = layout.bytes === 2 ? u64[i]! | 0xffff_0000n | gpr[i]! : gpr[i]!;
  u64[U64_RIP] = rip;
  i32[I32_RFLAGS] = (flags & RFLAGS_DEFINED) | RFLAGS_FIXED;
  for (const segment of [ES, CS, SS, DS, FS, GS]) setNullSegment(core, segment, selectors[segment] ?? 0);
  loadSegments(core, selectors, ldt);
  if (layout.trap >= 0 && loadLinear(core, 1, base + layout.trap, SYSTEM_READ) & 1n)
    core.stopUnimplemented('the T flag of a task-state segment', '');
  core.charge(core.costs.eventDelivery);
  core.attention = true;
}

function saveTask(core: Core, source: TaskSwitchSource, length: number): void {
  const { u64, i32 } = core.state;
  const layout = layoutOf(i32[I32_SEGMENT_ACCESS + TR]!);
  const base = signedNumber(u64[U64_SEGMENT_BASE + TR]!);
  const store = (offset: number, value: bigint, bytes: 2 | 4 = layout.bytes): void =>
    storeLinear(core, bytes, base + offset, value, SYSTEM_WRITE);
  const flags = source === 'iret' ? i32[I32_RFLAGS]! & ~RFLAGS_NT : i32[I32_RFLAGS]!;
  store(layout.rip, (u64[U64_RIP]! + BigInt(length)) & 0xffff_ffffn);
  store(layout.flags, BigInt(flags >>> 0));
  for (let i = 0; i < 8; i++) store(layout.gpr + i * layout.bytes, u64[i]!);
  for (let i = 0; i < layout.segmentCount; i++) store(layout.segments + i * layout.bytes, BigInt(i32[I32_SEGMENT_SELECTOR + i]!), 2);
}

function markBusy(core: Core, selector: number, busy: boolean): void {
  const { la, access } = readDescriptor(core, selector, VECTOR_TS);
  const next = busy ? access | BUSY : access & ~BUSY;
  storeLinear(core, 1, la + 5, BigInt(next & 0xff), SYSTEM_WRITE);
}

/** LDTR, then the segment registers, with the new task's privilege. Raises: #TS(selector), #NP(selector), #SS(selector). */
function loadSegments(core: Core, selectors: readonly number[], ldt: number): void {
  const { i32 } = core.state;
  setNullSegment(core, LDTR, ldt);
  if ((ldt & 0xfffc) !== 0) {
    const table = ldt & 4 ? undefined : readDescriptor(core, ldt, VECTOR_TS);
    if (table === undefined || (table.access & (AR_S | AR_TYPE)) !== TYPE_LDT || !(table.access & AR_P))
      throw guestFault.set(VECTOR_TS, ldt & 0xfffc);
    setSegment(core, LDTR, ldt, table.base, table.limit, table.access);
  }
  if (i32[I32_RFLAGS]! & RFLAGS_VM) {
    i32[I32_CPL] = 3;
    selectors.forEach((selector, segment) => {
      loadRealSegment(core, segment, selector);
    });
    updateMode(core);
    return;
  }
  const selector = selectors[CS]!;
  const error = selector & 0xfffc;
  const cpl = selector & 3;
  if (error === 0) throw guestFault.set(VECTOR_TS, 0);
  const code = { ...readDescriptor(core, selector, VECTOR_TS) };
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  if (!isCode(code.access) || (conforming ? dpl(code.access) > cpl : dpl(code.access) !== cpl)) throw guestFault.set(VECTOR_TS, error);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  setCodeSegment(core, selector, code, cpl);
  updateMode(core);
  for (const segment of [SS, DS, ES, FS, GS]) loadChecked(core, segment, selectors[segment] ?? 0);
  checkTarget(core, code, core.state.u64[U64_RIP]!);
}

/** As MOV to the register, but what is #GP there is #TS here. */
function loadChecked(core: Core, segment: number, selector: number): void {
  try {
    loadDataSegment(core, segment, selector);
  } catch (fault) {
    if (fault === guestFault && guestFault.vector === VECTOR_GP) guestFault.vector = VECTOR_TS;
    else if (fault === guestFault && guestFault.vector === VECTOR_NP && segment === SS) guestFault.vector = VECTOR_SS;
    throw fault;
  }
}
