/** Call gates: far JMP and CALL to a procedure that the gate names, at its level. SDM: Vol. 3, "Call Gates"; "IA-32e Mode Call Gates". */
import { CS, RSP, SS } from '../../arch/registers.ts';
import {
  AR_DB,
  AR_DPL_SHIFT,
  AR_L,
  AR_P,
  AR_S,
  AR_UNUSABLE,
  TYPE_CODE,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_WRITABLE_OR_READABLE,
} from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_TS } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ } from '../linearMemory.ts';
import { updateMode } from '../mode.ts';
import { type Descriptor, dpl, isCode, markAccessed, readDescriptor, setCodeSegment, setNullSegment, setSegment } from '../segmentation.ts';
import { I32_CPL, I32_SEGMENT_ACCESS, I32_SEGMENT_SELECTOR, U64_RIP } from '../state.ts';
import { checkTarget } from './returnChecks.ts';
import { Stack, stackWidthOf } from './stack.ts';
import { innerPointer, innerStack, rspOffset } from './tss.ts';

interface Gate {
  readonly selector: number;
  readonly offset: bigint;
  /** Size of what it pushes. */
  readonly bytes: 2 | 4 | 8;
  readonly parameters: number;
}

/** Reads the gate whose descriptor this is. In IA-32e mode it has 16 bytes. Raises: #GP(selector). */
function readGate(core: Core, { la, access }: Descriptor, error: number): Gate {
  const low = loadLinear(core, 8, la, SYSTEM_READ);
  const selector = Number((low >> 16n) & 0xffffn);
  const offset = (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n);
  if (!core.mmu.context.longMode) {
    const wide = (access & 8) !== 0;
    return { selector, offset: wide ? offset : offset & 0xffffn, bytes: wide ? 4 : 2, parameters: Number((low >> 32n) & 31n) };
  }
  const high = loadLinear(core, 8, la + 8, SYSTEM_READ);
  if (Number(high >> 40n) & 0x1f) throw guestFault.set(VECTOR_GP, error);
  return { selector, offset: offset | ((high & 0xffff_ffffn) << 32n), bytes: 8, parameters: 0 };
}

/** The gate's code segment. Raises: #GP(selector), #NP(selector). */
function codeOf(core: Core, { selector }: Gate, call: boolean): Descriptor {
  const error = selector & 0xfffc;
  if (error === 0) throw guestFault.set(VECTOR_GP, 0);
  const code = { ...readDescriptor(core, selector, VECTOR_GP) };
  const cpl = core.state.i32[I32_CPL]!;
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  if (!isCode(code.access) || dpl(code.access) > cpl) throw guestFault.set(VECTOR_GP, error);
  if (!call && !conforming && dpl(code.access) !== cpl) throw guestFault.set(VECTOR_GP, error);
  if (core.mmu.context.longMode && (!(code.access & AR_L) || code.access & AR_DB)) throw guestFault.set(VECTOR_GP, error);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  return code;
}

/** @param error the selector of the gate as an error code. */
export function jumpThroughGate(core: Core, descriptor: Descriptor, error: number): void {
  const gate = readGate(core, descriptor, error);
  const code = codeOf(core, gate, false);
  enter(core, gate, code, core.state.i32[I32_CPL]!);
}

/** Pushes the return address, on the stack of the gate's level, to which parameters are copied. */
export function callThroughGate(core: Core, insn: Instruction, descriptor: Descriptor, error: number): void {
  const { u64, i32 } = core.state;
  const gate = readGate(core, descriptor, error);
  const code = codeOf(core, gate, true);
  const oldCpl = i32[I32_CPL]!;
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  const cpl = conforming ? oldCpl : dpl(code.access);
  const returnSelector = BigInt(i32[I32_SEGMENT_SELECTOR + CS]!);
  const returnRip = u64[U64_RIP]! + BigInt(insn.length);
  const { bytes } = gate;
  if (cpl === oldCpl) {
    const { longMode } = core.mmu.context;
    const stack = longMode ? Stack.flat(core, u64[RSP]!, core.userAccess) : Stack.current(core);
    stack.push(bytes, returnSelector);
    stack.push(bytes, returnRip);
    enter(core, gate, code, cpl);
    stack.commit();
    return;
  }
  const inner = innerLevelStack(core, cpl);
  inner.stack.push(bytes, BigInt(i32[I32_SEGMENT_SELECTOR + SS]!));
  inner.stack.push(bytes, u64[RSP]!);
  const outer = Stack.current(core);
  for (let i = gate.parameters - 1; i >= 0; i--) inner.stack.push(bytes, outer.load(bytes, i * bytes));
  inner.stack.push(bytes, returnSelector);
  inner.stack.push(bytes, returnRip);
  enter(core, gate, code, cpl);
  inner.load();
  inner.stack.commit();
  updateMode(core);
}

function enter(core: Core, { selector, offset }: Gate, code: Descriptor, cpl: number): void {
  checkTarget(core, code, offset);
  setCodeSegment(core, selector, code, cpl);
  core.state.u64[U64_RIP] = offset;
  updateMode(core);
}

/** The stack of an inner level by the TSS, and what loads SS for it. Raises: #TS(selector), #SS(selector). */
export function innerLevelStack(core: Core, cpl: number, external = 0): { stack: Stack; load: () => void } {
  const { i32 } = core.state;
  if (core.mmu.context.longMode) {
    const pointer = BigInt.asUintN(64, BigInt(innerPointer(core, rspOffset(cpl), external)));
    return {
      stack: Stack.flat(core, pointer, 0, external),
      load: () => {
        setNullSegment(core, SS, cpl);
        i32[I32_SEGMENT_ACCESS + SS] = AR_UNUSABLE | (cpl << AR_DPL_SHIFT);
      },
    };
  }
  const { selector, pointer } = innerStack(core, cpl, external);
  const error = (selector & 0xfffc) + external;
  if ((selector & 0xfffc) === 0) throw guestFault.set(VECTOR_TS, external);
  const segment = { ...readDescriptor(core, selector, VECTOR_TS, false, external) };
  const { access } = segment;
  const writableData = (access & (AR_S | TYPE_CODE | TYPE_WRITABLE_OR_READABLE)) === (AR_S | TYPE_WRITABLE_OR_READABLE);
  if ((selector & 3) !== cpl || dpl(access) !== cpl || !writableData) throw guestFault.set(VECTOR_TS, error);
  if (!(access & AR_P)) throw guestFault.set(VECTOR_SS, error);
  return {
    stack: new Stack(core, pointer, stackWidthOf(32, access), segment.base, segment.limit >>> 0, access, 0, error),
    load: () => {
      markAccessed(core, segment);
      setSegment(core, SS, selector, segment.base, segment.limit, segment.access);
    },
  };
}
