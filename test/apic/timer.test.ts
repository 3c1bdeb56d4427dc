import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timerDivisor } from '../../src/apic/timer.ts';
import * as registers from '../../src/arch/apicRegisters.ts';
import { type Bench, enabledApic } from './recordingBus.ts';

const ONE_SHOT = 0x40;
const PERIODIC = 0x2_0040;
const TSC_DEADLINE = 0x4_0040;
const MASKED = 0x1_0000;

function timerApic(lvt: number, divide = 0xb): Bench {
  const bench = enabledApic();
  bench.apic.write(registers.APIC_TIMER_DIVIDE, divide);
  bench.apic.write(registers.APIC_LVT_TIMER, lvt);
  return bench;
}

/** Current counts at these times. */
const counts = ({ apic, clock }: Bench, times: number[]) =>
  times.map((time) => {
    clock[0] = time;
    return apic.read(registers.APIC_TIMER_CURRENT);
  });

/** Runs to `time` as the machine does, taking up the timer at its deadlines, and returns when its vector was pending. */
function interruptsUntil({ apic, clock }: Bench, time: number): number[] {
  const times: number[] = [];
  while (apic.timerDeadline <= time) {
    clock[0] = apic.timerDeadline;
    apic.timerExpired();
    if (apic.pending() >= 0) {
      times.push(clock[0]);
      expect(apic.acknowledge()).toBe(0x40);
      apic.endOfInterrupt();
    }
  }
  clock[0] = time;
  return times;
}

test('the divide configuration selects 2 to 128, and 1', () => {
  expect([0, 1, 2, 3, 8, 9, 0xa, 0xb].map(timerDivisor)).toEqual([2, 4, 8, 16, 32, 64, 128, 1]);
});

describe('one-shot mode', () => {
  test('the current count falls from the initial count to 0 and stays there', () => {
    const bench = timerApic(ONE_SHOT);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 3);
    expect(counts(bench, [0, 1, 9, 10, 11, 20, 29, 30, 31, 1000])).toEqual([3, 3, 3, 2, 2, 1, 1, 0, 0, 0]);
  });

  test('it interrupts once, when the count reaches 0', () => {
    const bench = timerApic(ONE_SHOT, 0);
    bench.clock[0] = 7;
    bench.apic.write(registers.APIC_TIMER_INITIAL, 4);
    expect(bench.apic.timerDeadline).toBe(87);
    expect(interruptsUntil(bench, 10_000)).toEqual([87]);
    expect(bench.apic.timerDeadline).toBe(Number.POSITIVE_INFINITY);
  });

  test('an initial count of 0 stops it', () => {
    const bench = timerApic(ONE_SHOT);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 3);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 0);
    expect([bench.apic.timerDeadline, bench.apic.read(registers.APIC_TIMER_CURRENT)]).toEqual([Number.POSITIVE_INFINITY, 0]);
  });

  test('the largest initial count is unsigned', () => {
    const bench = timerApic(ONE_SHOT);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 0xffff_ffff);
    expect(bench.apic.timerDeadline).toBe(0xffff_ffff * 10);
  });

  test('masked, it counts but does not interrupt, not even when unmasked later', () => {
    const bench = timerApic(ONE_SHOT | MASKED);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 3);
    expect(counts(bench, [10])).toEqual([2]);
    expect(bench.apic.timerDeadline).toBe(Number.POSITIVE_INFINITY);
    bench.clock[0] = 40;
    bench.apic.write(registers.APIC_LVT_TIMER, ONE_SHOT);
    expect(interruptsUntil(bench, 1000)).toEqual([]);
  });

  test('an expiry that is due when the entry is rewritten still interrupts with the old vector', () => {
    const bench = timerApic(ONE_SHOT);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 1);
    bench.clock[0] = 10;
    bench.apic.write(registers.APIC_LVT_TIMER, 0x50);
    expect(bench.apic.pending()).toBe(0x40);
  });

  test('a new divisor applies to the rest of the count', () => {
    const bench = timerApic(ONE_SHOT);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 10);
    bench.clock[0] = 60;
    bench.apic.write(registers.APIC_TIMER_DIVIDE, 1);
    expect(bench.apic.timerDeadline).toBe(60 + 4 * 40);
  });
});

describe('periodic mode', () => {
  test('it reloads and interrupts every period', () => {
    const bench = timerApic(PERIODIC);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 5);
    expect(interruptsUntil(bench, 220)).toEqual([50, 100, 150, 200]);
    expect(bench.apic.read(registers.APIC_TIMER_CURRENT)).toBe(3);
  });

  test('periods that passed unseen make one interrupt and keep the phase', () => {
    const bench = timerApic(PERIODIC);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 5);
    bench.clock[0] = 173;
    bench.apic.timerExpired();
    expect([bench.apic.pending(), bench.apic.timerDeadline]).toEqual([0x40, 200]);
  });

  test('reading the current count before an expiry is taken up shows the reloaded count', () => {
    const bench = timerApic(PERIODIC);
    bench.apic.write(registers.APIC_TIMER_INITIAL, 5);
    expect(counts(bench, [49, 50, 59, 60, 99, 100])).toEqual([1, 5, 5, 4, 1, 5]);
  });

  test('property: current counts are the same whether or not expiries are taken up on time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.constantFrom(0, 1, 0xb),
        (initial, time, divide) => {
          const prompt = timerApic(PERIODIC, divide);
          const late = timerApic(PERIODIC, divide);
          for (const { apic } of [prompt, late]) apic.write(registers.APIC_TIMER_INITIAL, initial);
          interruptsUntil(prompt, time);
          expect(counts(late, [time])).toEqual(counts(prompt, [time]));
        },
      ),
    );
  });
});

describe('TSC-deadline mode', () => {
  test('it interrupts once, at the deadline, and reads as disarmed after it', () => {
    const bench = timerApic(TSC_DEADLINE);
    bench.apic.writeTscDeadline(1234);
    expect(bench.apic.timer.tscDeadline).toBe(1234);
    expect(interruptsUntil(bench, 5000)).toEqual([1234]);
    expect(bench.apic.timer.tscDeadline).toBe(0);
  });

  test('a deadline in the past interrupts at once', () => {
    const bench = timerApic(TSC_DEADLINE);
    bench.clock[0] = 100;
    bench.apic.writeTscDeadline(50);
    bench.apic.timerExpired();
    expect(bench.apic.pending()).toBe(0x40);
  });

  test('0 disarms', () => {
    const bench = timerApic(TSC_DEADLINE);
    bench.apic.writeTscDeadline(1234);
    bench.apic.writeTscDeadline(0);
    expect(bench.apic.timerDeadline).toBe(Number.POSITIVE_INFINITY);
  });

  test('the initial count is not used in it, nor the deadline in other modes', () => {
    const deadline = timerApic(TSC_DEADLINE);
    deadline.apic.write(registers.APIC_TIMER_INITIAL, 9);
    const oneShot = timerApic(ONE_SHOT);
    oneShot.apic.writeTscDeadline(9);
    expect([deadline, oneShot].map(({ apic }) => [apic.timerDeadline, apic.read(0x380), apic.read(0x390)])).toEqual([
      [Number.POSITIVE_INFINITY, 0, 0],
      [Number.POSITIVE_INFINITY, 0, 0],
    ]);
  });

  test('a change of mode disarms the timer', () => {
    const bench = timerApic(TSC_DEADLINE);
    bench.apic.writeTscDeadline(1234);
    bench.apic.write(registers.APIC_LVT_TIMER, ONE_SHOT);
    expect(bench.apic.timerDeadline).toBe(Number.POSITIVE_INFINITY);
  });
});
