import fc from 'fast-check';
import { BROADCAST, type InterruptMessage } from '../../src/apic/interruptBus.ts';

/** Destination addresses, biased to few bits, the ends of the range and the broadcast. */
export const arbitraryDestination = (x2apic: boolean): fc.Arbitrary<number> =>
  x2apic
    ? fc.oneof(fc.integer({ min: 0, max: 40 }), fc.nat(0xffff_ffff), fc.constantFrom(BROADCAST, 0xff, 0x1_0001, 0x1_ffff, 0xffff))
    : fc.oneof(
        fc.nat(0xff).map((address) => (address === 0xff ? BROADCAST : address)),
        fc.constantFrom(BROADCAST, 0, 1, 0x80, 0xf1, 0x1f),
      );

/** Any message an ICR can spell. */
export const arbitraryMessage = (x2apic: boolean): fc.Arbitrary<InterruptMessage> =>
  fc.record({
    source: fc.nat(255),
    destination: arbitraryDestination(x2apic),
    logical: fc.boolean(),
    delivery: fc.nat(7),
    vector: fc.nat(255),
    shorthand: fc.nat(3),
  });
