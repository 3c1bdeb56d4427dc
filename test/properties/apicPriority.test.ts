import fc from 'fast-check';
import { expect, test } from 'vitest';
import { APIC_EOI, APIC_IRR0, APIC_ISR0, APIC_PPR, APIC_TPR } from '../../src/arch/apicRegisters.ts';
import { enabledApic } from '../apic/recordingBus.ts';

/** The manual's rules over plain sets, with nothing cached. */
class Model {
  requested = new Set<number>();
  inService: number[] = [];
  tpr = 0;

  get ppr(): number {
    const top = Math.max(0, ...this.inService);
    return this.tpr >> 4 >= top >> 4 ? this.tpr : (top >> 4) << 4;
  }

  get pending(): number {
    return Math.max(-1, ...[...this.requested].filter((vector) => vector >> 4 > this.ppr >> 4));
  }
}

type Step = { do: 'accept'; vector: number } | { do: 'acknowledge' } | { do: 'end' } | { do: 'tpr'; value: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('accept' as const), vector: fc.integer({ min: 16, max: 255 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('acknowledge' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tpr' as const), value: fc.oneof(fc.nat(255), fc.nat(0x40)) }) },
);

const vectorsOf = (read: (offset: number) => number, first: number): number[] =>
  Array.from({ length: 256 }, (_, vector) => vector).filter((vector) => (read(first + (vector >> 5) * 16) >>> (vector & 31)) & 1);

test('property: the highest class above PPR is delivered, service nests, and no interrupt is lost or doubled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { apic } = enabledApic();
      const model = new Model();
      const read = (offset: number) => apic.read(offset);
      for (const current of steps) {
        switch (current.do) {
          case 'accept':
            apic.accept(current.vector);
            model.requested.add(current.vector);
            break;
          case 'acknowledge': {
            const expected = model.pending;
            expect(apic.acknowledge()).toBe(expected < 0 ? 0xff : expected);
            if (expected >= 0) {
              // Service nests: whatever is delivered is of a higher class than everything in service.
              for (const vector of model.inService) expect(expected >> 4).toBeGreaterThan(vector >> 4);
              model.requested.delete(expected);
              model.inService.push(expected);
            }
            break;
          }
          case 'end':
            apic.write(APIC_EOI, 0);
            model.inService.sort((a, b) => a - b).pop();
            break;
          case 'tpr':
            apic.write(APIC_TPR, current.value);
            model.tpr = current.value;
            break;
        }
        expect({ pending: apic.pending(), ppr: apic.read(APIC_PPR) }).toEqual({ pending: model.pending, ppr: model.ppr });
      }
      const ascending = (a: number, b: number) => a - b;
      expect(vectorsOf(read, APIC_IRR0)).toEqual([...model.requested].sort(ascending));
      expect(vectorsOf(read, APIC_ISR0)).toEqual([...model.inService].sort(ascending));
    }),
    { numRuns: 300 },
  );
});

test('property: with TPR 0, draining delivers every accepted vector exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 16, max: 255 })), (vectors) => {
      const { apic } = enabledApic();
      for (const vector of vectors) apic.accept(vector);
      const delivered: number[] = [];
      while (apic.pending() >= 0) {
        delivered.push(apic.acknowledge());
        apic.endOfInterrupt();
      }
      expect(delivered).toEqual([...new Set(vectors)].sort((a, b) => b - a));
    }),
  );
});
