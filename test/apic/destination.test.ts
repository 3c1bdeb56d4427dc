import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesDestination, x2apicLogicalId } from '../../src/apic/destination.ts';
import { BROADCAST } from '../../src/apic/interruptBus.ts';
import { arbitraryDestination } from '../arbitraries/interruptMessage.ts';

const FLAT = 0xffff_ffff | 0;
const CLUSTER = 0x0fff_ffff;

/** The manual's definitions, one set of addressed bits at a time. */
function members(model: 'flat' | 'cluster' | 'x2apic', address: number): Set<string> {
  const cluster = model === 'flat' ? 0 : model === 'cluster' ? address >> 4 : address >>> 16;
  const bits = model === 'flat' ? 8 : model === 'cluster' ? 4 : 16;
  const set = new Set<string>();
  for (let bit = 0; bit < bits; bit++) if (Math.floor(address / 2 ** bit) % 2 === 1) set.add(`${cluster}.${bit}`);
  return set;
}
const overlap = (a: Set<string>, b: Set<string>) => [...a].some((member) => b.has(member));

test('a physical destination is one id or everybody', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2), fc.nat(300), fc.integer(), arbitraryDestination(true), (mode, id, ldr, destination) => {
      expect(matchesDestination(mode, id, ldr, FLAT, false, destination)).toBe(destination === id || destination === BROADCAST);
    }),
  );
});

test('a logical destination selects every xAPIC that shares a bit of the flat or cluster model', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.nat(0xff), arbitraryDestination(false), (flat, logicalId, destination) => {
      const model = flat ? 'flat' : 'cluster';
      const expected = destination === BROADCAST || overlap(members(model, destination), members(model, logicalId));
      expect(matchesDestination(1, 0, logicalId << 24, flat ? FLAT : CLUSTER, true, destination)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test('a logical destination selects every x2APIC of the cluster whose bit is set', () => {
  fc.assert(
    fc.property(fc.nat(0xf_ffff), arbitraryDestination(true), fc.boolean(), (id, address, near) => {
      const destination = near && address !== BROADCAST ? ((id >>> 4) * 0x1_0000 + (address % 0x1_0000)) >>> 0 : address;
      const expected = destination === BROADCAST || overlap(members('x2apic', destination), members('x2apic', x2apicLogicalId(id) >>> 0));
      expect(matchesDestination(2, id, x2apicLogicalId(id), FLAT, true, destination)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test('an undefined model of the DFR hears broadcasts only', () => {
  expect([0xff, BROADCAST].map((destination) => matchesDestination(1, 0, 0xff00_0000, 0x5fff_ffff, true, destination))).toEqual([
    false,
    true,
  ]);
});
