import { describe, expect, test } from 'vitest';
import { APIC_STATE_SIZE, ApicState } from '../../src/apic/apicState.ts';
import { APIC_ACCESS_FAULT, LocalApic } from '../../src/apic/localApic.ts';
import { x2apicRead, x2apicReadHigh, x2apicWrite } from '../../src/apic/x2apic.ts';
import * as registers from '../../src/arch/apicRegisters.ts';
import { APIC_BASE_ENABLE, APIC_BASE_X2APIC, APIC_DEFAULT_BASE } from '../../src/arch/msr.ts';
import { enabledApic, enabledX2apic, RecordingBus } from './recordingBus.ts';

const XAPIC_BASE = APIC_DEFAULT_BASE + APIC_BASE_ENABLE;
const X2APIC_BASE = XAPIC_BASE + APIC_BASE_X2APIC;

describe('reset', () => {
  test('after power-up the registers hold their documented values', () => {
    const apic = new LocalApic({ id: 3, bus: new RecordingBus(), clock: new Float64Array(1), cyclesPerTick: 1 });
    const nonZero: Record<string, number> = {};
    for (let offset = 0; offset < 0x400; offset += 0x10) {
      const value = apic.read(offset);
      if (value !== 0) nonZero[offset.toString(16)] = value;
    }
    expect(nonZero).toEqual({
      '20': 0x0300_0000,
      '30': 0x0006_0014,
      e0: 0xffff_ffff,
      f0: 0xff,
      '2f0': 0x1_0000,
      '320': 0x1_0000,
      '330': 0x1_0000,
      '340': 0x1_0000,
      '350': 0x1_0000,
      '360': 0x1_0000,
      '370': 0x1_0000,
    });
  });

  test('INIT resets the registers and leaves IA32_APIC_BASE', () => {
    const { apic } = enabledX2apic(5);
    apic.write(registers.APIC_TPR, 0x30);
    apic.accept(0x80);
    apic.init();
    const fresh = new ApicState();
    fresh.f64[49] = X2APIC_BASE;
    fresh.words[66] = 2;
    expect(apic.state.words).toEqual(fresh.words);
    expect(apic.base).toBe(X2APIC_BASE);
  });
});

describe('interrupt acceptance and delivery', () => {
  test('a software-disabled APIC accepts no fixed interrupt but keeps what is pending', () => {
    const { apic } = enabledApic();
    apic.accept(0x40);
    apic.write(registers.APIC_SVR, 0xff);
    expect(apic.accept(0x50)).toBe(false);
    expect(apic.pending()).toBe(0x40);
  });

  test('an interrupt is acknowledged from IRR into ISR and ended out of ISR', () => {
    const { apic } = enabledApic();
    const view = () => [apic.read(registers.APIC_IRR0 + 0x20), apic.read(registers.APIC_ISR0 + 0x20), apic.read(registers.APIC_PPR)];
    apic.accept(0x45);
    expect(view()).toEqual([0x20, 0, 0]);
    expect(apic.acknowledge()).toBe(0x45);
    expect(view()).toEqual([0, 0x20, 0x40]);
    apic.write(registers.APIC_EOI, 0);
    expect(view()).toEqual([0, 0, 0]);
  });

  test('a vector of the class in service waits, one of a higher class nests', () => {
    const { apic } = enabledApic();
    apic.accept(0x41);
    apic.acknowledge();
    apic.accept(0x4f);
    expect(apic.pending()).toBe(-1);
    apic.accept(0x50);
    expect(apic.pending()).toBe(0x50);
  });

  test('with nothing deliverable an acknowledge cycle yields the spurious vector and no ISR bit', () => {
    const { apic } = enabledApic();
    apic.accept(0x41);
    apic.write(registers.APIC_TPR, 0x40);
    expect(apic.acknowledge()).toBe(0xff);
    expect(apic.read(registers.APIC_PPR)).toBe(0x40);
    apic.write(registers.APIC_TPR, 0);
    expect(apic.acknowledge()).toBe(0x41);
  });

  test('PPR takes the sub-class of TPR when TPR decides it, and 0 when ISR does', () => {
    const { apic } = enabledApic();
    apic.accept(0x57);
    apic.acknowledge();
    const ppr = (tpr: number) => {
      apic.write(registers.APIC_TPR, tpr);
      return apic.read(registers.APIC_PPR);
    };
    expect([0x43, 0x53, 0x63].map(ppr)).toEqual([0x50, 0x53, 0x63]);
  });

  test('the end of a level-triggered interrupt is broadcast, that of an edge-triggered one is not', () => {
    const { apic, bus } = enabledApic();
    apic.accept(0x60, true);
    apic.acknowledge();
    apic.endOfInterrupt();
    apic.accept(0x60, false);
    apic.acknowledge();
    apic.endOfInterrupt();
    expect(bus.ended).toEqual([0x60]);
  });

  test('an EOI with nothing in service does nothing', () => {
    const { apic, bus } = enabledApic();
    const before = apic.state.words.slice();
    apic.endOfInterrupt();
    expect(apic.state.words).toEqual(before);
    expect(bus.ended).toEqual([]);
  });

  test('CR8 is bits 7:4 of TPR and clears its sub-class', () => {
    const { apic } = enabledApic();
    apic.write(registers.APIC_TPR, 0x5a);
    expect(apic.taskPriorityClass).toBe(5);
    apic.taskPriorityClass = 9;
    expect(apic.read(registers.APIC_TPR)).toBe(0x90);
  });
});

