import { APIC_EOI, DELIVERY_FIXED } from '../arch/apicRegisters.ts';
import { EXIT_EXTERNAL_INTERRUPT } from '../arch/exitReasons.ts';
import { VMCS_ENTRY_INTERRUPTION_INFO, VMCS_EXIT_INTERRUPTION_INFO, VMCS_EXIT_REASON, VMCS_GUEST_RIP } from '../arch/vmcs.ts';
import { INTERRUPTION_VECTOR } from '../arch/vmxControls.ts';
import type { Core, HostSoftware } from '../cpu/core.ts';
import { signedNumber } from '../cpu/linearMemory.ts';
import { vmEntry } from '../cpu/vmx/entry.ts';
import { EVENT_HYPERCALL_END, EVENT_VM_ENTRY } from '../trace/events.ts';
import { handleExit } from './exits/dispatch.ts';
import { completeHypercall } from './exits/vmcall.ts';
import { entersGuest, leavesGuest } from './guestEntry.ts';
import { heedNotice } from './heedNotice.ts';
import { VECTOR_HOST_CALL, VECTOR_HOST_RESCHEDULE } from './hostVectors.ts';
import { prepareInjection } from './injection.ts';
import { type Notice, NoticeQueue } from './notice.ts';
import { RemoteCalls } from './remoteCalls.ts';
import { Residents } from './residents.ts';
import type { Scheduler } from './schedulers/scheduler.ts';
import type { Vcpu } from './vcpu.ts';
import { putOn, takeOff } from './vcpuChange.ts';
import type { Vmm } from './vmm.ts';

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
  readonly residents = new Residents();
  readonly calls: RemoteCalls;
  /** From other cores. */
  private readonly notices = new NoticeQueue();
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
    this.calls = new RemoteCalls(this);
  }

  get id(): number {
    return this.core.id;
  }

  /** Host software of this core has work at once (0), at a known time, or only when something arrives (Infinity). */
  get wakeTime(): number {
    if (this.core.apic.pending() >= 0) return 0;
    if (this.calls.waiting) return this.calls.wakeTime;
    return this.idle ? Number.POSITIVE_INFINITY : 0;
  }

  /** Waiting in a loop rather than halted. */
  get spinning(): boolean {
    return this.calls.waiting;
  }

  step(core: Core): void {
    if (core.apic.pending() >= 0) this.takeInterrupt(core.apic.acknowledge());
    else if (this.exitPending) {
      this.exitPending = false;
      this.handleExit();
    } else if (this.calls.waiting) {
      this.calls.endWait();
      this.continueCall();
    } else this.schedule();
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
      heedNotice(this, notice);
      this.idle = false;
      return;
    }
    from.sendIpi(this, VECTOR_HOST_RESCHEDULE);
    this.notices.send(notice, from.core.clock + this.vmm.costs.ipiLatency);
  }

  /** The others can read, one message latency later, how long the run queue is. */
  postLoad(): void {
    this.vmm.loads.post(this.id, this.core.clock, this.scheduler.load);
  }

  private readNotices(): void {
    for (let notice = this.notices.take(this.core.clock); notice !== undefined; notice = this.notices.take(this.core.clock))
      heedNotice(this, notice);
  }

  /** Host interrupt handler. */
  private takeInterrupt(vector: number): void {
    const { core } = this;
    core.charge(this.vmm.costs.hostInterrupt);
    core.apic.write(APIC_EOI, 0);
    this.idle = false;
    if (vector === VECTOR_HOST_CALL) this.calls.serve();
    else if (vector === VECTOR_HOST_RESCHEDULE) this.readNotices();
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
    this.residents.fireTimers(this);
    if (this.current?.state === 'waitForSipi') this.dropReset(this.current);
    const next = this.pick();
    if (next !== this.current) {
      takeOff(this);
      if (next !== undefined) putOn(this, next);
      if (this.scheduler.load > 1) this.vmm.placement.turned(this);
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
    takeOff(this);
    this.vmm.start(vcpu, this);
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

  /** The host timer fires at the end of the slice or at the next virtual timer, whichever is first. */
  private armTimer(): void {
    let deadline = Math.min(this.scheduler.deadline, this.residents.timerDeadline);
    if (this.nextLook > 0) deadline = Math.min(deadline, this.nextLook);
    this.core.apic.writeTscDeadline(deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(deadline)));
  }
}
