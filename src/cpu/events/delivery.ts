import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { EFER_LMA } from '../../arch/controlRegisters.ts';
import { RSP, SS } from '../../arch/registers.ts';
import { RFLAGS_IF, RFLAGS_NT, RFLAGS_RF, RFLAGS_TF, RFLAGS_VM } from '../../arch/rflags.ts';
import {
  AR_DPL_SHIFT,
  AR_L,
  AR_P,
  AR_UNUSABLE,
  TSS64_IST1,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_INTERRUPT_GATE,
  TYPE_TRAP_GATE,
} from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../../arch/vectors.ts';
import { ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ, signedNumber, storeLinear } from '../linearMemory.ts';
import { updateMode } from '../mode.ts';
import { dpl, isCode, readDescriptor, setCodeSegment, setNullSegment } from '../segmentation.ts';
import {
  I32_CPL,
  I32_IDTR_LIMIT,
  I32_RFLAGS,
  I32_SEGMENT_ACCESS,
  I32_SEGMENT_SELECTOR,
  U64_EFER,
  U64_IDTR_BASE,
  U64_RIP,
} from '../state.ts';
import { innerPointer, rspOffset } from '../system/tss.ts';
import { deliverLegacy } from './legacyDelivery.ts';

/** How an event came about: what its error codes and checks depend on. */
export type EventOrigin =
  | 'external'
  | 'exception'
  /** An exception after the instruction: #DB of a single step or a data breakpoint. */
  | 'trap'
  /** INT n, INT3, INTO. */
  | 'software'
  /** INT1: no privilege check. */
  | 'privileged';

/**
 * The event's handler is about to run: the interrupted state is on its stack, CS:RIP, SS:RSP, RFLAGS and CPL are the handler's.
 * Faults raised on the way are thrown with nothing changed but memory below the new stack pointer.
 * SDM: Vol. 3, "Exception- or Interrupt-Handler Procedures"; "64-Bit Mode Stack Frame".
 */
export function deliverThroughIdt(core: Core, vector: number, origin: EventOrigin, errorCode: number): void {
  const { u64, i32 } = core.state;
  if (!(Number(u64[U64_EFER]!) & EFER_LMA)) {
    deliverLegacy(core, vector, origin, errorCode);
    return;
  }

  // 1. The gate.
  const external = origin === 'software' ? 0 : 1;
  const idtError = vector * 8 + 2 + external;
  const la = signedNumber(u64[U64_IDTR_BASE]!) + vector * 16;
  if (vector * 16 + 15 > i32[I32_IDTR_LIMIT]!) throw guestFault.set(VECTOR_GP, idtError);
  const low = loadLinear(core, 8, la, SYSTEM_READ);
  const high = loadLinear(core, 8, la + 8, SYSTEM_READ);
  const gate = Number((low >> 40n) & 0xffn);
  const type = gate & 0x1f;
  if ((type !== TYPE_INTERRUPT_GATE && type !== TYPE_TRAP_GATE) || (Number(high >> 40n) & 0x1f) !== 0)
    throw guestFault.set(VECTOR_GP, idtError);
  if (origin === 'software' && dpl(gate) < i32[I32_CPL]!) throw guestFault.set(VECTOR_GP, idtError);
  if (!(gate & AR_P)) throw guestFault.set(VECTOR_NP, idtError);
  const selector = Number((low >> 16n) & 0xffffn);
  const offset = (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n) | ((high & 0xffff_ffffn) << 32n);
  const ist = Number((low >> 32n) & 7n);

  // 2. The handler's code segment.
  if ((selector & 0xfffc) === 0) throw guestFault.set(VECTOR_GP, external);
  const code = readDescriptor(core, selector, VECTOR_GP, false, external);
  const selectorError = (selector & 0xfffc) + external;
  const oldCpl = i32[I32_CPL]!;
  if (!isCode(code.access) || dpl(code.access) > oldCpl || !(code.access & AR_L)) throw guestFault.set(VECTOR_GP, selectorError);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, selectorError);
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  const cpl = conforming ? oldCpl : dpl(code.access);

  // 3. The handler's stack: an IST entry, RSPn of the TSS when the level changes, else the current one.
  let rsp: number;
  if (ist !== 0) rsp = innerPointer(core, TSS64_IST1 + (ist - 1) * 8, external);
  else if (cpl !== oldCpl) rsp = innerPointer(core, rspOffset(cpl), external);
  else rsp = signedNumber(u64[RSP]!);
  rsp = Math.floor(rsp / 16) * 16;
  const bytes = errorCode >= 0 ? 48 : 40;
  if (rsp - bytes < -CANONICAL_LIMIT || rsp > CANONICAL_LIMIT) throw guestFault.set(VECTOR_SS, external);
  if (!isCanonicalBits(offset)) throw guestFault.set(VECTOR_GP, external);

  // 4. The frame. Its pages are those of the new privilege level.
  const frame = rsp - bytes;
  const access = ACCESS_WRITE | (cpl === 3 ? core.userAccess : 0);
  const words = errorCode >= 0 ? 1 : 0;
  storeLinear(core, 8, frame + (words + 4) * 8, BigInt(i32[I32_SEGMENT_SELECTOR + SS]!), access);
  storeLinear(core, 8, frame + (words + 3) * 8, u64[RSP]!, access);
  const flags = pushedFlags(core, origin);
  storeLinear(core, 8, frame + (words + 2) * 8, BigInt(flags), access);
  storeLinear(core, 8, frame + (words + 1) * 8, BigInt(i32[I32_SEGMENT_SELECTOR + 1]!), access);
  storeLinear(core, 8, frame + words * 8, u64[U64_RIP]!, access);
  if (words) storeLinear(core, 8, frame, BigInt(errorCode), access);

  // 5. The handler's state.
  setCodeSegment(core, selector, code, cpl);
  if (cpl !== oldCpl) {
    setNullSegment(core, SS, cpl);
    i32[I32_SEGMENT_ACCESS + SS] = AR_UNUSABLE | (cpl << AR_DPL_SHIFT);
  }
  u64[RSP] = BigInt.asUintN(64, BigInt(frame));
  u64[U64_RIP] = offset;
  i32[I32_RFLAGS]! &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM);
  if (type === TYPE_INTERRUPT_GATE) i32[I32_RFLAGS]! &= ~RFLAGS_IF;
  updateMode(core);
  core.charge(core.costs.eventDelivery);
}

/** RFLAGS as a handler's frame shows them: RF is set by faults and between the elements of a string instruction, and clear after an instruction. */
export function pushedFlags(core: Core, origin: EventOrigin): number {
  const flags = core.state.i32[I32_RFLAGS]!;
  if (origin === 'exception') return flags | RFLAGS_RF;
  return origin === 'external' || origin === 'trap' ? flags : flags & ~RFLAGS_RF;
}

/** True iff bits 63:47 of an address are all equal. */
export function isCanonicalBits(bits: bigint): boolean {
  const top = bits >> 47n;
  return top === 0n || top === 0x1_ffffn;
}
