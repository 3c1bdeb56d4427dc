import type { InterruptBus, InterruptMessage } from '../../src/apic/interruptBus.ts';
import { LocalApic } from '../../src/apic/localApic.ts';

/** A bus that keeps what it is given. */
export class RecordingBus implements InterruptBus {
  readonly sent: InterruptMessage[] = [];
  readonly ended: number[] = [];

  send(message: InterruptMessage): void {
    this.sent.push({ ...message });
  }

  broadcastEndOfInterrupt(vector: number): void {
    this.ended.push(vector);
  }
}

export interface Bench {
  readonly apic: LocalApic;
  readonly bus: RecordingBus;
  readonly clock: Float64Array;
}

/** An APIC, software-enabled with spurious vector 0xff, on a recording bus, ten cycles to a timer tick. */
export function enabledApic(id = 0): Bench {
  const bus = new RecordingBus();
  const clock = new Float64Array(1);
  const apic = new LocalApic({ id, bus, clock, cyclesPerTick: 10 });
  apic.write(0xf0, 0x1ff);
  return { apic, bus, clock };
}

/** The same in x2APIC mode. */
export function enabledX2apic(id = 0): Bench {
  const bench = enabledApic(id);
  bench.apic.writeBase(bench.apic.base + (1 << 10));
  return bench;
}
