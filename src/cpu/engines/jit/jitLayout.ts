import { COUNTER_INSTRUCTIONS, COUNTER_TLB_LOOKUPS } from '../../../trace/counters.ts';
import {
  F64_CLOCK,
  F64_COUNTERS,
  F64_HORIZON,
  FLOAT_OPERANDS_OFFSET,
  I32_MXCSR,
  I32_PENDING_RULE,
  I32_RFLAGS,
  I32_SHORTCUT_CONTEXT,
  U64_PENDING_A,
  U64_PENDING_B,
  U64_PENDING_R,
  U64_RIP,
  U64_TRANSFER,
  U64_TRANSFER_HIGH,
  VECTOR_OFFSET,
} from '../../state.ts';

/** Byte offsets, in a core's state block, of what generated code touches. */
export const RIP_BYTE = U64_RIP * 8;
export const RFLAGS_BYTE = I32_RFLAGS * 4;
export const PENDING_RULE_BYTE = I32_PENDING_RULE * 4;
export const PENDING_A_BYTE = U64_PENDING_A * 8;
export const PENDING_B_BYTE = U64_PENDING_B * 8;
export const PENDING_R_BYTE = U64_PENDING_R * 8;
export const TRANSFER_BYTE = U64_TRANSFER * 8;
export const TRANSFER_HIGH_BYTE = U64_TRANSFER_HIGH * 8;
export const MXCSR_BYTE = I32_MXCSR * 4;
/** Operands of a floating-point operation for the host, 16 bytes apart; its result takes the place of the first. */
export const FLOAT_OPERANDS_BYTE = FLOAT_OPERANDS_OFFSET;
export const xmmByte = (register: number): number => VECTOR_OFFSET + register * 16;
export const CLOCK_BYTE = F64_CLOCK * 8;
export const HORIZON_BYTE = F64_HORIZON * 8;
export const SHORTCUT_CONTEXT_BYTE = I32_SHORTCUT_CONTEXT * 4;
export const INSTRUCTIONS_BYTE = (F64_COUNTERS + COUNTER_INSTRUCTIONS) * 8;
export const LOOKUPS_BYTE = (F64_COUNTERS + COUNTER_TLB_LOOKUPS) * 8;

/** What a compiled region answers. */
export const LEFT_NORMALLY = 0;
/** The instruction at RIP faulted; the fault is in the host's record. */
export const LEFT_FAULTED = 1;
/** The rest of a block is the reference engine's: I32_LEFT_BLOCK and I32_LEFT_INSTRUCTION say which. */
export const LEFT_TO_REFERENCE = 2;

/** The pending-rule word: the rule's mask above, its number, and the width (8 << code). */
export const pendingRuleWord = (mask: number, id: number, width: number): number => (mask << 16) | (id << 2) | Math.log2(width / 8);
export const PENDING_MASK_SHIFT = 16;
