import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtobufEncoder } from '../../src/trace/protobufEncoder.ts';
import { decodeMessage, integer, messages, text } from './protobufDecoder.ts';

const field = fc.integer({ min: 1, max: 2000 });
const value = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, 127, 128, -1, 2 ** 32, -(2 ** 47), 2 ** 53 - 1));

test('property: integers, fixed64 and text come back as they went in', () => {
  fc.assert(
    fc.property(field, value, fc.string(), (number, integral, string) => {
      const encoder = new ProtobufEncoder();
      encoder.integer(number, integral);
      encoder.fixed64(number, integral);
      encoder.text(number, string);
      const bits = BigInt.asUintN(64, BigInt(integral));
      expect(decodeMessage(encoder.encoded).map(([n, v]) => [n, typeof v === 'bigint' ? v : Buffer.from(v).toString()])).toEqual([
        [number, bits],
        [number, bits],
        [number, string],
      ]);
    }),
  );
});

test('property: nested messages of any size carry their length', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 4 }), (sizes) => {
      const encoder = new ProtobufEncoder();
      encoder.begin(1);
      for (const size of sizes) {
        encoder.begin(2);
        encoder.text(3, 'x'.repeat(size));
        encoder.end();
      }
      encoder.integer(4, 5);
      encoder.end();
      const [outer] = messages(decodeMessage(encoder.encoded), 1);
      expect(messages(outer!, 2).map((inner) => text(inner, 3)!.length)).toEqual(sizes);
      expect(integer(outer!, 4)).toBe(5);
    }),
    { numRuns: 50 },
  );
});

test('an open message cannot be taken for a finished one', () => {
  const encoder = new ProtobufEncoder();
  expect(() => encoder.end()).toThrow('no protocol-buffer message is open');
  encoder.begin(1);
  expect(() => encoder.encoded).toThrow('still open');
});
