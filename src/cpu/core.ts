import { APIC_MODE_XAPIC } from '../apic/apicState.ts';
import type { LocalApic } from '../apic/localApic.ts';
import { formatLinear } from '../arch/addresses.ts';
import { RFLAGS_IF, RFLAGS_TF } from '../arch/rflags.ts';

import type { InvalidationBroadcast } from '../mmu/invalidationBroadcast.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { COUNTER_BUSY_CYCLES, COUNTER_IDLE_CYCLES } from '../trace/counters.ts';
import { EVENT_ACTIVITY } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import { AddressMonitor } from './addressMonitor.ts';
import type { CoreCosts } from './costs.ts';
import type { CpuidTable } from './cpuid.ts';
import type { Instruction } from './decode/instruction.ts';
import type { Engine } from './engines/engine.ts';
import { afterStep, beforeStep, deliverPendingDebug, stepsSingly } from './events/debug.ts';
import { raiseFault } from './events/exceptions.ts';
import { recognizeInterrupts } from './events/interrupts.ts';
import type { GuestFault } from './guestFault.ts';
import { FAULT_STOP, guestFault } from './guestFault.ts';
import type { Ports } from './ports.ts';
import type { RemoteActions } from './remoteActions.ts';
import { resetCore } from './reset.ts';
import {
  ACTIVITY_ACTIVE,
  ACTIVITY_MWAIT,
  BLOCKING_BY_MOV_SS,
  BLOCKING_BY_STI,
  type CoreState,
  I32_ACTIVITY,
  I32_CODE_SIZE,
  I32_CPL,
  I32_INTERRUPTIBILITY,
  I32_NON_ROOT,
  I32_RFLAGS,
  signedField,
  U64_RIP,
} from './state.ts';
import { StepWatch } from './stepWatch.ts';
import type { StopReason } from './stop.ts';
import { endMwait } from './system/monitorWait.ts';
import { exitOnEptFault } from './vmx/intercepts.ts';
import { Vmx } from './vmx/vmx.ts';

/** What a core needs of the machine around it. */
export interface CoreSurroundings {
  readonly memory: PhysicalMemory;
  readonly ports: Ports;
  readonly costs: CoreCosts;
  readonly cpuid: CpuidTable;
  readonly probe: Probe;
  /** Where INVLPGB goes; what it sends to this core counts among its messages. */
  readonly broadcast: InvalidationBroadcast;
  /** Hands the messages due at `now` to core `core`'s APIC and to its receiver calls. */
  deliverMessages(core: number, now: number): void;
  /** Time of the earliest undelivered message to `core`; Infinity when there is none. */
  nextMessage(core: number): number;
  /** The machine comes to its end. */
  stop(reason: StopReason): void;
}

/**
 * Host software that runs on a core in VMX root operation: written in TypeScript, it sees the processor as a VMM does.
 * (Machine code in root operation needs none: it is executed like any other.)
 */
export interface HostSoftware {
  /** Does one piece of work and charges its cycles, enters a guest, or halts the core. Called again until the horizon is reached. */
  step(core: Core): void;
  /** Earliest time at which waiting host software wants to run again whatever arrives; Infinity when only a message wakes it. */
  readonly wakeTime: number;
  /** It waits in a loop: the time counts as busy. */
  readonly spinning: boolean;
}

/** One processor core: its state, what it owns, and the loop that runs it. */
export class Core {
  readonly id: number;
  readonly state: CoreState;
  readonly mmu: Mmu;
  readonly apic: LocalApic;
  readonly memory: PhysicalMemory;
  readonly ports: Ports;
  readonly costs: CoreCosts;
  readonly cpuid: CpuidTable;
  readonly probe: Probe;
  readonly surroundings: CoreSurroundings;
  readonly vmx: Vmx;
  /** Undefined on processors without them. */
  remoteActions: RemoteActions | undefined;
  readonly monitor: AddressMonitor;
  engine: Engine;

  /** Engines run blocks while the clock is below this. */
  horizon = 0;
  /** How far the machine lets this core run; the horizon is at most this. */
  limit = 0;
  /** Set when the core must look up from its work at the next block boundary. */
  attention = false;
  /** Execute one instruction only (interrupt shadow). */
  singleStep = false;
  /** ACCESS_USER at CPL 3, else 0: added to the kind of every data access and fetch. */
  userAccess = 0;
  /** Watches the accesses of an instruction that is executed by itself; null while nobody cares. */
  watch: StepWatch | null = null;
  /** DR6.B0–B3 of data breakpoints that MOV SS has put off. */
  pendingDebug = 0;
  /** An NMI waits to be delivered. */
  pendingNmi = false;
  stopped = false;
  /** Host software in root operation, or undefined on a core that only runs machine code. */
  host: HostSoftware | undefined;

