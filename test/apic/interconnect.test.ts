import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Interconnect } from '../../src/apic/interconnect.ts';
import { LocalApic } from '../../src/apic/localApic.ts';
import { COUNTER_IPIS_DELIVERED, COUNTER_IPIS_SENT, COUNTERS } from '../../src/trace/counters.ts';
import { EVENT_IPI_DELIVER, EVENT_IPI_SEND } from '../../src/trace/events.ts';
import { noProbe, type Probe } from '../../src/trace/probe.ts';

const LATENCY = 100;

function machine(cores: number, options: { probe?: Probe; x2apic?: boolean } = {}) {
  const interconnect = new Interconnect({ ipiLatencyCycles: LATENCY, selfIpiLatencyCycles: 0 }, options.probe ?? noProbe);
  const log: string[] = [];
  const ports = Array.from({ length: cores }, (_, id) => {
    const clock = new Float64Array(1);
    const apic = new LocalApic({ id, bus: interconnect, clock, cyclesPerTick: 1 });
    apic.write(0xf0, 0x1ff);
    apic.write(0xd0, 1 << (24 + (id & 7)));
    if (options.x2apic) apic.writeBase(apic.base + (1 << 10));
    const port = {
      apic,
      clock,
      counters: new Float64Array(COUNTERS.length),
      receiver: {
        init: () => log.push(`init ${id}`),
        startup: (vector: number) => log.push(`startup ${id} ${vector}`),
        nonMaskable: () => log.push(`nmi ${id}`),
      },
    };
    expect(interconnect.attach(port)).toBe(id);
    return port;
  });
  const targets = (send: () => void): number[] => {
    const hit: number[] = [];
    interconnect.onSend = (target) => hit.push(target);
    send();
    return hit;
  };
  return { interconnect, ports, log, targets };
}

describe('who receives', () => {
  const icr = (low: number, high = 0) => {
    const { ports, targets } = machine(4);
    return targets(() => {
      ports[1]!.apic.write(0x310, high);
      ports[1]!.apic.write(0x300, low);
    });
  };
  test('physical: the one with the id', () => expect(icr(0x40, 2 << 24)).toEqual([2]));
  test('physical: nobody when no APIC has the id', () => expect(icr(0x40, 9 << 24)).toEqual([]));
  test('physical 0xff: everybody, the sender too', () => expect(icr(0x40, 0xff << 24)).toEqual([0, 1, 2, 3]));
  test('logical flat: every one with a bit in common', () => expect(icr(0x840, 0b1010 << 24)).toEqual([1, 3]));
  test('shorthand self', () => expect(icr(0x4_0040)).toEqual([1]));
  test('shorthand all including self', () => expect(icr(0x8_0040)).toEqual([0, 1, 2, 3]));
  test('shorthand all excluding self', () => expect(icr(0xc_0040)).toEqual([0, 2, 3]));
  test('an NMI to self by shorthand is undefined and not sent', () => expect(icr(0x4_0440)).toEqual([]));

  test('a disabled APIC receives nothing', () => {
    const { ports, targets } = machine(3);
    ports[2]!.apic.writeBase(0xfee0_0000);
    expect(targets(() => ports[0]!.apic.write(0x300, 0xc_0040))).toEqual([1]);
  });

  test('lowest priority: the lowest processor-priority class among the destinations, then the lowest number', () => {
    const { ports, targets } = machine(4);
    for (const [core, tpr] of [0x00, 0x35, 0x31, 0x20].entries()) ports[core]!.apic.write(0x80, tpr);
    const lowest = (set: number) =>
      targets(() => {
        ports[0]!.apic.write(0x310, set << 24);
        ports[0]!.apic.write(0x300, 0x4940);
      });
    expect([0b1111, 0b1110, 0b0110, 0].map(lowest)).toEqual([[0], [3], [1], []]);
  });

  test('x2APIC logical: sixteen processors to a cluster', () => {
    const { ports, targets } = machine(20, { x2apic: true });
    expect(targets(() => ports[0]!.apic.writeIcr(0x840, 0x0001_000a))).toEqual([17, 19]);
    expect(targets(() => ports[0]!.apic.writeIcr(0x840, 0xffff_ffff))).toHaveLength(20);
  });
});

