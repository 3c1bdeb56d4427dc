import { expect, test } from 'vitest';
import { quickRun } from '../../session/quickRun.ts';

test('cpu-bound counts the primes below 10,000 on every core', () => {
  const { stop, serial } = quickRun('cpu-bound', { cores: 3, params: { rounds: '2' } });
  expect({ stop, serial }).toEqual({ stop: { kind: 'power-off' }, serial: `primes: ${2 * 3 * 1229}\n` });
});
