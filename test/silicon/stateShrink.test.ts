import { expect, test } from 'vitest';
import { plainBytes, plainField, plainList, shrinkState } from './stateShrink.ts';

interface Case {
  readonly flags: number;
  readonly list: readonly bigint[];
  readonly bytes: Uint8Array;
}

const STEPS = [
  plainField<Case, 'flags'>('flags', 2),
  ...plainList<Case, bigint>(
    4,
    2,
    0n,
    ({ list }) => list,
    (one, list) => ({ ...one, list }),
  ),
  ...plainBytes<Case>(
    8,
    4,
    ({ bytes }) => bytes,
    (one, bytes) => ({ ...one, bytes }),
  ),
];
const from: Case = { flags: 0xff, list: [1n, 2n, 3n, 4n], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };

test('what the difference does not need becomes plain, and what it needs stays', () => {
  const judge = ({ list, bytes }: Case): string[] => (list[2] === 3n && bytes[1] === 2 ? ['differs'] : []);
  expect(shrinkState(from, STEPS, judge)).toEqual({
    test: { flags: 2, list: [0n, 0n, 3n, 4n], bytes: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0) },
    differences: ['differs'],
  });
});

test('a case that does not differ by itself has no plainer one', () => {
  expect(shrinkState(from, STEPS, () => [])).toBeUndefined();
});