describe('when', () => {
  test('a message arrives after the latency, one to self after its own', () => {
    const { interconnect, ports } = machine(3);
    const told: [number, number][] = [];
    interconnect.onSend = (target, due) => told.push([target, due]);
    ports[1]!.clock[0] = 1000;
    ports[1]!.apic.write(0x300, 0x8_0040);
    expect(told).toEqual([
      [0, 1100],
      [1, 1000],
      [2, 1100],
    ]);
    expect([0, 1, 2].map((core) => interconnect.nextDue(core))).toEqual([1100, 1000, 1100]);
    interconnect.deliver(0, 1099);
    expect([ports[0]!.apic.pending(), interconnect.nextDue(0)]).toEqual([-1, 1100]);
    interconnect.deliver(0, 1100);
    expect([ports[0]!.apic.pending(), interconnect.nextDue(0)]).toEqual([0x40, Number.POSITIVE_INFINITY]);
  });

  test('INIT resets the APIC and the core, STARTUP and NMI reach the core', () => {
    const { interconnect, ports, log } = machine(2);
    const [sender, target] = ports;
    sender!.apic.write(0x310, 1 << 24);
    target!.apic.accept(0x99);
    for (const low of [0x4500, 0x4608, 0x4400]) sender!.apic.write(0x300, low);
    interconnect.deliver(1, LATENCY);
    expect(log).toEqual(['init 1', 'startup 1 8', 'nmi 1']);
    expect([target!.apic.pending(), target!.apic.read(0xf0)]).toEqual([-1, 0xff]);
  });

  test('a system-management message is carried and has no effect', () => {
    const { interconnect, ports, log } = machine(2);
    ports[0]!.apic.write(0x310, 1 << 24);
    ports[0]!.apic.write(0x300, 0x4200);
    const before = ports[1]!.apic.state.words.slice();
    interconnect.deliver(1, LATENCY);
    expect([log, ports[1]!.apic.state.words]).toEqual([[], before]);
  });

  test('every message is traced and counted once per target, with a flow of its own', () => {
    const events: number[][] = [];
    const probe: Probe = { mask: (1 << EVENT_IPI_SEND) | (1 << EVENT_IPI_DELIVER), event: (...event) => events.push(event) };
    const { interconnect, ports } = machine(3, { probe });
    ports[2]!.clock[0] = 7;
    ports[2]!.apic.write(0x300, 0xc_00fd);
    interconnect.deliver(1, 200);
    interconnect.deliver(0, 201);
    expect(events).toEqual([
      [EVENT_IPI_SEND, 2, 7, 1, 0, 0xfd, 0],
      [EVENT_IPI_SEND, 2, 7, 2, 1, 0xfd, 0],
      [EVENT_IPI_DELIVER, 1, 200, 2, 2, 0xfd, 0],
      [EVENT_IPI_DELIVER, 0, 201, 1, 2, 0xfd, 0],
    ]);
    expect(ports.map(({ counters }) => [counters[COUNTER_IPIS_SENT], counters[COUNTER_IPIS_DELIVERED]])).toEqual([
      [0, 1],
      [0, 1],
      [2, 0],
    ]);
  });
});

test('property: a core receives in the order of arrival, then of sending, and a snapshot in between changes nothing', () => {
  const sends = fc.array(fc.record({ source: fc.nat(3), time: fc.nat(300), vector: fc.integer({ min: 16, max: 255 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(sends, fc.nat(500), (messages, cut) => {
      const run = (withSnapshot: boolean): number[][] => {
        const events: number[][] = [];
        const probe: Probe = { mask: 1 << EVENT_IPI_DELIVER, event: (...event) => events.push(event) };
        let { interconnect, ports } = machine(4, { probe });
        for (const { source, time, vector } of messages) {
          ports[source]!.clock[0] = time;
          ports[source]!.apic.write(0x300, 0x4_0000 | vector);
          ports[source]!.apic.write(0x310, 3 << 24);
          ports[source]!.apic.write(0x300, vector);
        }
        interconnect.deliver(3, cut);
        if (withSnapshot) {
          const saved = interconnect.snapshot();
          ({ interconnect, ports } = machine(4, { probe }));
          interconnect.restore(saved);
        }
        for (let core = 0; core < 4; core++) interconnect.deliver(core, 1000);
        return events;
      };
      const expected = messages
        .flatMap(({ source, time, vector }, index) => [
          { core: source, due: time, flow: 2 * index + 1, source, vector },
          { core: 3, due: time + (source === 3 ? 0 : LATENCY), flow: 2 * index + 2, source, vector },
        ])
        .sort((a, b) => a.due - b.due || a.flow - b.flow);
      const row = (core: number) => (message: (typeof expected)[number]) => [core, message.flow, message.source, message.vector];
      const events = run(false);
      for (let core = 0; core < 4; core++) {
        const seen = events.filter((event) => event[1] === core).map((event) => [event[1], event[3], event[4], event[5]]);
        expect(seen).toEqual(expected.filter((message) => message.core === core).map(row(core)));
      }
      expect(run(true)).toEqual(events);
    }),
  );
});

test('two APICs cannot share an id, and a snapshot must fit the machine', () => {
  const { interconnect, ports } = machine(2);
  expect(() => interconnect.attach(ports[1]!)).toThrow('two local APICs with id 1');
  expect(() => interconnect.restore(machine(3).interconnect.snapshot())).toThrow('3 cores for a machine of 2');
});
