import { APIC_EOI, DELIVERY_FIXED } from '../arch/apicRegisters.ts';
import { EXIT_EXTERNAL_INTERRUPT } from '../arch/exitReasons.ts';
import { VMCS_ENTRY_INTERRUPTION_INFO, VMCS_EXIT_INTERRUPTION_INFO, VMCS_EXIT_REASON, VMCS_GUEST_RIP } from '../arch/vmcs.ts';
import { INTERRUPTION_VECTOR } from '../arch/vmxControls.ts';
import type { Core, HostSoftware } from '../cpu/core.ts';
import { signedNumber } from '../cpu/linearMemory.ts';
import { vmEntry } from '../cpu/vmx/entry.ts';
import { EVENT_HYPERCALL_END, EVENT_VCPU_RUN, EVENT_VCPU_STOP, EVENT_VM_ENTRY } from '../trace/events.ts';
import { handleExit } from './exits/dispatch.ts';
import { resetPauseWindow } from './exits/pause.ts';
import { completeHypercall } from './exits/vmcall.ts';
import { entersGuest, leavesCore, leavesGuest } from './guestEntry.ts';
import { cplOf } from './guestMode.ts';
import { prepareInjection } from './injection.ts';
import type { Scheduler } from './schedulers/scheduler.ts';
import { loadVcpu, saveVcpu } from './switch.ts';
import { flushOfContext, flushTranslations, type TranslationFlush } from './translationFlush.ts';
import type { Vcpu } from './vcpu.ts';
import type { Vmm } from './vmm.ts';

/** Host interrupt vectors. */
export const VECTOR_HOST_TIMER = 0xec;
/** Another core changed something this core must look at. */
export const VECTOR_HOST_RESCHEDULE = 0xfd;
/** A function call waits in the queue. */
export const VECTOR_HOST_CALL = 0xfb;

/** What another core has done that concerns this one's scheduler; it takes effect with the host IPI that says so. */
interface Notice {
  /** `changed`: the vCPU, which lives here, is runnable or has ceased to be; `boost`: it shall run next. */
  readonly kind: 'changed' | 'boost';
  readonly vcpu: Vcpu;
  /** When its IPI arrives. */
  readonly due: number;
}

/** A function call from another core: flushes to carry out; without any, the interrupt itself is what it is for. */
interface RemoteCall {
  readonly initiator: Pcpu;
  readonly flushes: readonly TranslationFlush[];
}

/**
 * The VMM on one physical core: takes host interrupts, handles VM exits, carries on what a vCPU waits for, schedules, enters guests.
 * It advances in steps of the machine's core loop; between steps everything it knows is data.
 */
export class Pcpu implements HostSoftware {
  readonly core: Core;
  readonly vmm: Vmm;
  scheduler!: Scheduler;
  /** The vCPU whose state is on this core, or undefined. */
  current: Vcpu | undefined;
  /** vCPUs that live here, for their timers. */
  readonly residents: Vcpu[] = [];
  /** Notices from other cores, in order of their sending. */
  private readonly notices: Notice[] = [];
  /** Calls from other cores, in order of arrival. */
  private readonly calls: RemoteCall[] = [];
  /** Waiting for remote calls of our own: until this time at least; Infinity while they are not done, -1 when nothing is awaited. */
  private awaitUntil = -1;
  /** Remote calls of our own that are not done yet, and when the latest of the others is seen to be done. */
  private outstanding = 0;
  private lastSeen = 0;
  /** A VM exit has happened and is not handled yet. */
  private exitPending = false;
  /** Nothing is runnable. */
  private idle = false;

  constructor(core: Core, vmm: Vmm) {
    this.core = core;
    this.vmm = vmm;
  }

  get id(): number {
    return this.core.id;
  }

  /** Host software of this core has work at once (0), at a known time, or only when something arrives (Infinity). */
  get wakeTime(): number {
    if (this.core.apic.pending() >= 0) return 0;
    if (this.awaitUntil >= 0) return this.awaitUntil;
    return this.idle ? Number.POSITIVE_INFINITY : 0;
  }

  /** Waiting in a loop rather than halted. */
  get spinning(): boolean {
    return this.awaitUntil >= 0;
  }

  step(core: Core): void {
    if (core.apic.pending() >= 0) this.takeInterrupt(core.apic.acknowledge());
    else if (this.exitPending) {
      this.exitPending = false;
      this.handleExit();
    } else if (this.awaitUntil >= 0) {
      this.awaitUntil = -1;
      this.continueCall();
    } else this.schedule();
  }

