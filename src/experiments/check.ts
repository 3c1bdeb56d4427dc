import type { ShapeCheck, Verdict } from './experiment.ts';

/** A check with its verdict. @param known what it needs was measured; otherwise neither `holds` nor `evidence` is asked. */
export function check(name: string, expectation: string, known: boolean, holds: () => boolean, evidence: () => string): ShapeCheck {
  if (!known) return { name, expectation, verdict: 'not measured', evidence: 'the runs that this needs are missing' };
  const verdict: Verdict = holds() ? 'holds' : 'fails';
  return { name, expectation, verdict, evidence: evidence() };
}