describe('errors in xAPIC mode', () => {
  test('ESR shows the errors since its last write', () => {
    const { apic } = enabledApic();
    const latch = () => {
      apic.write(registers.APIC_ESR, 0);
      return apic.read(registers.APIC_ESR);
    };
    apic.write(0x3f0, 0);
    expect(apic.read(registers.APIC_ESR)).toBe(0);
    expect(latch()).toBe(registers.ESR_ILLEGAL_REGISTER);
    apic.accept(3);
    apic.write(registers.APIC_ICR_LOW, 0x0f);
    expect(latch()).toBe(registers.ESR_RECEIVE_ILLEGAL_VECTOR | registers.ESR_SEND_ILLEGAL_VECTOR);
    expect(latch()).toBe(0);
  });

  test('an unmasked error entry interrupts', () => {
    const { apic } = enabledApic();
    apic.write(registers.APIC_LVT_ERROR, 0xfe);
    apic.read(0x000);
    expect(apic.pending()).toBe(0xfe);
  });

  test('an error entry with an illegal vector does not raise itself for ever', () => {
    const { apic } = enabledApic();
    apic.write(registers.APIC_LVT_ERROR, 0x05);
    apic.read(0x000);
    expect(apic.pending()).toBe(-1);
  });

  test('a message with an illegal vector is not sent', () => {
    const { apic, bus } = enabledApic();
    apic.write(registers.APIC_ICR_LOW, 0x0f);
    expect(bus.sent).toEqual([]);
  });

  test('read-only registers ignore writes without an error', () => {
    const { apic } = enabledApic();
    const before = apic.state.words.slice();
    for (const offset of [0x20, 0x30, 0xa0, 0x100, 0x1f0, 0x270, 0x390]) expect(apic.write(offset, 0xffff_ffff)).toBe(true);
    expect(apic.state.words).toEqual(before);
  });
});

describe('local vector table', () => {
  test('entries keep their writable bits only', () => {
    const { apic } = enabledApic();
    const kept = (offset: number) => {
      apic.write(offset, 0xffff_ffff);
      return apic.read(offset);
    };
    expect([0x2f0, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370].map(kept)).toEqual([
      0x1_07ff, 0x7_00ff, 0x1_07ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff,
    ]);
  });

  test('software-disabling the APIC masks every entry, and none can be unmasked until it is enabled', () => {
    const { apic } = enabledApic();
    const offsets = [0x2f0, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370];
    for (const offset of offsets) apic.write(offset, 0x40);
    apic.write(registers.APIC_SVR, 0x0ff);
    expect(offsets.map((offset) => apic.read(offset))).toEqual(offsets.map(() => 0x1_0040));
    apic.write(0x320, 0x41);
    expect(apic.read(0x320)).toBe(0x1_0041);
    apic.write(registers.APIC_SVR, 0x1ff);
    apic.write(0x320, 0x41);
    expect(apic.read(0x320)).toBe(0x41);
  });
});

