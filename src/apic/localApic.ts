import {
  APIC_DFR,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_ID,
  APIC_IRR0,
  APIC_ISR0,
  APIC_LDR,
  APIC_LVT_ERROR,
  APIC_LVT_MASKED,
  APIC_LVT_TIMER,
  APIC_PPR,
  APIC_SELF_IPI,
  APIC_SVR,
  APIC_SVR_ENABLE,
  APIC_TIMER_CURRENT,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TMR0,
  APIC_TPR,
  DELIVERY_REMOTE_ACTION,
  ESR_ILLEGAL_REGISTER,
  ESR_RECEIVE_ILLEGAL_VECTOR,
  ESR_SEND_ILLEGAL_VECTOR,
  SHORTHAND_SELF,
} from '../arch/apicRegisters.ts';
import { APIC_BASE_ENABLE, APIC_BASE_X2APIC } from '../arch/msr.ts';
import {
  APIC_MODE_DISABLED,
  APIC_MODE_X2APIC,
  APIC_MODE_XAPIC,
  ApicState,
  F64_BASE,
  WORD_DELIVERABLE,
  WORD_ERRORS,
  WORD_MODE,
} from './apicState.ts';
import { matchesDestination, x2apicLogicalId } from './destination.ts';
import { hasIllegalVector, ICR_LOW_WRITABLE, isDefinedCommand, isInitDeassert, parseIcr, X2APIC_ICR_RESERVED } from './icr.ts';
import type { InterruptBus, InterruptMessage } from './interruptBus.ts';
import { LVT_OFFSETS, LVT_READ_ONLY, lvtWritable } from './lvt.ts';
import { isReadable, isReadOnly } from './registerMap.ts';
import { ApicTimer } from './timer.ts';
import { addVector, hasVector, highestVector, removeVector } from './vectorSet.ts';

/** What `read` returns when the access faults in x2APIC mode. */
export const APIC_ACCESS_FAULT = -1;

const IRR = APIC_IRR0 >> 4;
const ISR = APIC_ISR0 >> 4;
const TMR = APIC_TMR0 >> 4;
const TPR = APIC_TPR >> 4;
const PPR = APIC_PPR >> 4;
const SVR = APIC_SVR >> 4;

export interface LocalApicOptions {
  /** APIC id: 8 bits in xAPIC mode, 32 in x2APIC mode. */
  readonly id: number;
  readonly bus: InterruptBus;
  /** `clock[0]`: local time in cycles. */
  readonly clock: Float64Array;
  /** Cycles of one tick of the undivided timer. */
  readonly cyclesPerTick: number;
  /** Delivery mode 3 sends a remote action request; otherwise it is reserved. */
  readonly remoteActions?: boolean;
  /** Where the registers live; by default in a buffer of their own. */
  readonly state?: ApicState;
}

/**
 * The local APIC of a core, in xAPIC or x2APIC mode; or the virtual one of a virtual processor, with the VMM's bus injected.
 *
 * It is told of accesses by xAPIC offset; x2apic.ts maps MSRs to these. All its state is in `state`.
 *
 * SDM: Vol. 3, "Advanced Programmable Interrupt Controller (APIC)".
 * Deviation: the delivery status of the ICR and of LVT entries always reads idle, because a message leaves at once.
 * Deviation: the APIC id cannot be written.
 */
export class LocalApic {
  readonly id: number;
  readonly state: ApicState;
  readonly timer: ApicTimer;
  private readonly words: Int32Array;
  private readonly bus: InterruptBus;
  private readonly message: InterruptMessage;
  private readonly remoteActions: boolean;

  constructor(options: LocalApicOptions) {
    this.id = options.id;
    this.bus = options.bus;
    this.remoteActions = options.remoteActions ?? false;
    this.state = options.state ?? new ApicState();
    this.words = this.state.words;
    this.timer = new ApicTimer(this.state, options.clock, options.cyclesPerTick);
    this.message = { source: options.id, destination: 0, logical: false, delivery: 0, vector: 0, shorthand: 0 };
  }

