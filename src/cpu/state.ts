/**
 * The state block of a core in the machine's memory. Reference engine, generated code, snapshots and dumps read these bytes; the
 * offsets are defined here and nowhere else. All fields are little-endian and naturally aligned.
 */
import { COUNTERS } from '../trace/counters.ts';

/** u64 fields, as indices into `CoreState.u64`. 0–15 are the general-purpose registers. */
export const U64_RIP = 16;
export const U64_CR0 = 17;
export const U64_CR2 = 18;
export const U64_CR3 = 19;
export const U64_CR4 = 20;
export const U64_EFER = 21;
export const U64_GDTR_BASE = 22;
export const U64_IDTR_BASE = 23;
/** Bases of ES, CS, SS, DS, FS, GS, LDTR, TR, in this order. */
export const U64_SEGMENT_BASE = 24;
export const U64_KERNEL_GS_BASE = 32;
export const U64_STAR = 33;
export const U64_LSTAR = 34;
export const U64_CSTAR = 35;
export const U64_FMASK = 36;
export const U64_SYSENTER_CS = 37;
export const U64_SYSENTER_ESP = 38;
export const U64_SYSENTER_EIP = 39;
export const U64_TSC_OFFSET = 40;
export const U64_TSC_AUX = 41;
export const U64_PAT = 42;
export const U64_MISC_ENABLE = 43;
/** DR0–DR3, DR6, DR7. */
export const U64_DR0 = 44;
export const U64_DR6 = 48;
export const U64_DR7 = 49;
export const U64_XCR0 = 50;
export const U64_FEATURE_CONTROL = 51;
/** Scratch of generated code: the operation whose status flags are not worked out yet, and a value on its way to or from the host. */
export const U64_PENDING_A = 52;
export const U64_PENDING_B = 53;
export const U64_PENDING_R = 54;
export const U64_TRANSFER = 55;
/** State of the sequence behind RDRAND and RDSEED. */
export const U64_CHANCE = 60;
/** The upper half of a 128-bit value on its way. */
export const U64_TRANSFER_HIGH = 56;
/** Addresses of the last x87 instruction that was not a control instruction, and of its memory operand. */
export const U64_X87_INSTRUCTION = 57;
export const U64_X87_DATA = 58;
const U64_FIELDS = 64;

/** 32-bit fields, as indices into `CoreState.i32`. */
export const I32_RFLAGS = 128;
/** Limits, access rights (arch/segments) and selectors of the eight segments. */
export const I32_SEGMENT_LIMIT = 129;
export const I32_SEGMENT_ACCESS = 137;
export const I32_SEGMENT_SELECTOR = 145;
export const I32_GDTR_LIMIT = 153;
export const I32_IDTR_LIMIT = 154;
export const I32_CPL = 155;
/** ACTIVITY_…: active, halted, shutdown, waiting for STARTUP. */
export const I32_ACTIVITY = 156;
/** INTERRUPTIBILITY_… bits. */
export const I32_INTERRUPTIBILITY = 157;
/** 16, 32 or 64: what the decoder is told. */
export const I32_CODE_SIZE = 158;
/** 1 in VMX non-root operation. */
export const I32_NON_ROOT = 159;
/** Scratch of generated code: which rule the pending flags follow (0 = none), and where a block was left. */
export const I32_PENDING_RULE = 160;
export const I32_LEFT_BLOCK = 161;
export const I32_LEFT_INSTRUCTION = 162;
/** Number of the translation context that the shortcut's tags carry. */
export const I32_SHORTCUT_CONTEXT = 163;
/** What PAUSE is besides a hint, PAUSE_…: 0 outside guests. */
export const I32_PAUSE_INTERCEPTED = 164;
/** 1 while INVLPG leaves the guest (INVLPG exiting). */
export const I32_INVLPG_INTERCEPTED = 165;
/** Scratch of generated code: where an access for update found its operand in the machine's memory; 0 when the host keeps it. */
export const I32_UPDATE_ADDRESS = 166;
/**
 * What the translations of generated code depend on (engines/jit/translationContext): byte offsets of the core's translation structures and of its
 * shortcut tables; the tags and the EPT root of entries that may serve it; the flags that an entry needs for reads and for writes, and those it
 * must not have; and for walks: host page of the top table, bits that are reserved in high halves, the flag that makes an entry global, and the flags
 * that EPT must grant to a table.
 */
export const I32_TLB_BASE = 168;
export const I32_SHORTCUT_BASE = 169;
export const I32_TLB_TAGS = 170;
export const I32_EPT_ROOT = 171;
export const I32_READ_REQUIRED = 172;
export const I32_WRITE_REQUIRED = 173;
export const I32_FORBIDDEN = 174;
export const I32_WALK_ROOT = 175;
export const I32_WALK_RESERVED = 176;
export const I32_WALK_GLOBAL = 177;
export const I32_WALK_TABLE_REQUIRED = 178;
/** 1 while nobody listens to fills and invalidations of translations: generated code may make them. */
export const I32_QUIET = 179;
/** Number of the region that generated code runs, or ran last. */
export const I32_REGION = 180;
/** In the state block of core 0, for all: grows when decoded code is written. */
export const I32_CODE_GENERATION = 181;
/** 1 while MWAIT lets masked interrupts end its wait. */
export const I32_MWAIT_MASKED_BREAKS = 182;
const I32_END = 192;