  constructor(id: number, state: CoreState, mmu: Mmu, apic: LocalApic, engine: Engine, surroundings: CoreSurroundings) {
    this.id = id;
    this.state = state;
    this.mmu = mmu;
    this.apic = apic;
    this.engine = engine;
    this.surroundings = surroundings;
    this.memory = surroundings.memory;
    this.ports = surroundings.ports;
    this.costs = surroundings.costs;
    this.cpuid = surroundings.cpuid;
    this.probe = surroundings.probe;
    this.vmx = new Vmx();
    this.monitor = new AddressMonitor(this.memory);
    resetCore(this);
  }

  get clock(): number {
    return this.state.clock[0]!;
  }

  get codeSize(): number {
    return this.state.i32[I32_CODE_SIZE]!;
  }

  get cpl(): number {
    return this.state.i32[I32_CPL]!;
  }

  get nonRoot(): boolean {
    return this.state.i32[I32_NON_ROOT] !== 0;
  }

  /** RIP as a signed number. */
  get rip(): number {
    return signedField(this.state.i32, U64_RIP);
  }

  charge(cycles: number): void {
    this.state.clock[0]! += cycles;
  }

  /** Time of the next thing that concerns this core from outside: a message, its timer, the VMX-preemption timer, a store that MWAIT waits for. */
  nextAlarm(): number {
    const alarm = Math.min(this.surroundings.nextMessage(this.id), this.apic.timerDeadline, this.vmx.preemptionDeadline);
    return this.state.i32[I32_ACTIVITY] === ACTIVITY_MWAIT ? Math.min(alarm, this.monitor.wakeTime) : alarm;
  }

  /** Earliest time at which the core has something to do; Infinity when only a message could give it work. */
  readyTime(): number {
    if (this.stopped) return Number.POSITIVE_INFINITY;
    if (this.state.i32[I32_ACTIVITY] === ACTIVITY_ACTIVE && !(this.host && !this.nonRoot && this.host.wakeTime > this.clock))
      return this.clock;
    const wake = this.host && !this.nonRoot ? this.host.wakeTime : Number.POSITIVE_INFINITY;
    return Math.max(this.clock, Math.min(wake, this.nextAlarm()));
  }

