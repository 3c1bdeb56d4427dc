import {
  APIC_LVT_MASKED,
  APIC_LVT_TIMER,
  APIC_LVT_TIMER_MODE_SHIFT,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TIMER_PERIODIC,
  APIC_TIMER_TSC_DEADLINE,
} from '../arch/apicRegisters.ts';
import { type ApicState, F64_TIMER_EXPIRY } from './apicState.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Divisor that a divide configuration selects: bits 3, 1 and 0 as a number 0–6 for 2–128, 7 for 1. SDM: Vol. 3, "APIC Timer". */
export function timerDivisor(configuration: number): number {
  const selector = (configuration & 3) | ((configuration >> 1) & 4);
  return selector === 7 ? 1 : 2 << selector;
}

/**
 * The timer of a local APIC. It never counts: all it keeps is the local time of its next expiry, from which the current count follows.
 *
 * SDM: Vol. 3, "APIC Timer"; "TSC-Deadline Mode".
 */
export class ApicTimer {
  /** `clock[0]` is the time in cycles. A VMM that moves a virtual processor points this at the clock the processor now lives by. */
  clock: Float64Array;
  private readonly state: ApicState;
  /** Cycles of one tick before division. */
  private readonly cyclesPerTick: number;

  constructor(state: ApicState, clock: Float64Array, cyclesPerTick: number) {
    if (!(cyclesPerTick > 0)) throw new RangeError(`a timer tick of ${cyclesPerTick} cycles`);
    this.state = state;
    this.clock = clock;
    this.cyclesPerTick = cyclesPerTick;
  }

  /** Local time at which the timer next wants to interrupt; Infinity when it does not run or is masked. */
  get deadline(): number {
    return (this.state.words[APIC_LVT_TIMER >> 4]! & APIC_LVT_MASKED) !== 0 ? NEVER : this.state.f64[F64_TIMER_EXPIRY]!;
  }

  /** The current-count register, 32 bits unsigned; 0 in TSC-deadline mode. */
  get currentCount(): number {
    if (this.mode === APIC_TIMER_TSC_DEADLINE) return 0;
    const expiry = this.state.f64[F64_TIMER_EXPIRY]!;
    if (expiry === NEVER) return 0;
    const now = this.clock[0]!;
    const tick = this.tickCycles;
    if (now < expiry) return Math.ceil((expiry - now) / tick);
    // The expiry is due but not yet taken up: a one-shot stands at 0, a periodic one has started again.
    if (this.mode !== APIC_TIMER_PERIODIC) return 0;
    return this.initialCount - Math.floor(((now - expiry) % (this.initialCount * tick)) / tick);
  }

  /** The deadline in TSC-deadline mode as local time; 0 when disarmed or in another mode. */
  get tscDeadline(): number {
    const expiry = this.state.f64[F64_TIMER_EXPIRY]!;
    return this.mode === APIC_TIMER_TSC_DEADLINE && expiry !== NEVER ? expiry : 0;
  }

  /** The timer counts down from `count`; 0 stops it. Ignored in TSC-deadline mode. */
  writeInitialCount(count: number): void {
    if (this.mode === APIC_TIMER_TSC_DEADLINE) return;
    this.state.words[APIC_TIMER_INITIAL >> 4] = count;
    this.state.f64[F64_TIMER_EXPIRY] = count === 0 ? NEVER : this.clock[0]! + (count >>> 0) * this.tickCycles;
  }

  /** The rest of the current count runs with the new divisor. */
  writeDivide(configuration: number): void {
    const rest = this.currentCount;
    this.state.words[APIC_TIMER_DIVIDE >> 4] = configuration & 0xb;
    if (rest !== 0) this.state.f64[F64_TIMER_EXPIRY] = this.clock[0]! + rest * this.tickCycles;
  }

  /** The timer interrupts at this local time (the caller has subtracted the TSC's offset); 0 disarms. Ignored outside TSC-deadline mode. */
  writeTscDeadline(cycles: number): void {
    if (this.mode === APIC_TIMER_TSC_DEADLINE) this.state.f64[F64_TIMER_EXPIRY] = cycles === 0 ? NEVER : cycles;
  }

  /** The LVT entry is `value`; a change of mode disarms the timer. */
  writeLvt(value: number): void {
    const before = this.mode;
    this.state.words[APIC_LVT_TIMER >> 4] = value;
    if (this.mode !== before) this.state.f64[F64_TIMER_EXPIRY] = NEVER;
  }

  /** Takes up an expiry that is due; true iff it interrupts. Periods that passed unseen make one interrupt, as a set IRR bit would. */
  expire(): boolean {
    const { f64 } = this.state;
    const expiry = f64[F64_TIMER_EXPIRY]!;
    const now = this.clock[0]!;
    if (now < expiry) return false;
    if (this.mode === APIC_TIMER_PERIODIC) {
      const period = this.initialCount * this.tickCycles;
      f64[F64_TIMER_EXPIRY] = expiry + (Math.floor((now - expiry) / period) + 1) * period;
    } else {
      f64[F64_TIMER_EXPIRY] = NEVER;
    }
    return (this.state.words[APIC_LVT_TIMER >> 4]! & APIC_LVT_MASKED) === 0;
  }

  private get mode(): number {
    return (this.state.words[APIC_LVT_TIMER >> 4]! >> APIC_LVT_TIMER_MODE_SHIFT) & 3;
  }

  private get initialCount(): number {
    return this.state.words[APIC_TIMER_INITIAL >> 4]! >>> 0;
  }

  private get tickCycles(): number {
    return this.cyclesPerTick * timerDivisor(this.state.words[APIC_TIMER_DIVIDE >> 4]!);
  }
}
