import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAssignment, parseFactor, parseInteger, parseSize, parseTime, timeToCycles } from '../../src/cli/quantities.ts';

describe('whole numbers', () => {
  test.each([
    ['1', 1],
    ['1_000_000', 1_000_000],
    ['2e9', 2e9],
    ['9007199254740991', 2 ** 53 - 1],
  ])('%s', (text, value) => expect(parseInteger(text, 0)).toBe(value));
  test.each(['', '-1', '1.5', '0x10', '1k', 'ten', '9007199254740992', '1e400', 'NaN', ' '])('%j is none', (text) =>
    expect(() => parseInteger(text, 0)).toThrow(RangeError),
  );
  test('limits are part of the message', () => {
    expect(() => parseInteger('0', 1, 255)).toThrow("'0' is not a whole number from 1 to 255");
    expect(() => parseInteger('0', 1)).toThrow("'0' is not a whole number of at least 1");
  });
});

describe('sizes', () => {
  test.each([
    ['256M', 256 * 2 ** 20],
    ['1G', 2 ** 30],
    ['1.5g', 1.5 * 2 ** 30],
    ['64MiB', 64 * 2 ** 20],
    ['4k', 4096],
    ['1048576', 1048576],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  test.each(['', '0', '-1M', '12q', 'M', '0.3k', '1MB', '1e30G'])('%j is none', (text) =>
    expect(() => parseSize(text)).toThrow(RangeError),
  );
});

describe('times', () => {
  test.each([
    ['3ms', 7_500_000],
    ['250us', 625_000],
    ['250µs', 625_000],
    ['250μs', 625_000],
    ['1.5s', 3.75e9],
    ['10ns', 25],
    ['0.1ns', 1],
    ['10000', 10_000],
    ['10000cycles', 10_000],
  ])('%s at 2.5 GHz', (text, cycles) => expect(timeToCycles(parseTime(text), 2.5e9)).toBe(cycles));
  test.each(['', '0', '0ms', '1.5', '3m', 'ms', '-3ms', '3 days'])('%j is none', (text) =>
    expect(() => parseTime(text)).toThrow(RangeError),
  );
});

describe('factors', () => {
  test.each([
    ['2', 2],
    ['0.5', 0.5],
    ['1e-3', 1e-3],
    ['0', 0],
  ])('%j is %d', (text, factor) => expect(parseFactor(text)).toBe(factor));
  test.each(['', 'x', '-1', 'Infinity', '2x'])('%j is none', (text) => expect(() => parseFactor(text)).toThrow(RangeError));
});

describe('assignments', () => {
  test('property: what is left and right of the first equal sign', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((key) => !key.includes('=')),
        fc.string(),
        (key, value) => {
          expect(parseAssignment(`${key}=${value}`)).toEqual([key, value]);
        },
      ),
    );
  });
  test.each(['', 'key', '=value'])('%j is none', (text) => expect(() => parseAssignment(text)).toThrow(RangeError));
});
