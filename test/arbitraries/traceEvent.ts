import fc from 'fast-check';
import { EVENT_MARK, EVENTS } from '../../src/trace/events.ts';

/** Any event with small arguments, as `Probe.event` takes it; times may fall, as they do across cores. */
export const arbitraryEvent: fc.Arbitrary<[number, number, number, number, number, number, number]> = fc.tuple(
  fc.oneof(fc.nat(EVENTS.length - 1), fc.constant(EVENT_MARK)),
  fc.nat(3),
  fc.nat(1000),
  fc.nat(8),
  fc.nat(3),
  fc.nat(3),
  fc.nat(1000),
);