  /** APIC_MODE_… */
  get mode(): number {
    return this.words[WORD_MODE]!;
  }

  /** True unless IA32_APIC_BASE has disabled it. */
  get isPresent(): boolean {
    return this.mode !== APIC_MODE_DISABLED;
  }

  /** IA32_APIC_BASE: physical address of the register page and the flags. */
  get base(): number {
    return this.state.f64[F64_BASE]!;
  }

  /**
   * IA32_APIC_BASE is `value`, and the mode follows; false when the core must raise #GP(0): an undefined mode or a forbidden change of mode. The
   * caller has checked the reserved bits. Disabling resets the registers.
   *
   * SDM: Vol. 3, "x2APIC State Transitions".
   */
  writeBase(value: number): boolean {
    const enabled = (value & APIC_BASE_ENABLE) !== 0;
    const extended = (value & APIC_BASE_X2APIC) !== 0;
    if (extended && !enabled) return false;
    const mode = extended ? APIC_MODE_X2APIC : enabled ? APIC_MODE_XAPIC : APIC_MODE_DISABLED;
    const before = this.mode;
    if (before === APIC_MODE_DISABLED && mode === APIC_MODE_X2APIC) return false;
    if (before === APIC_MODE_X2APIC && mode === APIC_MODE_XAPIC) return false;
    this.state.f64[F64_BASE] = value;
    this.words[WORD_MODE] = mode;
    if (mode === APIC_MODE_DISABLED && before !== mode) this.state.resetRegisters();
    if (mode === APIC_MODE_X2APIC && before !== mode) this.words[APIC_ICR_HIGH >> 4] = 0;
    return true;
  }

  /** The registers are as after power-up, as INIT leaves them; IA32_APIC_BASE stays. */
  init(): void {
    this.state.resetRegisters();
  }

  /**
   * The register at this xAPIC offset, 32 bits unsigned. A reserved one reads 0 and is noted in ESR; in x2APIC mode it reads
   * APIC_ACCESS_FAULT, so that the core raises #GP(0).
   */
  read(offset: number): number {
    const x2apic = this.mode === APIC_MODE_X2APIC;
    if (!isReadable(offset, x2apic)) return this.refuse(x2apic) ? 0 : APIC_ACCESS_FAULT;
    switch (offset) {
      case APIC_ID:
        return x2apic ? this.id : (this.id << 24) >>> 0;
      case APIC_LDR:
        return this.logicalId >>> 0;
      case APIC_PPR:
        return this.processorPriority;
      case APIC_TIMER_CURRENT:
        return this.timer.currentCount;
      default:
        return this.words[offset >> 4]! >>> 0;
    }
  }

  /**
   * The register at this xAPIC offset has taken `value` (32 bits) and acted on it. False when the access faults in x2APIC mode: reserved or
   * read-only register, reserved bit. In xAPIC mode a reserved register is noted in ESR, and read-only ones and reserved bits are left alone.
   */
  write(offset: number, value: number): boolean {
    const x2apic = this.mode === APIC_MODE_X2APIC;
    switch (offset) {
      case APIC_TPR:
        return this.writeBits(TPR, value, 0xff, x2apic) && this.update();
      case APIC_EOI:
        if (x2apic && value !== 0) return false;
        this.endOfInterrupt();
        return true;
      case APIC_LDR:
        return !x2apic && this.writeBits(APIC_LDR >> 4, value, 0xff00_0000, false);
      case APIC_DFR:
        // Bits 27:0 read as ones. SDM: Vol. 3, "Logical Destination Mode".
        return !x2apic && this.writeBits(APIC_DFR >> 4, value | 0x0fff_ffff, -1, false);
      case APIC_SVR:
        return this.writeSpurious(value, x2apic);
      case APIC_ESR:
        if (x2apic && value !== 0) return false;
        this.words[APIC_ESR >> 4] = this.words[WORD_ERRORS]!;
        this.words[WORD_ERRORS] = 0;
        return true;
      case APIC_ICR_LOW:
        return this.writeIcr(value, this.words[APIC_ICR_HIGH >> 4]!);
      case APIC_ICR_HIGH:
        return x2apic ? false : this.writeBits(APIC_ICR_HIGH >> 4, value, 0xff00_0000, false);
      case APIC_TIMER_INITIAL:
        this.takeUpTimer();
        this.timer.writeInitialCount(value);
        return true;
      case APIC_TIMER_DIVIDE:
        if (x2apic && (value & ~0xb) !== 0) return false;
        this.takeUpTimer();
        this.timer.writeDivide(value);
        return true;
      case APIC_SELF_IPI:
        if (!x2apic) return this.refuse(false);
        return (value & ~0xff) === 0 && this.writeIcr((SHORTHAND_SELF << 18) | value, 0);
      default:
        if (lvtWritable(offset) !== 0) return this.writeLvt(offset, value, x2apic);
        if (!x2apic && isReadOnly(offset)) return true;
        return this.refuse(x2apic);
    }
  }

