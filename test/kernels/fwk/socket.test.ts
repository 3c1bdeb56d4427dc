/** Stream sockets under many writers: what arrives is what was sent, whatever cores, lock and VMM there are; and no message is lost or kept. */
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../../src/cpu/engines/registry.ts';
import type { RunOptions } from '../../../src/session/runOptions.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';
import { SMALL_RUNS } from '../workloads/smallRuns.ts';
import { messageObjects } from './messageObjects.ts';

const OFF = { kind: 'power-off' };
const SMALL = SMALL_RUNS.find(({ program }) => program === 'hackbench')!;

/** hackbench, which finds messages that are missing, doubled, torn or out of their sender's order. */
const hackbench = (given: Partial<RunOptions>, more: Readonly<Record<string, string>> = {}) =>
  quickRun('hackbench', {
    maxCycles: 2e9,
    ...given,
    params: { ...Object.fromEntries(Object.entries(SMALL.parameters).map(([name, value]) => [name, `${value}`])), ...more },
  });

test.for([
  [1, 'ticket'],
  [2, 'preemptable'],
  [4, 'mcs'],
  [8, 'ticket'],
] as const)('on %i cores with %s locks every message arrives, and all buffers come back', ([cores, lock]) => {
  const result = hackbench({ cores, lock });
  expect(result.stop).toEqual(OFF);
  expect(result.serial).toContain(`checksum: ${SMALL.checksum}\n`);
  for (const { symbol, made, free } of messageObjects(result, 'hackbench', { lock }))
    expect([symbol, free, made > 0]).toEqual([symbol, made, symbol === 'message_headers' || symbol === 'message_data_512']);
});

test.for(['ticket', 'pv-preemptable'])('in two VMs on the cores of one, with %s locks, every translation checked', (lock) => {
  const { stop, serial } = hackbench({ cores: 2, lock, vmm: virtual(2, 2, 60_000), checkTlb: true });
  expect(stop).toEqual(OFF);
  for (const vm of [0, 1]) expect(serial).toContain(`[vm${vm}] checksum: ${SMALL.checksum}\n`);
});

test('both engines make the same run of it', () => {
  const runs = ENGINES.map((engine) => hackbench({ cores: 4, engine }));
  const [first, ...others] = runs.map(({ serial, stats }) => ({ serial, stats: { ...stats, engine: '' } }));
  for (const other of others) expect(other).toEqual(first);
});

test('messages are the same through pipes, which hardly use spinlocks', () => {
  const [sockets, pipes] = [hackbench({ cores: 4 }), hackbench({ cores: 4 }, { pipes: '1' })];
  expect(pipes.serial).toContain(`checksum: ${SMALL.checksum}\n`);
  const messages = 72;
  const perMessage = ({ stats }: typeof sockets) => stats.locks.acquisitions / messages;
  // Locks of the end and of its queue to write, the same to read; a pipe's sleeping lock takes some of its own when it is contended.
  expect(perMessage(sockets)).toBeGreaterThan(perMessage(pipes) + 2);
});

describe('after the self-test, which leaves messages unread and threads waiting', () => {
  test.for([1, 4])('every object is back, on %i cores', (cores) => {
    const result = quickRun('fwk-selftest', { cores });
    expect(result.stop).toEqual(OFF);
    for (const { symbol, made, free } of messageObjects(result, 'fwk-selftest')) expect([symbol, free]).toEqual([symbol, made]);
  });
});