  /** True iff the hypercall under way must wait for remote calls or for a time. */
  get waiting(): boolean {
    return this.awaitUntil >= 0;
  }

  /** The flushes are carried out on another core, and this one waits until they are. Several calls at once are waited for together. */
  callRemote(target: Pcpu, flushes: readonly TranslationFlush[]): void {
    this.core.charge(this.vmm.costs.remoteCall);
    target.calls.push({ initiator: this, flushes });
    this.outstanding++;
    this.awaitUntil = Number.POSITIVE_INFINITY;
    this.sendIpi(target, VECTOR_HOST_CALL);
  }

  /** A remote call of this core is done, as it sees at time `seen`. */
  private callDone(seen: number): void {
    this.lastSeen = Math.max(this.lastSeen, seen);
    if (--this.outstanding > 0) return;
    this.awaitUntil = this.lastSeen;
    this.vmm.machine.wakeAt(this.core, this.lastSeen);
  }

  /** A host interrupt for another core, through the local APICs. */
  sendIpi(target: Pcpu, vector: number): void {
    this.core.charge(this.vmm.costs.apicAccess);
    this.core.apic.writeIcr((DELIVERY_FIXED << 8) | (1 << 14) | vector, target.core.apic.id);
  }

  /** Makes this core look at its queue again; `from` is the core that changed it. */
  reschedule(from: Pcpu): void {
    if (from === this) this.idle = false;
    else from.sendIpi(this, VECTOR_HOST_RESCHEDULE);
  }

  /** The scheduler of this core learns, when the IPI arrives, what `from` has done to a vCPU that lives here; at once on its own core. */
  notify(from: Pcpu, kind: Notice['kind'], vcpu: Vcpu): void {
    if (from === this) {
      this.heed(kind, vcpu);
      this.idle = false;
      return;
    }
    from.sendIpi(this, VECTOR_HOST_RESCHEDULE);
    this.notices.push({ kind, vcpu, due: from.core.clock + this.vmm.costs.ipiLatency });
  }

  private heed(kind: Notice['kind'], vcpu: Vcpu): void {
    const now = this.core.clock;
    if (kind === 'boost') {
      if (vcpu.state === 'runnable') this.scheduler.boost(vcpu, now);
    } else if (vcpu.state === 'runnable' || vcpu.state === 'running') this.scheduler.enqueue(vcpu, now);
    else this.scheduler.remove(vcpu, now);
  }

  /** Notices whose IPI has arrived; a core that is ahead may have sent more. */
  private readNotices(): void {
    const { notices } = this;
    while (notices.length > 0 && notices[0]!.due <= this.core.clock) {
      const { kind, vcpu } = notices.shift()!;
      this.heed(kind, vcpu);
    }
  }

  /** Host interrupt handler. */
  private takeInterrupt(vector: number): void {
    const { core } = this;
    core.charge(this.vmm.costs.hostInterrupt);
    core.apic.write(APIC_EOI, 0);
    this.idle = false;
    if (vector === VECTOR_HOST_CALL) this.serveCalls();
    else if (vector === VECTOR_HOST_RESCHEDULE) this.readNotices();
  }

  /** Every queued call is carried out, and its initiator sees so a cache-line transfer later. */
  private serveCalls(): void {
    for (let call = this.calls.shift(); call !== undefined; call = this.calls.shift()) {
      for (const flush of call.flushes) flushTranslations(this.core, flush);
      call.initiator.callDone(this.core.clock + this.vmm.costs.cacheLineTransfer);
    }
  }

  private handleExit(): void {
    const { core } = this;
    const vcpu = this.current!;
    const { vmcs } = vcpu;
    const reason = vmcs.readNumber(VMCS_EXIT_REASON);
    vcpu.vm.exits[reason & 63]!++;
    vcpu.syncClock(core.clock);
    leavesGuest(this, vcpu);
    core.charge(this.vmm.costs.exitDispatch);
    if (reason === EXIT_EXTERNAL_INTERRUPT) this.takeInterrupt(vmcs.readNumber(VMCS_EXIT_INTERRUPTION_INFO) & INTERRUPTION_VECTOR);
    // An INIT has come while the guest ran: what it left for does not matter any more.
    else if (vcpu.state !== 'waitForSipi') handleExit(this, vcpu, reason);
    vcpu.syncClock(core.clock);
  }