  /** The ICR has taken both halves and its message is on the bus. False when the access faults in x2APIC mode. */
  writeIcr(low: number, high: number): boolean {
    const x2apic = this.mode === APIC_MODE_X2APIC;
    if (x2apic && (low & X2APIC_ICR_RESERVED) !== 0) return false;
    this.words[APIC_ICR_LOW >> 4] = low & ICR_LOW_WRITABLE;
    this.words[APIC_ICR_HIGH >> 4] = high;
    if (isInitDeassert(low)) return true;
    const { message } = this;
    parseIcr(low, high, x2apic, message);
    if (hasIllegalVector(message)) this.noteError(ESR_SEND_ILLEGAL_VECTOR);
    else if (isDefinedCommand(message.delivery, message.shorthand) || (this.remoteActions && message.delivery === DELIVERY_REMOTE_ACTION))
      this.bus.send(message);
    return true;
  }

  /** True iff a message to this destination address is for this APIC. `destination` is BROADCAST or an address of the mode's width. */
  matches(logical: boolean, destination: number): boolean {
    return matchesDestination(this.mode, this.id, this.logicalId, this.words[APIC_DFR >> 4]!, logical, destination);
  }

  /** A fixed interrupt has arrived: its IRR bit is set, once however often it arrives before it is acknowledged. False when it is lost. */
  accept(vector: number, levelTriggered = false): boolean {
    if (this.mode === APIC_MODE_DISABLED || (this.words[SVR]! & APIC_SVR_ENABLE) === 0) return false;
    if (vector < 16) {
      this.noteError(ESR_RECEIVE_ILLEGAL_VECTOR);
      return false;
    }
    if (levelTriggered) addVector(this.words, TMR, vector);
    else removeVector(this.words, TMR, vector);
    addVector(this.words, IRR, vector);
    return this.update();
  }

  /** Highest vector that can be delivered now: its class is above the processor priority's. -1 when there is none. */
  pending(): number {
    return this.words[WORD_DELIVERABLE]!;
  }

  /**
   * The pending vector has moved from IRR to ISR and is returned; the core delivers it. When nothing can be delivered any more, the
   * spurious vector, which leaves no ISR bit.
   */
  acknowledge(): number {
    const vector = this.pending();
    if (vector < 0) return this.words[SVR]! & 0xff;
    removeVector(this.words, IRR, vector);
    addVector(this.words, ISR, vector);
    this.update();
    return vector;
  }

  /** The highest interrupt in service is over; a level-triggered one is announced to the I/O APICs. */
  endOfInterrupt(): void {
    const vector = highestVector(this.words, ISR);
    if (vector < 0) return;
    removeVector(this.words, ISR, vector);
    this.update();
    if (hasVector(this.words, TMR, vector)) this.bus.broadcastEndOfInterrupt(vector);
  }

  /** CR8: the task-priority class, bits 7:4 of TPR. */
  get taskPriorityClass(): number {
    return (this.words[TPR]! >> 4) & 0xf;
  }

