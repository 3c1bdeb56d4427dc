import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIcrHigh, formatIcrLow, isDefinedCommand, parseIcr } from '../../src/apic/icr.ts';
import { BROADCAST, type InterruptMessage } from '../../src/apic/interruptBus.ts';
import { arbitraryMessage } from '../arbitraries/interruptMessage.ts';

const blank = (): InterruptMessage => ({ source: 0, destination: 0, logical: false, delivery: 0, vector: 0, shorthand: 0 });

for (const x2apic of [false, true]) {
  test(`property: ${x2apic ? 'an x2APIC' : 'an xAPIC'} ICR says what it was made from`, () => {
    fc.assert(
      fc.property(arbitraryMessage(x2apic), (message) => {
        const parsed = { ...blank(), source: message.source };
        parseIcr(formatIcrLow(message), formatIcrHigh(message, x2apic), x2apic, parsed);
        expect(parsed).toEqual(message);
      }),
    );
  });
}

test('property: parsing reads no reserved bit', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.boolean(), (low, high, x2apic) => {
      const once = blank();
      parseIcr(low, high, x2apic, once);
      const again = blank();
      parseIcr(formatIcrLow(once), formatIcrHigh(once, x2apic), x2apic, again);
      expect(again).toEqual(once);
    }),
  );
});

test('destination 0xff of an xAPIC is the broadcast, and 0xff of an x2APIC is one processor', () => {
  const destinations = [false, true].map((x2apic) => {
    const message = blank();
    parseIcr(0, x2apic ? 0xff : 0xff00_0000, x2apic, message);
    return message.destination;
  });
  expect(destinations).toEqual([BROADCAST, 0xff]);
});

test('an xAPIC cannot address an id above 8 bits', () => {
  expect(() => formatIcrHigh({ ...blank(), destination: 0x100 }, false)).toThrow(RangeError);
});

test('delivery modes and shorthands combine as the table of valid combinations says', () => {
  const defined = (delivery: number) => [0, 1, 2, 3].filter((shorthand) => isDefinedCommand(delivery, shorthand));
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(defined)).toEqual([[0, 1, 2, 3], [0, 3], [0, 3], [], [0, 3], [0, 3], [0, 3], []]);
});