describe('modes', () => {
  const transitions: [from: number, to: number, allowed: boolean][] = [
    [APIC_DEFAULT_BASE, XAPIC_BASE, true],
    [APIC_DEFAULT_BASE, X2APIC_BASE, false],
    [XAPIC_BASE, APIC_DEFAULT_BASE, true],
    [XAPIC_BASE, X2APIC_BASE, true],
    [X2APIC_BASE, XAPIC_BASE, false],
    [X2APIC_BASE, APIC_DEFAULT_BASE, true],
    [XAPIC_BASE, APIC_DEFAULT_BASE + APIC_BASE_X2APIC, false],
  ];
  test.each(transitions)('IA32_APIC_BASE from %d to %d: allowed = %s', (from, to, allowed) => {
    const { apic } = enabledApic();
    expect(apic.writeBase(from)).toBe(true);
    expect(apic.writeBase(to)).toBe(allowed);
    expect(apic.base).toBe(allowed ? to : from);
  });

  test('a disabled APIC is no destination and accepts nothing', () => {
    const { apic } = enabledApic(1);
    apic.writeBase(APIC_DEFAULT_BASE);
    expect([apic.isPresent, apic.matches(false, 1), apic.accept(0x40), apic.pending()]).toEqual([false, false, false, -1]);
  });

  test('x2APIC mode shows 32-bit ids and a read-only logical id', () => {
    const { apic } = enabledX2apic(0x123);
    expect(x2apicRead(apic, 0x802)).toBe(0x123);
    expect(x2apicRead(apic, 0x80d)).toBe(0x0012_0008);
    expect(x2apicWrite(apic, 0x80d, 0, 0)).toBe(false);
  });

  test('x2APIC mode refuses exactly the reserved and write-only MSRs on reading', () => {
    const { apic } = enabledX2apic();
    const readable: number[] = [];
    for (let msr = 0x800; msr <= 0x8ff; msr++) if (x2apicRead(apic, msr) !== APIC_ACCESS_FAULT) readable.push(msr);
    const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
    expect(readable).toEqual([
      0x802,
      0x803,
      0x808,
      0x80a,
      0x80d,
      0x80f,
      ...range(0x810, 0x828),
      0x82f,
      0x830,
      ...range(0x832, 0x839),
      0x83e,
    ]);
  });

  test('x2APIC mode refuses exactly the reserved and read-only MSRs on writing 0', () => {
    const { apic } = enabledX2apic();
    const writable: number[] = [];
    for (let msr = 0x800; msr <= 0x8ff; msr++) if (x2apicWrite(apic, msr, 0, 0)) writable.push(msr);
    expect(writable).toEqual([0x808, 0x80b, 0x80f, 0x828, 0x82f, 0x830, 0x832, 0x833, 0x834, 0x835, 0x836, 0x837, 0x838, 0x83e, 0x83f]);
  });

  test.each([
    ['TPR', 0x808, 0x100, 0],
    ['TPR, high half', 0x808, 0, 1],
    ['EOI not 0', 0x80b, 1, 0],
    ['SVR', 0x80f, 0x1000, 0],
    ['ESR not 0', 0x828, 1, 0],
    ['ICR bit 13', 0x830, 0x2000, 0],
    ['ICR bit 20', 0x830, 0x10_0000, 0],
    ['LVT timer bit 19', 0x832, 0x8_0000, 0],
    ['divide configuration bit 2', 0x83e, 4, 0],
    ['SELF IPI bit 8', 0x83f, 0x140, 0],
  ])('x2APIC mode refuses reserved bits of %s', (_, msr, low, high) => {
    const { apic, bus } = enabledX2apic();
    const before = apic.state.words.slice();
    expect(x2apicWrite(apic, msr, low, high)).toBe(false);
    expect(apic.state.words).toEqual(before);
    expect(bus.sent).toEqual([]);
  });

  test('outside x2APIC mode its MSRs do not exist', () => {
    const { apic } = enabledApic();
    expect([x2apicRead(apic, 0x802), x2apicWrite(apic, 0x80b, 0, 0)]).toEqual([APIC_ACCESS_FAULT, false]);
  });
});

describe('sending', () => {
  test('an xAPIC sends when the low half of the ICR is written', () => {
    const { apic, bus } = enabledApic(2);
    apic.write(registers.APIC_ICR_HIGH, 0x0500_0000);
    expect(bus.sent).toEqual([]);
    apic.write(registers.APIC_ICR_LOW, 0x48f3);
    expect(bus.sent).toEqual([{ source: 2, destination: 5, logical: true, delivery: 0, vector: 0xf3, shorthand: 0 }]);
  });

  test('an x2APIC sends when its 64-bit ICR is written, and the ICR reads back', () => {
    const { apic, bus } = enabledX2apic(2);
    expect(x2apicWrite(apic, 0x830, 0x40f3, 0x0001_0002)).toBe(true);
    expect(bus.sent).toEqual([{ source: 2, destination: 0x1_0002, logical: false, delivery: 0, vector: 0xf3, shorthand: 0 }]);
    expect([x2apicRead(apic, 0x830), x2apicReadHigh(apic, 0x830)]).toEqual([0x40f3, 0x1_0002]);
  });

  test('SELF IPI sends a fixed message to self', () => {
    const { apic, bus } = enabledX2apic(9);
    x2apicWrite(apic, 0x83f, 0x77, 0);
    expect(bus.sent).toEqual([{ source: 9, destination: 0, logical: false, delivery: 0, vector: 0x77, shorthand: 1 }]);
  });

  test('an INIT level de-assert is accepted and not sent', () => {
    const { apic, bus } = enabledApic();
    expect(apic.write(registers.APIC_ICR_LOW, 0x8500)).toBe(true);
    expect(bus.sent).toEqual([]);
  });
});

test('the state is all there is: an APIC over copied bytes behaves the same', () => {
  const { apic } = enabledApic(1);
  apic.write(registers.APIC_LVT_TIMER, 0x2_0030);
  apic.write(registers.APIC_TIMER_INITIAL, 100);
  apic.accept(0x41);
  apic.accept(0x91);
  apic.acknowledge();
  const bytes = new ArrayBuffer(APIC_STATE_SIZE + 64);
  new Int32Array(bytes, 64).set(apic.state.words);
  const state = new ApicState(new ArrayBuffer(APIC_STATE_SIZE));
  state.words.set(new Int32Array(bytes, 64));
  const copy = new LocalApic({ id: 1, bus: new RecordingBus(), clock: new Float64Array([500]), cyclesPerTick: 10, state });
  copy.timerExpired();
  copy.endOfInterrupt();
  expect([copy.timerDeadline, copy.read(registers.APIC_TIMER_CURRENT), copy.acknowledge()]).toEqual([2000, 75, 0x41]);
});