  /** CR8 is `value` (4 bits); the sub-class of TPR is 0. */
  set taskPriorityClass(value: number) {
    this.words[TPR] = (value & 0xf) << 4;
    this.update();
  }

  /** PPR. SDM: Vol. 3, "Interrupt, Task, and Processor Priority". */
  get processorPriority(): number {
    return this.words[PPR]!;
  }

  /** Local time at which `timerExpired` wants to be called; Infinity when the timer does not run or is masked. */
  get timerDeadline(): number {
    return this.timer.deadline;
  }

  /** An expiry that is due has been taken up: the timer's vector is in IRR, a periodic timer runs on. Harmless when nothing is due. */
  timerExpired(): void {
    this.takeUpTimer();
  }

  /** The timer interrupts when local time reaches `cycles`; 0 disarms. For IA32_TSC_DEADLINE; ignored in other timer modes. */
  writeTscDeadline(cycles: number): void {
    this.takeUpTimer();
    this.timer.writeTscDeadline(cycles);
  }

  private get logicalId(): number {
    return this.mode === APIC_MODE_X2APIC ? x2apicLogicalId(this.id) : this.words[APIC_LDR >> 4]!;
  }

  /** In xAPIC mode notes an access to a reserved register and lets it pass; in x2APIC mode refuses it. */
  private refuse(x2apic: boolean): boolean {
    if (!x2apic) this.noteError(ESR_ILLEGAL_REGISTER);
    return !x2apic;
  }

  private writeBits(word: number, value: number, writable: number, x2apic: boolean): boolean {
    if (x2apic && (value & ~writable) !== 0) return false;
    this.words[word] = value & writable;
    return true;
  }

  private writeSpurious(value: number, x2apic: boolean): boolean {
    if (!this.writeBits(SVR, value, APIC_SVR_ENABLE | 0xff, x2apic)) return false;
    if ((value & APIC_SVR_ENABLE) === 0) {
      // SDM: Vol. 3, "Local APIC State After It Has Been Software Disabled": the mask bits of all LVT entries are set.
      this.takeUpTimer();
      for (const offset of LVT_OFFSETS) this.words[offset >> 4]! |= APIC_LVT_MASKED;
    }
    return true;
  }

  private writeLvt(offset: number, value: number, x2apic: boolean): boolean {
    const writable = lvtWritable(offset);
    if (x2apic && (value & ~(writable | LVT_READ_ONLY)) !== 0) return false;
    const forced = (this.words[SVR]! & APIC_SVR_ENABLE) === 0 ? APIC_LVT_MASKED : 0;
    const entry = (value & writable) | forced;
    if (offset === APIC_LVT_TIMER) {
      this.takeUpTimer();
      this.timer.writeLvt(entry);
    } else {
      this.words[offset >> 4] = entry;
    }
    return true;
  }

  private takeUpTimer(): void {
    if (this.timer.expire()) this.accept(this.words[APIC_LVT_TIMER >> 4]! & 0xff);
  }

  private noteError(error: number): void {
    this.words[WORD_ERRORS]! |= error;
    const entry = this.words[APIC_LVT_ERROR >> 4]!;
    // An illegal vector in the error entry itself is only noted, or it would raise itself for ever.
    if ((entry & APIC_LVT_MASKED) === 0 && (entry & 0xff) >= 16) this.accept(entry & 0xff);
  }

  /** Keeps PPR and the deliverable vector in step with IRR, ISR and TPR. Always true, for the callers' tail. */
  private update(): true {
    const { words } = this;
    const taskPriority = words[TPR]!;
    const inService = highestVector(words, ISR);
    const serviceClass = inService < 0 ? 0 : inService & 0xf0;
    const priority = (taskPriority & 0xf0) >= serviceClass ? taskPriority : serviceClass;
    words[PPR] = priority;
    const requested = highestVector(words, IRR);
    words[WORD_DELIVERABLE] = requested >> 4 > priority >> 4 ? requested : -1;
    return true;
  }
}
