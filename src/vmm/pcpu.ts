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
import { type Notice, NoticeQueue } from './notice.ts';
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
  /** From other cores. */
  private readonly notices = new NoticeQueue();
  /** Calls from other cores, in order of arrival. */
  private readonly calls: RemoteCall[] = [];
  /** Waiting for remote calls of our own: until this time at least; Infinity while they are not done, -1 when nothing is awaited. */
  private awaitUntil = -1;
  /** Remote calls of our own that are not done yet, and when the latest of the others is seen to be done. */
  private outstanding = 0;
  private lastSeen = 0;
  /** Cores with a remote action request of ours that we have not seen done (vmm/remoteFlushes). */
  readonly requested: Pcpu[] = [];
  /** A VM exit has happened and is not handled yet. */
  private exitPending = false;
  /** Nothing is runnable. */
  private idle = false;
  /** When an idle core looks for work again; 0 while it is not idle, Infinity when it has looked twice. */
  private nextLook = 0;

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

  /** The hypercall under way goes on at that time. */
  waitUntil(time: number): void {
    this.awaitUntil = time;
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

  /** This core learns, when the IPI arrives, what `from` has done or wants; at once from itself. */
  notify(from: Pcpu, notice: Notice): void {
    if (from === this) {
      this.heed(notice);
      this.idle = false;
      return;
    }
    from.sendIpi(this, VECTOR_HOST_RESCHEDULE);
    this.notices.send(notice, from.core.clock + this.vmm.costs.ipiLatency);
  }

  private heed(notice: Notice): void {
    const { scheduler, core, vmm } = this;
    switch (notice.kind) {
      case 'changed':
        this.heedChange(notice.vcpu);
        break;
      case 'boost':
        if (notice.vcpu.state === 'runnable') scheduler.boost(notice.vcpu, core.clock);
        break;
      case 'pull': {
        const to = vmm.pcpus[notice.core]!;
        if (scheduler.load > 1) this.giveTo(to, (vcpu) => vmm.placement.mayMove(vcpu, to));
        break;
      }
      case 'word':
        scheduler.told?.(notice.word, core.clock);
        break;
    }
    this.postLoad();
  }

  private heedChange(vcpu: Vcpu): void {
    const { scheduler, core } = this;
    const here = vcpu.home === this;
    if (here && (vcpu.state === 'runnable' || vcpu.state === 'running')) {
      if (!this.residents.includes(vcpu)) this.residents.push(vcpu);
      scheduler.enqueue(vcpu, core.clock);
      if (scheduler.load > 1) this.vmm.placement.crowded(this);
    } else scheduler.remove(vcpu, core.clock);
  }

  /** One of the vCPUs that wait here, if one may, lives on core `to` from now on. */
  giveTo(to: Pcpu, mayLeave: (vcpu: Vcpu) => boolean): void {
    // One whose registers are still on this core cannot go.
    const vcpu = this.scheduler.spare(this.core.clock, (waiting) => waiting !== this.current && mayLeave(waiting));
    if (vcpu === undefined) return;
    this.core.charge(this.vmm.costs.vcpuMove);
    vcpu.home = to;
    to.notify(this, { kind: 'changed', vcpu });
  }

  private postLoad(): void {
    this.vmm.loads.post(this.id, this.core.clock, this.scheduler.load);
  }

  private readNotices(): void {
    for (let notice = this.notices.take(this.core.clock); notice !== undefined; notice = this.notices.take(this.core.clock))
      this.heed(notice);
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
    if (next !== this.current) {
      this.switchTo(next);
      if (this.scheduler.load > 1) this.vmm.placement.crowded(this);
    } else if (next?.state === 'runnable') next.enterState('running', this.core.clock);
    this.lookForWork(next === undefined);
    this.postLoad();
    this.armTimer();
    if (next === undefined) {
      this.idle = true;
      return;
    }
    this.enter(next);
  }

  /** An idle core that may get vCPUs from others looks twice: what they did at the same time it knows one message latency later. */
  private lookForWork(idle: boolean): void {
    const { placement, costs } = this.vmm;
    if (!placement.moves) return;
    const { clock } = this.core;
    if (!idle) this.nextLook = 0;
    else if (clock >= this.nextLook) {
      placement.idle(this);
      this.nextLook = this.nextLook === 0 ? clock + costs.ipiLatency + 1 : Number.POSITIVE_INFINITY;
    }
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
    this.forgetMoved();
    for (const vcpu of this.residents) {
      if (vcpu.apic.timerDeadline > now || vcpu.state === 'stopped') continue;
      vcpu.syncClock(now);
      vcpu.apic.timerExpired();
      this.vmm.wakeIfPending(vcpu, this);
    }
  }

  /** Who lives elsewhere now has its timers there. */
  private forgetMoved(): void {
    const { residents } = this;
    for (let at = residents.length - 1; at >= 0; at--) if (residents[at]!.home !== this) residents.splice(at, 1);
  }

  /** The host timer fires at the end of the slice or at the next virtual timer, whichever is first. */
  private armTimer(): void {
    let deadline = this.scheduler.deadline;
    if (this.nextLook > 0) deadline = Math.min(deadline, this.nextLook);
    for (const vcpu of this.residents) if (vcpu.state !== 'stopped') deadline = Math.min(deadline, vcpu.apic.timerDeadline);
    this.core.apic.writeTscDeadline(deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(deadline)));
  }
}
