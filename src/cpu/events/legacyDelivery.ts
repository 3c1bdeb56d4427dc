/**
 * Events outside IA-32e mode: through the interrupt vector table of real mode, and the IDT of protected and virtual-8086 mode.
 * SDM: Vol. 3, "Exception- or Interrupt-Handler Procedures"; "Interrupt and Exception Handling" (8086 emulation); Vol. 2, "INT n/INTO/INT3/INT1".
 */
import { CS, DS, ES, FS, GS, RSP, SS } from '../../arch/registers.ts';
import { RFLAGS_AC, RFLAGS_IF, RFLAGS_NT, RFLAGS_RF, RFLAGS_TF, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_P, TYPE_CONFORMING_OR_EXPAND_DOWN, TYPE_INTERRUPT_GATE, TYPE_TRAP_GATE } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ, signedNumber } from '../linearMemory.ts';
import { isRealMode, isVirtual8086, updateMode } from '../mode.ts';
import { dpl, isCode, readDescriptor, setCodeSegment, setNullSegment } from '../segmentation.ts';
import { I32_CPL, I32_IDTR_LIMIT, I32_RFLAGS, I32_SEGMENT_SELECTOR, U64_IDTR_BASE, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { innerLevelStack } from '../system/callGate.ts';
import { checkTarget } from '../system/returnChecks.ts';
import { Stack } from '../system/stack.ts';
import { switchTask, TASK_GATE } from '../system/taskSwitch.ts';
import { type EventOrigin, pushedFlags } from './delivery.ts';

const GATE_16 = 6;
const TRAP_16 = 7;

/** The handler is about to run, in whatever mode but IA-32e. */
export function deliverLegacy(core: Core, vector: number, origin: EventOrigin, errorCode: number): void {
  if (isRealMode(core)) deliverReal(core, vector, origin);
  else deliverProtected(core, vector, origin, errorCode);
  core.charge(core.costs.eventDelivery);
}

/** Four bytes a vector: offset and segment. No error codes. */
function deliverReal(core: Core, vector: number, origin: EventOrigin): void {
  const { u64, i32 } = core.state;
  if (vector * 4 + 3 > i32[I32_IDTR_LIMIT]!) throw guestFault.set(VECTOR_GP, -1);
  const entry = Number(loadLinear(core, 4, signedNumber(u64[U64_IDTR_BASE]!) + vector * 4, SYSTEM_READ));
  const stack = Stack.current(core);
  stack.push(2, BigInt(pushedFlags(core, origin) & 0xffff));
  stack.push(2, BigInt(i32[I32_SEGMENT_SELECTOR + CS]!));
  stack.push(2, u64[U64_RIP]!);
  stack.commit();
  i32[I32_RFLAGS]! &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_AC | RFLAGS_RF);
  i32[I32_SEGMENT_SELECTOR + CS] = entry >>> 16;
  u64[U64_SEGMENT_BASE + CS] = BigInt((entry >>> 16) << 4);
  u64[U64_RIP] = BigInt(entry & 0xffff);
  updateMode(core);
}

function deliverProtected(core: Core, vector: number, origin: EventOrigin, errorCode: number): void {
  const { u64, i32 } = core.state;
  // 1. The gate.
  const external = origin === 'software' ? 0 : 1;
  const idtError = vector * 8 + 2 + external;
  if (vector * 8 + 7 > i32[I32_IDTR_LIMIT]!) throw guestFault.set(VECTOR_GP, idtError);
  const gate = loadLinear(core, 8, signedNumber(u64[U64_IDTR_BASE]!) + vector * 8, SYSTEM_READ);
  const access = Number((gate >> 40n) & 0xffn);
  const type = access & 0x1f;
  const wide = type === TYPE_INTERRUPT_GATE || type === TYPE_TRAP_GATE;
  if (!wide && type !== GATE_16 && type !== TRAP_16 && type !== TASK_GATE) throw guestFault.set(VECTOR_GP, idtError);
  if (origin === 'software' && dpl(access) < i32[I32_CPL]!) throw guestFault.set(VECTOR_GP, idtError);
  if (!(access & AR_P)) throw guestFault.set(VECTOR_NP, idtError);
  const selector = Number((gate >> 16n) & 0xffffn);
  if (type === TASK_GATE) {
    switchTask(core, selector, 'interrupt', 0, external);
    if (errorCode < 0) return;
    const stack = Stack.current(core);
    stack.push(core.codeSize === 32 ? 4 : 2, BigInt(errorCode));
    stack.commit();
    return;
  }
  const offset = wide ? (gate & 0xffffn) | ((gate >> 32n) & 0xffff_0000n) : gate & 0xffffn;

  // 2. The handler's code segment.
  if ((selector & 0xfffc) === 0) throw guestFault.set(VECTOR_GP, external);
  const code = { ...readDescriptor(core, selector, VECTOR_GP, false, external) };
  const selectorError = (selector & 0xfffc) + external;
  const oldCpl = i32[I32_CPL]!;
  const virtual = isVirtual8086(core);
  if (!isCode(code.access) || dpl(code.access) > oldCpl) throw guestFault.set(VECTOR_GP, selectorError);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, selectorError);
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  const cpl = conforming ? oldCpl : dpl(code.access);
  if (virtual && cpl !== 0) throw guestFault.set(VECTOR_GP, selectorError);

  // 3. The frame, on the stack of the handler's level.
  const bytes = wide ? 4 : 2;
  const inner = cpl < oldCpl ? innerLevelStack(core, cpl, external) : undefined;
  const stack = inner?.stack ?? Stack.current(core);
  const push = (value: bigint | number): void => stack.push(bytes, BigInt(value));
  if (inner !== undefined) {
    if (virtual) for (const segment of [GS, FS, DS, ES]) push(i32[I32_SEGMENT_SELECTOR + segment]!);
    push(i32[I32_SEGMENT_SELECTOR + SS]!);
    push(u64[RSP]!);
  }
  push(pushedFlags(core, origin) >>> 0);
  push(i32[I32_SEGMENT_SELECTOR + CS]!);
  push(u64[U64_RIP]!);
  if (errorCode >= 0) push(errorCode);
  checkTarget(core, code, offset);

  // 4. The handler's state.
  i32[I32_RFLAGS]! &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM);
  if (type === TYPE_INTERRUPT_GATE || type === GATE_16) i32[I32_RFLAGS]! &= ~RFLAGS_IF;
  setCodeSegment(core, selector, code, cpl);
  inner?.load();
  if (virtual) for (const segment of [ES, DS, FS, GS]) setNullSegment(core, segment, 0);
  u64[U64_RIP] = offset;
  updateMode(core);
  stack.commit();
}
