/**
 * Faults put into the locks on purpose, one at a time: the properties that the locks keep must find each of them.
 *
 * What they cannot find: a missing LOCK prefix or barrier. The emulator executes every instruction as a whole and shows every store at once, so the
 * ordering arguments of the locks are arguments, not tests.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { lockCase } from '../../arbitraries/lockCase.ts';
import { LockRig } from './lockRig.ts';
import { type Mutation, mutating } from './mutation.ts';

const SEED = 6;
const RUNS = 600;
const LOST = 'lost wake-up';
const STUCK = 'no progress';
const EXCLUSION = 'mutual exclusion';
const NOT_FREE = 'the lock is not free though nobody holds it';

const drop = (mnemonic: string, occurrence = 0): Mutation => ({ kind: 'drop', mnemonic, occurrence });
const swap = (mnemonic: string, occurrence = 0): Mutation => ({ kind: 'swap', mnemonic, occurrence });

/** Lock, what is wrong with it now, how, and what may be found first. */
const MUTANTS: readonly (readonly [lock: string, what: string, mutation: Mutation, found: readonly string[]])[] = [
  ['ticket', 'does not look who is served', drop('cmp'), [STUCK]],
  ['ticket', 'does not serve the next', drop('inc'), [STUCK, NOT_FREE]],
  ['tas', 'waits, but does not take it', drop('xchg', 1), [STUCK]],
  ['tas', 'does not let go', drop('mov', 8), [STUCK, NOT_FREE]],
  ['mcs', 'does not say that it waits', drop('mov', 4), [EXCLUSION]],
  ['mcs', 'does not link itself behind the last', drop('mov', 11), [STUCK]],
  ['mcs', 'does not empty the list', drop('lock cmpxchg', 1), [STUCK, NOT_FREE]],
  ['qspinlock', 'does not set pending', drop('lock bts'), [EXCLUSION]],
  ['qspinlock', 'takes the lock from the queue without setting it', drop('mov', 23), [EXCLUSION]],
  ['qspinlock', 'does not say who is first now', drop('mov', 25), [STUCK]],
  ['preemptable', 'competes without looking whether it is held', drop('test', 2), [EXCLUSION, STUCK, NOT_FREE]],
  ['preemptable', 'does not let go', drop('lock add'), [STUCK, NOT_FREE]],
  ['preemptable-v2', 'competes without taking the flag', drop('xchg', 1), [STUCK]],
  ['preemptable-v2', 'does not serve the next', drop('lock inc'), [STUCK, NOT_FREE]],
  ['pv-ticket', 'does not publish that it sleeps', drop('lock bts'), [LOST]],
  ['pv-ticket', 'does not set the slow-path flag', drop('lock or'), [LOST]],
  ['pv-ticket', 'does not look again before it halts', drop('cmp', 1), [LOST]],
  ['pv-ticket', 'looks before it sets the flag, not after', swap('lock or'), [LOST]],
  ['pv-ticket', 'does not kick', drop('call', 0), [LOST]],
  ['pv-preemptable', 'does not count itself as sleeping', drop('lock inc'), [LOST]],
  ['pv-preemptable', 'does not look again before it halts', drop('test', 3), [LOST]],
  ['pv-preemptable', 'does not kick', drop('call', 0), [LOST]],
  ['pv-qspinlock', 'does not say that it halts', drop('xchg', 1), [LOST]],
  ['pv-qspinlock', 'does not look whether it is first before it halts', drop('cmp', 3), [LOST]],
  ['pv-qspinlock', 'does not put a sleeper into the table when it becomes the first', drop('lock cmpxchg', 5), [LOST]],
  ['pv-qspinlock', 'does not free the lock in the slow path', drop('mov', 47), [STUCK, LOST]],
  ['pv-qspinlock', 'does not kick', drop('call', 3), [LOST]],
];

test.each(MUTANTS)('%s that %s is found out', (name, _what, mutation, found) => {
  const lock = LOCKS.find((one) => one.name === name)!;
  const parameters = Object.fromEntries(lock.parameters.map((parameter) => [parameter.name, 1]));
  const rig = new LockRig(lock, parameters, (a) => mutating(a, mutation));
  let violation: string | undefined;
  fc.check(
    fc.property(lockCase(name, parameters), (one) => {
      violation ??= rig.run(one);
      return violation === undefined;
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  expect(found).toContain(violation?.split(':')[0]);
});
