import { expect, test } from 'vitest';
import { locksFairness } from '../../../src/experiments/locks/locksFairness.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { fairbenchRun } from './lockRuns.ts';

interface Given {
  readonly patientAlone?: number;
  readonly shared?: number;
  readonly impatient?: number;
  readonly hastyJain?: number;
  readonly crowdedJain?: number;
}

function found({ patientAlone = 0.99, shared = 0.7, impatient = 900, hastyJain = 0.95, crowdedJain = 0.9 }: Given = {}) {
  const at = (load: string, vms: number, unit: number, acquisitions: number, jain: number) => ({
    point: point({ load, lock: 'preemptable', vms, unit, seed: 1 }),
    measurement: fairbenchRun(acquisitions, jain),
  });
  return locksFairness.reduce(
    new ResultSet([
      at('half busy', 1, 0, 1100, 0.92),
      at('half busy', 1, 14, 1000, patientAlone),
      at('half busy', 2, 0, 500, shared),
      at('half busy', 2, 14, 300, 0.98),
      at('saturated', 1, 0, 3000, hastyJain),
      at('saturated', 1, 14, 1000, 0.99),
      at('saturated', 2, 0, impatient, crowdedJain),
      at('saturated', 2, 14, 300, 0.98),
    ]),
    'full',
  );
}
const failing = (given: Given): string[] =>
  found(given)
    .checks.filter(({ verdict }) => verdict !== 'holds')
    .map(({ name }) => name);

test('the checks of locks-fairness hold where patience is fair, and impatience is fast and unfair', () => expect(failing({})).toEqual([]));
test('each of them can fail', () => {
  expect(failing({ patientAlone: 0.93 })).toEqual(['alone, a patient lock is fair']);
  expect(failing({ shared: 0.97, crowdedJain: 0.93 })).toEqual(['overcommit costs fairness']);
  expect(failing({ impatient: 500 })).toEqual(['a smaller unit is faster']);
  expect(failing({ hastyJain: 0.995 })).toEqual(['and less fair']);
});
test('nothing measured is no verdict', () => {
  expect(locksFairness.reduce(new ResultSet([]), 'full').checks.map(({ verdict }) => verdict)).toEqual(Array(4).fill('not measured'));
});
test('the best unit is the fastest of the fair ones, for each load and overcommit, in figure, headlines and table', () => {
  const { figures, headlines, tables } = found();
  const best = [
    'half busy ×1: 2^0 (1.1 per ms, Jain 0.920)',
    'half busy ×2: 2^14 (0.3 per ms, Jain 0.980)',
    'saturated ×1: 2^0 (3.0 per ms, Jain 0.950)',
    'saturated ×2: 2^0 (0.9 per ms, Jain 0.900)',
  ];
  expect(figures[0]!.measured).toBe(`best fair unit ${best.join('; ')}`);
  expect(headlines.map(({ measured }) => measured)).toEqual(best);
  expect(tables[0]!.rows.map((row) => row.at(-1))).toEqual(['*', '', '', '*', '*', '', '*', '']);
});
test('where no unit is fair it says so', () => {
  const results = new ResultSet([{ point: point({ load: 'saturated', vms: 3, unit: 0 }), measurement: fairbenchRun(10, 0.5) }]);
  expect(locksFairness.reduce(results, 'full').figures[0]!.measured).toBe('best fair unit saturated ×3: none reaches Jain 0.9');
});
