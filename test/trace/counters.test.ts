import { expect, test } from 'vitest';
import * as counters from '../../src/trace/counters.ts';
import * as events from '../../src/trace/events.ts';

const upper = (name: string): string =>
  name
    .replaceAll(/([A-Z])/g, '_$1')
    .replaceAll('-', '_')
    .toUpperCase();
/** Constants of a module that start so, as [name, number]. */
const constants = (module: Record<string, unknown>, prefix: string): [string, unknown][] =>
  Object.entries(module)
    .filter(([name, value]) => name.startsWith(prefix) && typeof value === 'number')
    .sort(([, left], [, right]) => Number(left) - Number(right));

test('the constants of counters are the rows of their table', () => {
  expect(constants(counters, 'COUNTER_')).toEqual(counters.COUNTERS.map(([name], row) => [`COUNTER_${upper(name)}`, row]));
});

test('the constants of events are the rows of their table', () => {
  expect(constants(events, 'EVENT_')).toEqual(events.EVENTS.map(({ name }, row) => [`EVENT_${upper(name)}`, row]));
});

test('every invalidation has a name', () => {
  expect(constants(events, 'OPERATION_').map(([, value]) => value)).toEqual(events.INVALIDATION_NAMES.map((_, number) => number));
});
