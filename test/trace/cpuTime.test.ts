import { describe, expect, test } from 'vitest';
import {
  MARK_SERVE_BEGIN,
  MARK_SERVE_END,
  MARK_SHOOTDOWN_BEGIN,
  MARK_SHOOTDOWN_END,
  MARK_SPIN_BEGIN,
  MARK_SPIN_END,
  WAIT_BARRIER,
  WAIT_LOCK,
  WAIT_SHOOTDOWN_ACK,
} from '../../src/arch/marks.ts';
import { addCpuTimes, type CpuTime, CpuTimeRecorder } from '../../src/trace/cpuTime.ts';
import { EVENT_ACTIVITY, EVENT_MARK, EVENT_PRIVILEGE, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from '../../src/trace/events.ts';
import { quickRun, virtual } from '../session/quickRun.ts';

const split = (user: number, lock: number, tlb: number, other: number, idle: number): CpuTime => ({
  userCycles: user,
  kernelLockCycles: lock,
  kernelTlbCycles: tlb,
  kernelOtherCycles: other,
  idleCycles: idle,
});

/** Events on core 0 as [time, event, a, b]. */
function recorded(events: readonly (readonly [number, number, number, number?])[]): CpuTimeRecorder {
  const recorder = new CpuTimeRecorder();
  for (const [cycles, event, a, b = 0] of events) recorder.event(event, 0, cycles, a, b);
  return recorder;
}

describe('time outside VMs', () => {
  test('is the kernel’s from the start, the user’s between entering and leaving user mode, and idle in a halt', () => {
    const recorder = recorded([
      [10, EVENT_PRIVILEGE, 3],
      [40, EVENT_PRIVILEGE, 0],
      [45, EVENT_ACTIVITY, 1],
      [145, EVENT_ACTIVITY, 0],
    ]);
    expect(recorder.ofCore(0, 150)).toEqual(split(30, 0, 0, 20, 100));
    expect(recorder.ofCore(1, 150)).toEqual(split(0, 0, 0, 0, 150));
  });

  test('belongs to the innermost activity: a shootdown served while waiting for a lock is a shootdown', () => {
    const recorder = recorded([
      [100, EVENT_MARK, MARK_SPIN_BEGIN, WAIT_LOCK],
      [110, EVENT_MARK, MARK_SERVE_BEGIN],
      [117, EVENT_MARK, MARK_SERVE_END],
      [130, EVENT_MARK, MARK_SPIN_END],
      [200, EVENT_MARK, MARK_SHOOTDOWN_BEGIN],
      [210, EVENT_MARK, MARK_SPIN_BEGIN, WAIT_SHOOTDOWN_ACK],
      [250, EVENT_MARK, MARK_SPIN_END],
      [260, EVENT_MARK, MARK_SHOOTDOWN_END],
      [300, EVENT_MARK, MARK_SPIN_BEGIN, WAIT_BARRIER],
      [310, EVENT_MARK, MARK_SPIN_END],
    ]);
    expect(recorder.ofCore(0, 400)).toEqual(split(0, 23, 67, 310, 0));
  });

  test('does not follow the marks that a program sets in user mode', () => {
    const recorder = recorded([
      [0, EVENT_PRIVILEGE, 3],
      [10, EVENT_MARK, MARK_SPIN_BEGIN, WAIT_LOCK],
      [20, EVENT_PRIVILEGE, 0],
    ]);
    expect(recorder.ofCore(0, 50)).toEqual(split(20, 0, 0, 30, 0));
  });
});

test('a vCPU goes on where it was stopped, and what passes in between is not its time', () => {
  const recorder = recorded([
    [10, EVENT_VCPU_RUN, 0, 1],
    [15, EVENT_MARK, MARK_SHOOTDOWN_BEGIN],
    [20, EVENT_VCPU_STOP, 0, 1],
    [30, EVENT_VCPU_RUN, 0, 2],
    [31, EVENT_PRIVILEGE, 3],
    [50, EVENT_VCPU_STOP, 0, 2],
    [60, EVENT_VCPU_RUN, 0, 1],
    [68, EVENT_MARK, MARK_SHOOTDOWN_END],
  ]);
  expect(recorder.ofVcpus(() => 70)).toEqual([
    { vm: 0, vcpu: 1, time: split(0, 0, 13, 7, 0) },
    { vm: 0, vcpu: 2, time: split(19, 0, 0, 1, 0) },
  ]);
});

const sum = ({ userCycles, kernelLockCycles, kernelTlbCycles, kernelOtherCycles, idleCycles }: CpuTime): number =>
  userCycles + kernelLockCycles + kernelTlbCycles + kernelOtherCycles + idleCycles;

describe('a run', () => {
  const params = { iterations: '6', threads: '4', think: '2000' };

  test('on bare cores: the parts make the whole, and every part is there', () => {
    const { stats } = quickRun('tlb-flush', { cores: 3, params });
    expect(stats.cores.map(({ cpuTime }) => sum(cpuTime!))).toEqual([stats.cycles, stats.cycles, stats.cycles]);
    expect(stats.cores.map(({ busyCycles, idleCycles }) => busyCycles + idleCycles)).toEqual([stats.cycles, stats.cycles, stats.cycles]);
    expect(stats.cpuTime).toEqual(addCpuTimes(stats.cores.map(({ cpuTime }) => cpuTime!)));
    expect(Object.values(stats.cpuTime).every((cycles) => cycles > 0)).toBe(true);
  });

  test('in VMs: a vCPU’s parts are its time on a core, up to what stopping it takes', () => {
    const { stats } = quickRun('tlb-flush', { cores: 2, vmm: virtual(2, 2), params });
    for (const { cpuTime, runCycles, haltCycles } of stats.vcpus) {
      const busy = sum(cpuTime) - haltCycles;
      expect(busy).toBeGreaterThanOrEqual(runCycles);
      expect(busy).toBeLessThan(runCycles * 1.02);
      expect(cpuTime.userCycles).toBeGreaterThan(0);
    }
  });

  test('is split alike by both engines', () => {
    const [jit, reference] = ['jit', 'reference'].map((engine) => quickRun('tlb-flush', { cores: 2, engine, params }).stats.cpuTime);
    expect(jit).toEqual(reference);
  });
});
