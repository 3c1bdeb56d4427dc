/**
 * Preemptable ticket lock, third version, the one released in 2015: compact, with a release of one instruction. preemptableCompact.ts has the
 * algorithm, layout and ordering. In order as long as everybody runs; nobody waits for a core that does not run for longer than its patience.
 */
import { r8d } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS } from './lockMarks.ts';
import { COMPACT_POLL, compete, drawTicket, letGo, looksFree, waitForTurn, writeCompactTry } from './preemptableCompact.ts';
import { unit } from './preemptableFlag.ts';

export const preemptableV3: LockAlgorithm = {
  name: 'preemptable-v3',
  doc: 'preemptable ticket lock, third version: compact, one locked instruction to release',
  parameters: [MARKS, unit(8)],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.proc('lock_acquire', {}, () => {
      drawTicket(a, marks);
      a.return_if('z');
      marks.waiting({ poll: COMPACT_POLL, inOrder: true, ticket: r8d }, () => {
        waitForTurn(a, marks, parameters['lock-unit']!);
        a.repeat_while('nz', () => {
          a.loop(() => {
            looksFree(a);
            a.break_if('z');
            a.pause();
          });
          compete(a, marks);
        });
      });
    });

    writeCompactTry(a, marks);

    a.proc('lock_release', {}, () => letGo(a, marks));
  },
};

/** The release under its plain name. */
export const preemptable: LockAlgorithm = {
  ...preemptableV3,
  name: 'preemptable',
  doc: 'preemptable ticket lock (VEE 2013) in its released version, preemptable-v3',
};
