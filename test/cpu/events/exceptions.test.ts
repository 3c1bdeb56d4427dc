import { expect, test } from 'vitest';
import { VECTOR_DF } from '../../../src/arch/vectors.ts';
import { combineExceptions } from '../../../src/cpu/events/exceptions.ts';

/** Classes of the SDM's table, by name. SDM: Vol. 3, "Interrupt 8—Double Fault Exception (#DF)". */
const classOf = (vector: number): 'benign' | 'contributory' | 'page fault' | 'double fault' => {
  if (vector === 8) return 'double fault';
  if (vector === 14) return 'page fault';
  return [0, 10, 11, 12, 13].includes(vector) ? 'contributory' : 'benign';
};

const VECTORS = Array.from({ length: 32 }, (_, vector) => vector);

test('two exceptions are handled one after the other, make a double fault, or shut down, as the table says', () => {
  const table: Record<string, string> = {
    'benign, benign': 'serial',
    'benign, contributory': 'serial',
    'benign, page fault': 'serial',
    'contributory, benign': 'serial',
    'contributory, contributory': 'double',
    'contributory, page fault': 'serial',
    'page fault, benign': 'serial',
    'page fault, contributory': 'double',
    'page fault, page fault': 'double',
    'double fault, benign': 'serial',
    'double fault, contributory': 'shutdown',
    'double fault, page fault': 'shutdown',
  };
  const wrong: string[] = [];
  for (const first of VECTORS) {
    for (const second of VECTORS) {
      const rule = table[`${classOf(first)}, ${classOf(second)}`];
      // A double fault does not arise as a second exception.
      if (rule === undefined) continue;
      const expected = rule === 'serial' ? second : rule === 'double' ? VECTOR_DF : -1;
      if (combineExceptions(first, second) !== expected) wrong.push(`${first}, ${second}: ${combineExceptions(first, second)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('after an interrupt every exception stands for itself', () => {
  expect(VECTORS.map((second) => combineExceptions(-1, second))).toEqual(VECTORS);
});