/** f64 fields, as indices into `CoreState.f64`: the local clock, then the counters. */
export const F64_CLOCK = I32_END / 2;
export const F64_COUNTERS = F64_CLOCK + 1;

/** How far generated code may run, after the counters. */
export const F64_HORIZON = F64_COUNTERS + COUNTERS.length;
/** PAUSE-loop exiting: gap and window of the guest, start of the first PAUSE of the loop, end of its last. In cycles. */
export const F64_PLE_GAP = F64_HORIZON + 1;
export const F64_PLE_WINDOW = F64_HORIZON + 2;
export const F64_PLE_FIRST = F64_HORIZON + 3;
export const F64_PLE_LAST = F64_HORIZON + 4;

/** Byte offset of two 128-bit scratch places of generated code: operands of a floating-point operation that the host carries out. */
export const FLOAT_OPERANDS_OFFSET = Math.ceil(((F64_PLE_LAST + 1) * 8) / 64) * 64;

/** Byte offset of XMM0–XMM15, 16 bytes each, after the counters. */
export const VECTOR_OFFSET = FLOAT_OPERANDS_OFFSET + 64;
/** As an index into `CoreState.i32`: behind the XMM registers. */
export const I32_MXCSR = (VECTOR_OFFSET + 256) / 4;
/** The x87 unit: control and status words; a bit for every register (by its number, not its place in the stack) that is in use; last opcode. */
export const I32_X87_CONTROL = I32_MXCSR + 1;
export const I32_X87_STATUS = I32_MXCSR + 2;
export const I32_X87_IN_USE = I32_MXCSR + 3;
export const I32_X87_OPCODE = I32_MXCSR + 4;
/** Byte offset of R0–R7, 16 bytes each: significand, then sign and exponent. MM0–MM7 are their significands. */
export const X87_OFFSET = VECTOR_OFFSET + 256 + 64;
/** Byte offset after what means something: scratch of generated code, the record of a walk that may yet be undone (engines/jit/eptEmitter). */
export const WALK_UNDO_OFFSET = X87_OFFSET + 128;
/** Bytes of a core's state block, a multiple of 4096. */
export const CORE_STATE_SIZE = 4096;

/** I32_PAUSE_INTERCEPTED: PAUSE exiting is on; or PAUSE-loop exiting, which is arithmetic until a loop has lasted too long. */
export const PAUSE_EXITS = 1;
export const PAUSE_LOOP_EXITS = 2;

export const ACTIVITY_ACTIVE = 0;
export const ACTIVITY_HALTED = 1;
export const ACTIVITY_SHUTDOWN = 2;
export const ACTIVITY_WAIT_FOR_SIPI = 3;

/** Waiting in MWAIT; no VMCS ever says so. */
export const ACTIVITY_MWAIT = 4;

/** As in the VMCS field. SDM: Vol. 3, "Guest Non-Register State" (Interruptibility State). */
export const BLOCKING_BY_STI = 1;
export const BLOCKING_BY_MOV_SS = 2;
export const BLOCKING_BY_NMI = 8;

/** A u64 field (by its index) as a signed number, without making a bigint; exact for canonical addresses. @param i32 of the state block. */
export const signedField = (i32: Int32Array, field: number): number => i32[2 * field + 1]! * 0x1_0000_0000 + (i32[2 * field]! >>> 0);

/** Typed views of one core's state block. */
export class CoreState {
  /** General-purpose registers and the other 64-bit fields. */
  readonly u64: BigUint64Array;
  /** The general-purpose registers in smaller parts. */
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** `clock[0]`: local time in cycles. */
  readonly clock: Float64Array;
  readonly counters: Float64Array;
  /** XMM0–XMM15, low half first: two elements each. */
  readonly xmm: BigUint64Array;
  /** R0–R7, significand first: two elements each. */
  readonly x87: BigUint64Array;
  /** The scratch at FLOAT_OPERANDS_OFFSET. */
  readonly floatOperands: BigUint64Array;

  /** @param byteOffset of the block in `buffer`; a multiple of 8. */
  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.u64 = new BigUint64Array(buffer, byteOffset, U64_FIELDS);
    this.u32 = new Uint32Array(buffer, byteOffset, 32);
    this.u16 = new Uint16Array(buffer, byteOffset, 64);
    this.u8 = new Uint8Array(buffer, byteOffset, 128);
    this.i32 = new Int32Array(buffer, byteOffset, CORE_STATE_SIZE / 4);
    this.f64 = new Float64Array(buffer, byteOffset, CORE_STATE_SIZE / 8);
    this.clock = new Float64Array(buffer, byteOffset + F64_CLOCK * 8, 1);
    this.counters = new Float64Array(buffer, byteOffset + F64_COUNTERS * 8, COUNTERS.length);
    this.xmm = new BigUint64Array(buffer, byteOffset + VECTOR_OFFSET, 32);
    this.x87 = new BigUint64Array(buffer, byteOffset + X87_OFFSET, 16);
    this.floatOperands = new BigUint64Array(buffer, byteOffset + FLOAT_OPERANDS_OFFSET, 4);
  }
}
