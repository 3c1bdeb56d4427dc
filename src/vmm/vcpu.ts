import { LocalApic } from '../apic/localApic.ts';
import { XCR0_RESET } from '../arch/extendedState.ts';
import { MXCSR_RESET } from '../arch/mxcsr.ts';
import { X87_CONTROL_INITIAL, X87_CONTROL_RESET } from '../arch/x87.ts';
import { U64_XCR0 } from '../cpu/state.ts';
import type { Vmcs } from '../cpu/vmx/vmcs.ts';
import { FlushQueue } from './flushQueue.ts';
import type { HypercallCall } from './hypercalls/hypercall.ts';
import type { Pcpu } from './pcpu.ts';
import { SharedRecord } from './sharedRecord.ts';
import type { Vm } from './vm.ts';

/**
 * What a vCPU is doing, as the scheduler sees it.
 *
 * Deviation: the state of a vCPU is a word in memory; like every store of the machine, a change is visible to other cores at once, though their clocks may
 * differ by up to a quantum.
 */
export type VcpuState = 'running' | 'runnable' | 'halted' | 'waitForSipi' | 'stopped';

/** A virtual processor: its VMCS, what a VMCS does not hold, its virtual APIC, and its accounts. */
export class Vcpu {
  readonly vm: Vm;
  /** Number in its VM, and its APIC id there. */
  readonly id: number;
  readonly vmcs: Vmcs;
  /** Never shared: translations stay apart by it. */
  readonly vpid: number;
  /** Virtual local APIC; `clock[0]` is brought up to date before it is touched. */
  readonly apic: LocalApic;
  readonly clock = new Float64Array(1);
  /** General-purpose registers and switched MSRs while the vCPU is not on a core (RSP is in the VMCS). */
  readonly registers = new BigUint64Array(64);
  /** Vector registers and MXCSR, likewise. */
  readonly xmm = new BigUint64Array(32);
  mxcsr = MXCSR_RESET;
  /** x87 registers; control and status words, registers in use, last opcode. Its last addresses are among `registers`. */
  readonly x87 = new BigUint64Array(16);
  readonly x87Words = Int32Array.of(X87_CONTROL_RESET, 0, 0xff, 0);
  /** Its share of a core under a fair scheduler, beside those of others. */
  weight = 1024;
  state: VcpuState;
  /** The physical core it is scheduled on; and the one where it last ran, where its translations live. */
  home: Pcpu;
  lastRan: Pcpu | undefined;
  /** An event whose delivery a VM exit cut off: interruption information, error code and instruction length to inject again; 0 = none. */
  reinject = 0;
  reinjectErrorCode = 0;
  reinjectLength = 0;
  /** A virtual NMI waits to be injected. */
  pendingNmi = false;
  /** Vector of a STARTUP that came while the state before its INIT was still on a core; -1 = none. */
  pendingStartup = -1;
  /** Where it was when it was preempted last. */
  preemptedInKernel = true;
  /** It has given way in a PAUSE exit and has not run since: whoever looks for a vCPU to boost passes it over, at least the first time. */
  givesWay = false;
  passedOver = false;
  /** A kick came while it was not halted: its next HLT ends at once. */
  kicked = false;
  /** Records that the guest shares with the hypervisor (vmm/guestEntry), and whether the first has something to be told. */
  readonly stealTime = new SharedRecord();
  stealDue = false;
  readonly vcpuState = new SharedRecord();
  /** Flushes to be carried out before the next VM entry. */
  readonly flushes = new FlushQueue();
  /** The hypercall under way, if one is waiting for something. */
  call: HypercallCall | undefined;

  /**
   * Cycles so far, by state: on a core; runnable and waiting for one; halted; not started yet or stopped. Together they are the time that has passed.
   * And since when the present one lasts.
   */
  runCycles = 0;
  stealCycles = 0;
  haltCycles = 0;
  offlineCycles = 0;
  since = 0;

  constructor(vm: Vm, id: number, vpid: number, vmcs: Vmcs, home: Pcpu, cyclesPerTick: number) {
    this.vm = vm;
    this.id = id;
    this.vpid = vpid;
    this.vmcs = vmcs;
    this.home = home;
    this.state = id === 0 ? 'runnable' : 'waitForSipi';
    this.registers[U64_XCR0] = XCR0_RESET;
    this.apic = new LocalApic({ id, bus: vm.interconnect, clock: this.clock, cyclesPerTick });
  }

  /** Its x87 unit is as after FNINIT, as firmware leaves it. */
  initializeX87(): void {
    this.x87.fill(0n);
    this.x87Words.set([X87_CONTROL_INITIAL, 0, 0, 0]);
  }

  /** The state changes at time `now`; the time in the old one is put to its account. */
  enterState(state: VcpuState, now: number): void {
    this.settle(now);
    this.state = state;
  }

  /** Accounts are complete up to `now`. */
  settle(now: number): void {
    const cycles = Math.max(0, now - this.since);
    if (this.state === 'running') this.runCycles += cycles;
    else if (this.state === 'runnable') this.stealCycles += cycles;
    else if (this.state === 'halted') this.haltCycles += cycles;
    else this.offlineCycles += cycles;
    this.since = Math.max(this.since, now);
  }

  /** The virtual APIC's clock is the core's. */
  syncClock(now: number): void {
    if (now > this.clock[0]!) this.clock[0] = now;
  }
}