  /** A hypercall goes on, after what it waited for. */
  continueCall(): void {
    const vcpu = this.current;
    const call = vcpu?.call;
    if (vcpu === undefined || call === undefined) return;
    if (!this.vmm.hypercalls.get(call.number)!.advance(call, this)) return;
    vcpu.call = undefined;
    completeHypercall(this, vcpu, call.result);
    const { probe, clock } = this.core;
    if (probe.mask & (1 << EVENT_HYPERCALL_END)) {
      probe.event(EVENT_HYPERCALL_END, this.id, clock, call.number, vcpu.vm.id, vcpu.id, clock - call.started);
    }
  }

  /** Puts the vCPU that the scheduler picks on the core, and enters it; or goes idle. */
  private schedule(): void {
    this.fireTimers();
    if (this.current?.state === 'waitForSipi') this.dropReset(this.current);
    const next = this.pick();
    if (next !== this.current) this.switchTo(next);
    this.armTimer();
    if (next === undefined) {
      this.idle = true;
      return;
    }
    this.enter(next);
  }

  /** The vCPU to run; one that another core has stopped, of which the notice is still on its way, is not runnable. */
  private pick(): Vcpu | undefined {
    const { scheduler, core } = this;
    let vcpu = scheduler.pick(core.clock);
    while (vcpu !== undefined && vcpu.state !== 'runnable' && vcpu.state !== 'running') {
      scheduler.remove(vcpu, core.clock);
      vcpu = scheduler.pick(core.clock);
    }
    return vcpu;
  }

  /** The vCPU, which an INIT has reset, is on no core; it starts if a STARTUP is waiting for that. */
  private dropReset(vcpu: Vcpu): void {
    this.switchTo(undefined);
    this.vmm.start(vcpu, this);
  }

  private switchTo(next: Vcpu | undefined): void {
    const { core } = this;
    const { probe } = core;
    if (this.current !== undefined) {
      const previous = this.current;
      saveVcpu(core, previous);
      leavesCore(this, previous);
      if (previous.state === 'running') {
        previous.enterState('runnable', core.clock);
        previous.preemptedInKernel = cplOf(previous) === 0;
      }
      if (probe.mask & (1 << EVENT_VCPU_STOP)) {
        probe.event(EVENT_VCPU_STOP, this.id, core.clock, previous.vm.id, previous.id, previous.state === 'runnable' ? 1 : 0, 0);
      }
    }
    this.current = next;
    if (next === undefined) return;
    core.charge(this.vmm.costs.vcpuSwitch);
    loadVcpu(core, next);
    resetPauseWindow(this.vmm, next);
    if (next.lastRan !== undefined && next.lastRan !== this) {
      // Entries left on this core from an earlier stay must not come back to life.
      flushTranslations(core, flushOfContext(next));
    }
    next.lastRan = this;
    next.enterState('running', core.clock);
    if (probe.mask & (1 << EVENT_VCPU_RUN)) probe.event(EVENT_VCPU_RUN, this.id, core.clock, next.vm.id, next.id, 0, 0);
  }

  private enter(vcpu: Vcpu): void {
    const { core } = this;
    vcpu.syncClock(core.clock);
    vcpu.givesWay = false;
    prepareInjection(vcpu);
    entersGuest(this, vcpu);
    const { probe } = core;
    if (probe.mask & (1 << EVENT_VM_ENTRY)) {
      const event = vcpu.vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO);
      probe.event(EVENT_VM_ENTRY, this.id, core.clock, vcpu.vm.id, vcpu.id, signedNumber(vcpu.vmcs.read(VMCS_GUEST_RIP)), event);
    }
    this.exitPending = true;
    const failure = vmEntry(core);
    if (failure === undefined) return;
    this.exitPending = false;
    this.vmm.endByFault(vcpu, { kind: 'entry-failure', core: this.id, detail: `VM ${vcpu.vm.id} vCPU ${vcpu.id}: ${failure}` }, this);
  }

  /** Virtual APIC timers that are due fire; a halted vCPU with a deliverable interrupt wakes. */
  private fireTimers(): void {
    const now = this.core.clock;
    for (const vcpu of this.residents) {
      if (vcpu.apic.timerDeadline > now || vcpu.state === 'stopped') continue;
      vcpu.syncClock(now);
      vcpu.apic.timerExpired();
      this.vmm.wakeIfPending(vcpu, this);
    }
  }

  /** The host timer fires at the end of the slice or at the next virtual timer, whichever is first. */
  private armTimer(): void {
    let deadline = this.scheduler.deadline;
    for (const vcpu of this.residents) if (vcpu.state !== 'stopped') deadline = Math.min(deadline, vcpu.apic.timerDeadline);
    this.core.apic.writeTscDeadline(deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(deadline)));
  }
}
