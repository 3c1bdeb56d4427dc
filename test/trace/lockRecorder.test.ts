import { describe, expect, test } from 'vitest';
import {
  LOCK_GAVE_UP,
  LOCK_WAIT_IN_ORDER,
  LOCK_WAIT_TICKET,
  MARK_LOCK_RELEASED,
  MARK_LOCK_TIMED_OUT,
  MARK_LOCK_TRIED,
  MARK_SPIN_BEGIN,
  WAIT_LOCK,
} from '../../src/arch/marks.ts';
import { EVENT_MARK, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from '../../src/trace/events.ts';
import { LockRecorder } from '../../src/trace/lockRecorder.ts';

const LOCK = 0x10_0000;
/** Two instructions and a PAUSE of 10: 1024 polls are 12,288 cycles. */
const POLL = 2;

/** A recorder with vCPUs 0, 1, 2 of VM 0 on cores 0, 1, 2, and short names for what they do. */
function scene() {
  const recorder = new LockRecorder({ instruction: 1, pause: 10 });
  const mark = (core: number, cycles: number, number: number, rdi: number, rsi = 0, rdx = 0) =>
    recorder.event(EVENT_MARK, core, cycles, number, rdi, rsi, rdx);
  for (const core of [0, 1, 2]) recorder.event(EVENT_VCPU_RUN, core, 0, 0, core, 0, 0);
  return {
    recorder,
    take: (core: number, cycles: number) => mark(core, cycles, MARK_LOCK_TRIED, LOCK),
    wait: (core: number, cycles: number, kind = LOCK_WAIT_IN_ORDER) => {
      mark(core, cycles, MARK_LOCK_TRIED, LOCK, 0, 1);
      mark(core, cycles, MARK_SPIN_BEGIN, WAIT_LOCK, LOCK, kind | POLL);
    },
    giveUp: (core: number, cycles: number) => mark(core, cycles, MARK_LOCK_TRIED, LOCK, 0, LOCK_GAVE_UP),
    timeOut: (core: number, cycles: number) => mark(core, cycles, MARK_LOCK_TIMED_OUT, LOCK),
    release: (core: number, cycles: number) => mark(core, cycles, MARK_LOCK_RELEASED, LOCK),
    stop: (core: number, cycles: number, runnable: boolean) => recorder.event(EVENT_VCPU_STOP, core, cycles, 0, core, runnable ? 1 : 0, 0),
    run: (core: number, cycles: number) => recorder.event(EVENT_VCPU_RUN, core, cycles, 0, core, 0, 0),
  };
}

const NOTHING = { preemptions: 0, waits: 0, cycles: 0 };

describe('waiting for a lock', () => {
  test('is contention while its holder runs', () => {
    const { recorder, take, wait, release } = scene();
    take(0, 100);
    wait(1, 150);
    release(0, 400);
    take(1, 420);
    release(1, 500);
    const stats = recorder.stats();
    expect([stats.acquisitions, stats.contended, stats.waitCycles.max, stats.outOfOrder]).toEqual([2, 1, 270, 0]);
    expect([stats.holderPreemptions, stats.waiterPreemptions]).toEqual([NOTHING, NOTHING]);
  });

  test('costs what a preempted holder is away for, to each one that waits on a core', () => {
    const { recorder, take, wait, release, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    stop(0, 1000, true);
    wait(2, 3000);
    run(0, 11_000);
    release(0, 11_500);
    take(1, 11_510);
    release(1, 11_600);
    take(2, 11_610);
    expect(recorder.stats().holderPreemptions).toEqual({ preemptions: 1, waits: 2, cycles: 10_000 + 8000 });
    expect(recorder.stats().waiterPreemptions).toEqual(NOTHING);
  });

  test('costs nothing while those that wait are off their cores, too', () => {
    const { recorder, take, wait, release, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    stop(0, 1000, true);
    stop(1, 1000, true);
    run(0, 9000);
    run(1, 9000);
    release(0, 9100);
    take(1, 9110);
    expect(recorder.stats().holderPreemptions).toEqual(NOTHING);
    expect(recorder.stats().waitCycles.max).toBe(9110 - 200);
  });

  test('behind a preempted first in line is waiter preemption from the release on', () => {
    const { recorder, take, wait, release, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    wait(2, 300);
    stop(1, 500, true);
    release(0, 1000);
    run(1, 21_000);
    take(1, 21_010);
    release(1, 21_100);
    take(2, 21_120);
    expect(recorder.stats().waiterPreemptions).toEqual({ preemptions: 1, waits: 1, cycles: 20_000 });
    expect(recorder.stats().holderPreemptions).toEqual(NOTHING);
  });

  test('behind a first in line that has halted is a wake-up, not a preemption', () => {
    const { recorder, take, wait, release, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    wait(2, 300);
    stop(1, 500, false);
    release(0, 1000);
    run(1, 4000);
    take(1, 4010);
    expect(recorder.stats().sleepingWaiters).toEqual({ waits: 1, cycles: 3000 });
    expect(recorder.stats().waiterPreemptions).toEqual(NOTHING);
  });

  test('for a lock without an order has no first in line', () => {
    const { recorder, take, wait, release, stop } = scene();
    take(0, 100);
    wait(1, 200, 0);
    wait(2, 300, 0);
    stop(1, 500, true);
    release(0, 1000);
    take(2, 1030);
    expect(recorder.stats().waiterPreemptions).toEqual(NOTHING);
    expect(recorder.stats().outOfOrder).toBe(0);
  });

  test('ends early for one whose patience runs out, and that is out of order', () => {
    const { recorder, take, wait, release, stop, timeOut } = scene();
    take(0, 100);
    wait(1, 200);
    wait(2, 300);
    stop(1, 500, true);
    release(0, 1000);
    timeOut(2, 6000);
    take(2, 6010);
    const stats = recorder.stats();
    expect(stats.waiterPreemptions).toEqual({ preemptions: 1, waits: 1, cycles: 5000 });
    expect([stats.outOfOrder, stats.timeouts]).toEqual([1, 1]);
  });

  test('is in the order of the tickets where there are any', () => {
    const { recorder, take, wait, release } = scene();
    const ticket = (number: number): number => LOCK_WAIT_IN_ORDER | LOCK_WAIT_TICKET | (number << 16);
    take(0, 100);
    wait(1, 200, ticket(0));
    wait(2, 210, ticket(0xffff));
    release(0, 1000);
    take(2, 1010);
    release(2, 1100);
    take(1, 1110);
    expect(recorder.stats().outOfOrder).toBe(0);
  });

  test('is not what a failed try does', () => {
    const { recorder, take, giveUp } = scene();
    take(0, 100);
    giveUp(1, 150);
    expect([recorder.stats().acquisitions, recorder.stats().contended]).toEqual([1, 0]);
  });
});

describe('the published method', () => {
  test.each([
    [12_487, 0],
    [12_488, 1],
  ])('counts a wait once, after 1024 polls on a core: the holder is back at %i', (back, counted) => {
    const { recorder, take, wait, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    stop(0, 1000, true);
    run(0, back);
    expect(recorder.stats().authors).toEqual({ lhp: counted, lwp: 0, lhpConfirmed: counted, lwpConfirmed: 0 });
    stop(0, 90_000, true);
    run(0, 180_000);
    expect(recorder.stats().authors.lhp).toBe(1);
  });

  test('takes a long section for a preemption', () => {
    const { recorder, take, wait, release } = scene();
    take(0, 100);
    wait(1, 200);
    release(0, 50_000);
    expect(recorder.stats().authors).toEqual({ lhp: 1, lwp: 0, lhpConfirmed: 0, lwpConfirmed: 0 });
  });

  test('calls it waiter preemption when the lock is free', () => {
    const { recorder, take, wait, release, stop, run } = scene();
    take(0, 100);
    wait(1, 200);
    wait(2, 300);
    stop(1, 500, true);
    release(0, 1000);
    run(1, 21_000);
    expect(recorder.stats().authors).toEqual({ lhp: 0, lwp: 1, lhpConfirmed: 0, lwpConfirmed: 1 });
  });
});
