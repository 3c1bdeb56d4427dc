/**
 * The state of one local APIC as bytes. The first 64 words are its registers in the order of the register page (word = offset >> 4),
 * so snapshots, dumps and generated code read the same layout; the words after them have no address.
 */
import { APIC_DFR, APIC_LVT_CMCI, APIC_LVT_ERROR, APIC_LVT_MASKED, APIC_LVT_TIMER, APIC_SVR, APIC_VERSION } from '../arch/apicRegisters.ts';
import { APIC_BASE_ENABLE, APIC_DEFAULT_BASE } from '../arch/msr.ts';

/** Words after the register page, as indices into `ApicState.words`. */
/** Highest vector that can be delivered now, or -1: kept current by every change of IRR, ISR or TPR. */
export const WORD_DELIVERABLE = 64;
/** Errors seen since the last write of ESR. */
export const WORD_ERRORS = 65;
/** APIC_MODE_…; follows from IA32_APIC_BASE. */
export const WORD_MODE = 66;

/** Indices into `ApicState.f64`: local time of the next expiry of the timer (Infinity: none), then IA32_APIC_BASE. */
export const F64_TIMER_EXPIRY = 48;
export const F64_BASE = 49;

/** Bytes of the state of one APIC. */
export const APIC_STATE_SIZE = 512;

export const APIC_MODE_DISABLED = 0;
export const APIC_MODE_XAPIC = 1;
export const APIC_MODE_X2APIC = 2;

/** Version 0x14 (integrated, no suppression of EOI broadcasts), seven LVT entries. SDM: Vol. 3, "Local APIC Version Register". */
export const APIC_VERSION_VALUE = 0x0006_0014;
export const APIC_SVR_RESET = 0xff;
export const APIC_DFR_RESET = -1;

/** Typed views of one local APIC's state. */
export class ApicState {
  readonly words: Int32Array;
  readonly f64: Float64Array;

  /** @param byteOffset of APIC_STATE_SIZE bytes in `buffer`; a multiple of 8. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(APIC_STATE_SIZE), byteOffset = 0) {
    this.words = new Int32Array(buffer, byteOffset, APIC_STATE_SIZE / 4);
    this.f64 = new Float64Array(buffer, byteOffset, APIC_STATE_SIZE / 8);
    this.f64[F64_BASE] = APIC_DEFAULT_BASE + APIC_BASE_ENABLE;
    this.words[WORD_MODE] = APIC_MODE_XAPIC;
    this.resetRegisters();
  }

  /**
   * The registers hold their values after power-up or INIT; IA32_APIC_BASE and the mode stay.
   *
   * SDM: Vol. 3, "Local APIC State After Power-Up or Reset".
   */
  resetRegisters(): void {
    const { words } = this;
    words.fill(0, 0, WORD_MODE);
    words[APIC_VERSION >> 4] = APIC_VERSION_VALUE;
    words[APIC_DFR >> 4] = APIC_DFR_RESET;
    words[APIC_SVR >> 4] = APIC_SVR_RESET;
    words[APIC_LVT_CMCI >> 4] = APIC_LVT_MASKED;
    for (let offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 0x10) words[offset >> 4] = APIC_LVT_MASKED;
    words[WORD_DELIVERABLE] = -1;
    this.f64[F64_TIMER_EXPIRY] = Number.POSITIVE_INFINITY;
  }
}
