import {
  LOCK_GAVE_UP,
  LOCK_WAIT_IN_ORDER,
  LOCK_WAIT_POLL,
  LOCK_WAIT_TICKET,
  LOCK_WAIT_TICKET_SHIFT,
  MARK_LOCK_QUEUED,
  MARK_LOCK_RELEASED,
  MARK_LOCK_TIMED_OUT,
  MARK_LOCK_TRIED,
  MARK_SPIN_BEGIN,
  WAIT_LOCK,
} from '../arch/marks.ts';
import { EVENT_MARK, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from './events.ts';
import { summarizeLatencies } from './latencySummary.ts';
import {
  CAUSE_CONTENTION,
  CAUSE_HOLDER_PREEMPTED,
  CAUSE_WAITER_ASLEEP,
  CAUSE_WAITER_PREEMPTED,
  CAUSES,
  causeOf,
  type LockState,
  type LockWait,
  type Party,
  takePlace,
} from './lockState.ts';
import type { LockStats } from './lockStats.ts';
import type { Probe } from './probe.ts';
import { Samples } from './samples.ts';
import { keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker, vcpuKey } from './vcpuTracker.ts';

/** Polls without success after which the published profiler judges a wait. */
const AUTHORS_POLLS = 1024;

/**
 * Tells what waiting for locks was about, exactly: by the marks of those that wait and hold, and by the schedule.
 *
 * Every cycle that a vCPU spends on a core waiting for a lock has a cause: the holder runs (contention), the holder was preempted; the lock is free
 * but the first in line was preempted, or sleeps; and whoever waits lets it pass. Beside that the published method: a wait that has polled 1024
 * times counts once, as holder preemption if the lock has an owner then, as waiter preemption if it has none. What the cause really was at that
 * moment says how far that method is off.
 *
 * Deviation: events of different cores are seen in the order in which the machine runs them, and their times may differ by a quantum (an IPI's
 * latency): so may the limits between two causes of one wait, but not a wait's sum. A lock whose mark comes a branch after the release (`mcs`,
 * `pv-qspinlock`) counts as held for those few cycles.
 */
export class LockRecorder implements Probe {
  readonly mask = (1 << EVENT_MARK) | TRACKED_EVENTS;
  private readonly instruction: number;
  private readonly pause: number;
  private readonly tracker = new VcpuTracker();
  private readonly parties = new Map<number, Party>();
  /** By VM, or -1, and by address. */
  private readonly locks = new Map<number, Map<number, LockState>>();
  private readonly waited = new Samples();
  private readonly causeWaits = new Float64Array(CAUSES);
  private readonly causeCycles = new Float64Array(CAUSES);
  private acquisitions = 0;
  private outOfOrder = 0;
  private timeouts = 0;
  private holderPreemptions = 0;
  private waiterPreemptions = 0;
  private readonly authors = { lhp: 0, lwp: 0, lhpConfirmed: 0, lwpConfirmed: 0 };

  /** @param costs in cycles, of an ordinary instruction and of PAUSE: what a poll takes. */
  constructor({ instruction, pause }: { readonly instruction: number; readonly pause: number }) {
    this.instruction = instruction;
    this.pause = pause;
  }

  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void {
    if (event === EVENT_MARK) {
      if ((a >= MARK_LOCK_TRIED && a <= MARK_LOCK_QUEUED) || (a === MARK_SPIN_BEGIN && b === WAIT_LOCK))
        this.mark(a, core, cycles, b, c, d);
      return;
    }
    this.tracker.event(event, core, a, b);
    if (event === EVENT_VCPU_RUN) this.ran(this.partyOf(vcpuKey(a, b)), cycles);
    else if (event === EVENT_VCPU_STOP) this.stopped(this.partyOf(vcpuKey(a, b)), cycles, c === 1);
  }

  /** What was seen so far. Waits under way are not in it, but for the cycles that they had lost when something last changed. */
  stats(): LockStats {
    const { count, ...waitCycles } = summarizeLatencies(this.waited.toArray());
    const cause = (number: number): { waits: number; cycles: number } => ({
      waits: this.causeWaits[number]!,
      cycles: this.causeCycles[number]!,
    });
    return {
      acquisitions: this.acquisitions,
      contended: count,
      outOfOrder: this.outOfOrder,
      timeouts: this.timeouts,
      waitCycles,
      holderPreemptions: { preemptions: this.holderPreemptions, ...cause(CAUSE_HOLDER_PREEMPTED) },
      waiterPreemptions: { preemptions: this.waiterPreemptions, ...cause(CAUSE_WAITER_PREEMPTED) },
      sleepingWaiters: cause(CAUSE_WAITER_ASLEEP),
      authors: { ...this.authors },
    };
  }

  /** The waits of `waitCycles`, in the order in which they ended: cycles from the first try to the acquisition. */
  waits(): Float64Array {
    return this.waited.toArray();
  }

  private mark(mark: number, core: number, cycles: number, rdi: number, rsi: number, rdx: number): void {
    const key = this.tracker.current(core);
    const party = this.partyOf(key === NO_VCPU ? -1 - core : key);
    const lock = this.lockAt(key === NO_VCPU ? -1 : keyVm(key), mark === MARK_SPIN_BEGIN ? rsi : rdi);
    if (mark === MARK_SPIN_BEGIN) {
      this.settle(lock, cycles);
      describeWait(waitOf(party, lock), rdx, this.instruction, this.pause);
      return;
    }
    this.settle(lock, cycles);
    switch (mark) {
      case MARK_LOCK_TRIED:
        if (rdx === 0) this.acquired(lock, party, cycles);
        else if (rdx !== LOCK_GAVE_UP) this.begins(lock, party, cycles);
        return;
      case MARK_LOCK_RELEASED:
        this.released(lock);
        return;
      case MARK_LOCK_TIMED_OUT: {
        const wait = waitOf(party, lock);
        if (wait !== undefined) wait.timedOut = true;
        this.timeouts++;
        return;
      }
      case MARK_LOCK_QUEUED: {
        const wait = waitOf(party, lock);
        if (wait !== undefined) lock.line.push(lock.line.splice(lock.line.indexOf(wait), 1)[0]!);
        return;
      }
      default:
        return;
    }
  }

  private acquired(lock: LockState, party: Party, cycles: number): void {
    // A release whose mark comes a branch later.
    if (lock.holder !== undefined) this.released(lock);
    lock.holder = party;
    party.held.push(lock);
    this.acquisitions++;
    const wait = waitOf(party, lock);
    if (lock.line.length > 0 && lock.line[0]!.inOrder && lock.line[0] !== wait) this.outOfOrder++;
    if (wait === undefined) return;
    this.end(wait, cycles);
    lock.line.splice(lock.line.indexOf(wait), 1);
    party.waits.splice(party.waits.indexOf(wait), 1);
    this.waited.add(Math.max(0, cycles - wait.began));
  }

  private released(lock: LockState): void {
    const { holder } = lock;
    if (holder === undefined) return;
    holder.held.splice(holder.held.lastIndexOf(lock), 1);
    lock.holder = undefined;
  }

  private begins(lock: LockState, party: Party, cycles: number): void {
    if (waitOf(party, lock) !== undefined) return;
    const wait: LockWait = {
      party,
      lock,
      began: cycles,
      since: cycles,
      cause: CAUSE_CONTENTION,
      cycles: new Float64Array(CAUSES),
      judgedAfter: Number.POSITIVE_INFINITY,
      inOrder: false,
      ticket: -1,
      timedOut: false,
    };
    lock.line.push(wait);
    party.waits.push(wait);
  }

  private stopped(party: Party, cycles: number, runnable: boolean): void {
    this.settleAround(party, cycles);
    for (const wait of party.waits) this.end(wait, cycles);
    party.running = false;
    party.preempted = runnable;
    party.harmedAsHolder = false;
    party.harmedAsWaiter = false;
  }

  private ran(party: Party, cycles: number): void {
    this.settleAround(party, cycles);
    party.running = true;
    party.preempted = false;
    for (const wait of party.waits) wait.since = cycles;
  }

  /** Accounts of all waits that the party has something to do with are complete up to now. */
  private settleAround(party: Party, cycles: number): void {
    for (const lock of party.held) this.settle(lock, cycles);
    for (const { lock } of party.waits) this.settle(lock, cycles);
  }

  /** Accounts of all waits for the lock are complete up to now. */
  private settle(lock: LockState, cycles: number): void {
    for (const wait of lock.line) {
      if (!wait.party.running || cycles <= wait.since) continue;
      this.account(wait, cycles - wait.since);
      wait.since = cycles;
    }
  }

  /** The wait, or its time on the core, ends now: what was accounted for beyond, by the clock of another core, is taken back. */
  private end(wait: LockWait, cycles: number): void {
    if (!wait.party.running || wait.since <= cycles) return;
    wait.cycles[wait.cause]! -= wait.since - cycles;
    this.causeCycles[wait.cause]! -= wait.since - cycles;
    wait.since = cycles;
  }

  private account(wait: LockWait, cycles: number): void {
    const cause = causeOf(wait);
    wait.cause = cause;
    if (wait.cycles[cause] === 0) this.causeWaits[cause]!++;
    wait.cycles[cause]! += cycles;
    this.causeCycles[cause]! += cycles;
    const { holder, line } = wait.lock;
    if (cause === CAUSE_HOLDER_PREEMPTED && !holder!.harmedAsHolder) {
      holder!.harmedAsHolder = true;
      this.holderPreemptions++;
    }
    const first = line[0]!.party;
    if (cause === CAUSE_WAITER_PREEMPTED && !first.harmedAsWaiter) {
      first.harmedAsWaiter = true;
      this.waiterPreemptions++;
    }
    wait.judgedAfter -= cycles;
    if (wait.judgedAfter <= 0) this.judge(wait, cause);
  }

  /** The published method. */
  private judge(wait: LockWait, cause: number): void {
    wait.judgedAfter = Number.POSITIVE_INFINITY;
    const { authors } = this;
    if (wait.lock.holder !== undefined) {
      authors.lhp++;
      if (cause === CAUSE_HOLDER_PREEMPTED) authors.lhpConfirmed++;
    } else {
      authors.lwp++;
      if (cause === CAUSE_WAITER_PREEMPTED) authors.lwpConfirmed++;
    }
  }

  private partyOf(key: number): Party {
    const known = this.parties.get(key);
    if (known !== undefined) return known;
    const party = { running: true, preempted: false, held: [], waits: [], harmedAsHolder: false, harmedAsWaiter: false };
    this.parties.set(key, party);
    return party;
  }

  private lockAt(vm: number, address: number): LockState {
    let ofVm = this.locks.get(vm);
    if (ofVm === undefined) {
      ofVm = new Map();
      this.locks.set(vm, ofVm);
    }
    let lock = ofVm.get(address);
    if (lock === undefined) {
      lock = { holder: undefined, line: [] };
      ofVm.set(address, lock);
    }
    return lock;
  }
}

const waitOf = (party: Party, lock: LockState): LockWait | undefined => party.waits.find((wait) => wait.lock === lock);

/** What MARK_SPIN_BEGIN tells of the wait that has just begun. */
function describeWait(wait: LockWait | undefined, rdx: number, instruction: number, pause: number): void {
  if (wait === undefined) return;
  wait.inOrder = (rdx & LOCK_WAIT_IN_ORDER) !== 0;
  if ((rdx & LOCK_WAIT_TICKET) !== 0) {
    wait.ticket = (rdx >>> LOCK_WAIT_TICKET_SHIFT) & 0xffff;
    takePlace(wait);
  }
  if (wait.judgedAfter === Number.POSITIVE_INFINITY) wait.judgedAfter = AUTHORS_POLLS * ((rdx & LOCK_WAIT_POLL) * instruction + pause);
}