  /**
   * Runs until the clock reaches `limit` or there is nothing to do before it. Time never goes back; idle time is counted as it passes.
   */
  run(limit: number): void {
    const { state } = this;
    this.limit = limit;
    while (!this.stopped && state.clock[0]! < this.limit) {
      this.attention = false;
      let alarm = this.nextAlarm();
      if (alarm <= state.clock[0]!) {
        this.takeAlarms();
        if (this.stopped) return;
        alarm = this.nextAlarm();
      }
      if (this.host !== undefined && !this.nonRoot) {
        const { wakeTime } = this.host;
        if (wakeTime > state.clock[0]!) {
          if (!this.idleUntil(Math.min(wakeTime, alarm))) return;
        } else {
          const before = state.clock[0]!;
          this.host.step(this);
          state.counters[COUNTER_BUSY_CYCLES]! += state.clock[0]! - before;
        }
        continue;
      }
      const before = state.clock[0]!;
      if ((this.pendingDebug !== 0 && deliverPendingDebug(this)) || recognizeInterrupts(this)) {
        state.counters[COUNTER_BUSY_CYCLES]! += state.clock[0]! - before;
        continue;
      }
      if (state.i32[I32_ACTIVITY] !== ACTIVITY_ACTIVE) {
        if (!this.idleUntil(alarm)) return;
        continue;
      }
      const blocking = state.i32[I32_INTERRUPTIBILITY]!;
      this.singleStep = (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) !== 0;
      if (this.singleStep) state.i32[I32_INTERRUPTIBILITY]! &= ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS);
      this.horizon = Math.min(this.limit, alarm);
      if (stepsSingly(this)) this.step((blocking & BLOCKING_BY_MOV_SS) !== 0);
      else this.engine.run(this);
      state.counters[COUNTER_BUSY_CYCLES]! += state.clock[0]! - before;
    }
  }

  /** Executes one instruction, and delivers the debug exceptions around it. */
  private step(afterStackSwitch: boolean): void {
    if (beforeStep(this, afterStackSwitch)) return;
    const traced = (this.state.i32[I32_RFLAGS]! & RFLAGS_TF) !== 0;
    const watch = new StepWatch(this);
    this.watch = watch;
    this.singleStep = true;
    this.engine.run(this);
    this.watch = null;
    afterStep(this, watch, traced);
  }

  /**
   * Lets idle time pass to `time`, or to the limit. True iff `time` was reached. In MWAIT nothing passes before `time`: a store may still end the wait
   * at any time after those of the cores that have yet to run.
   */
  private idleUntil(time: number): boolean {
    const { state } = this;
    const reached = time < this.limit;
    if (!reached && state.i32[I32_ACTIVITY] === ACTIVITY_MWAIT) return false;
    const until = reached ? Math.max(time, state.clock[0]!) : this.limit;
    if (until === Number.POSITIVE_INFINITY) return false;
    const busy = this.host !== undefined && !this.nonRoot && this.host.spinning;
    state.counters[busy ? COUNTER_BUSY_CYCLES : COUNTER_IDLE_CYCLES]! += until - state.clock[0]!;
    state.clock[0] = until;
    return reached;
  }

  /** Messages that are due arrive; timers that are due fire. */
  private takeAlarms(): void {
    const now = this.clock;
    if (this.surroundings.nextMessage(this.id) <= now) this.surroundings.deliverMessages(this.id, now);
    if (this.apic.timerDeadline <= now) this.apic.timerExpired();
    if (this.vmx.preemptionDeadline <= now) this.vmx.preemptionExpired(this);
    if (this.state.i32[I32_ACTIVITY] === ACTIVITY_MWAIT && this.monitor.wakeTime <= now) endMwait(this);
  }

  /** The core may run no further than `time` in this turn: another core has something to do then. */
  shorten(time: number): void {
    if (time < this.limit) this.limit = time;
    if (time < this.horizon) this.horizon = time;
  }

  /** RIP moves past an instruction. In 16- and 32-bit code RIP is truncated to 32 bits. */
  retire(insn: Instruction): void {
    const next = this.state.u64[U64_RIP]! + BigInt(insn.length);
    this.state.u64[U64_RIP] = this.codeSize === 64 ? next : next & 0xffff_ffffn;
  }

  /** Raises an exception; does not return. `errorCode` is -1 for vectors that push none. */
  raise(vector: number, errorCode = -1): never {
    throw guestFault.set(vector, errorCode);
  }

  /** Deals with what an engine caught: delivers the exception, or leaves the guest. */
  deliverFault(fault: GuestFault): void {
    if (fault.vector < 0x100) raiseFault(this, fault.vector, fault.errorCode, fault.la);
    else if (fault.vector !== FAULT_STOP) exitOnEptFault(this, fault);
    this.attention = true;
  }

  /** An instruction that the machine does not implement stops it. */
  stopUnimplemented(what: Instruction | string, bytes: Uint8Array | string = ''): never {
    const text = typeof bytes === 'string' ? bytes : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const rip = formatLinear(this.rip);
    this.stop({ kind: 'unimplemented', core: this.id, rip, bytes: text, what: typeof what === 'string' ? what : what.form });
    throw guestFault.set(FAULT_STOP, -1);
  }

  stop(reason: StopReason): void {
    this.stopped = true;
    this.attention = true;
    this.surroundings.stop(reason);
  }

  setActivity(activity: number): void {
    if (this.state.i32[I32_ACTIVITY] === activity) return;
    this.state.i32[I32_ACTIVITY] = activity;
    if (this.probe.mask & (1 << EVENT_ACTIVITY)) this.probe.event(EVENT_ACTIVITY, this.id, this.clock, activity, this.rip, 0, 0);
  }

  get interruptsEnabled(): boolean {
    return (this.state.i32[I32_RFLAGS]! & RFLAGS_IF) !== 0;
  }

  /** Loads from host-physical memory or a device. */
  loadPhysical(bytes: 1 | 2 | 4 | 8, hpa: number): bigint {
    if (!this.memory.contains(hpa, bytes)) return this.loadDevice(hpa, bytes * 8);
    const { view } = this.memory;
    switch (bytes) {
      case 1:
        return BigInt(view.getUint8(hpa));
      case 2:
        return BigInt(view.getUint16(hpa, true));
      case 4:
        return BigInt(view.getUint32(hpa, true));
      case 8:
        return view.getBigUint64(hpa, true);
    }
  }

  /** Stores to host-physical memory or a device; `value` is truncated. */
  storePhysical(bytes: 1 | 2 | 4 | 8, hpa: number, value: bigint): void {
    if (!this.memory.contains(hpa, bytes)) return this.storeDevice(hpa, bytes * 8, value);
    const { view } = this.memory;
    if (bytes === 8) view.setBigUint64(hpa, value, true);
    else if (bytes === 4) view.setUint32(hpa, Number(value & 0xffff_ffffn), true);
    else if (bytes === 2) view.setUint16(hpa, Number(value & 0xffffn), true);
    else view.setUint8(hpa, Number(value & 0xffn));
    if (this.memory.codePages[hpa >>> 12] !== 0) this.memory.markedWritten(hpa, bytes);
  }

  /** Reads the xAPIC page; elsewhere outside RAM nothing answers and all ones are read. `width` in bits. */
  loadDevice(hpa: number, width: number): bigint {
    if (this.isApicPage(hpa)) {
      this.charge(this.costs.apicAccess);
      return BigInt.asUintN(width, BigInt(this.apic.read(hpa & 0xff0)));
    }
    return (1n << BigInt(width)) - 1n;
  }

  /** Writes the xAPIC page; elsewhere outside RAM the write is lost. */
  storeDevice(hpa: number, _width: number, value: bigint): void {
    if (!this.isApicPage(hpa)) return;
    this.charge(this.costs.apicAccess);
    this.apic.write(hpa & 0xff0, Number(value & 0xffff_ffffn));
    this.attention = true;
  }

  private isApicPage(hpa: number): boolean {
    return this.apic.mode === APIC_MODE_XAPIC && Math.floor(hpa / 4096) === Math.floor(this.apic.base / 4096);
  }
}
