/** The guests that run one compiled program each; what the programs do is in the headers of programs/*.c. */
import type { GuestDefinition } from '../guest.ts';
import { PROCESSES, programGuest, SEED, THREADS } from './programGuest.ts';

export const dedup = programGuest({
  name: 'dedup',
  doc: 'user program: compresses and deduplicates in a pipeline; buffers are mapped in one thread and unmapped in another',
  program: 'dedup',
  parameters: [
    { ...THREADS, doc: 'threads of each of the three inner stages; 0: one for each core' },
    { name: 'kilobytes', default: 2048, min: 1, max: 1_048_576, doc: 'size of the input' },
    { name: 'buffer', default: 256, min: 16, max: 65_536, doc: 'kilobytes of each buffer of input' },
    SEED,
  ],
  figures: ['cycles', 'checksum'],
});

export const allocstress = programGuest({
  name: 'allocstress',
  doc: 'user program: threads allocate, hand over, check and release blocks of all sizes',
  program: 'allocstress',
  parameters: [
    THREADS,
    { name: 'rounds', default: 500, min: 1, max: 1_000_000_000, doc: 'blocks that each thread makes' },
    { name: 'slots', default: 256, min: 1, max: 65_536, doc: 'places where blocks are handed over' },
    { name: 'most', default: 300_000, min: 1024, max: 67_108_864, doc: 'bytes of the largest block' },
    SEED,
  ],
  figures: ['cycles', 'checksum'],
});

export const hackbench = programGuest({
  name: 'hackbench',
  doc: 'user program: groups of senders and receivers exchange messages through local sockets or pipes',
  program: 'hackbench',
  parameters: [
    { name: 'groups', default: 1, min: 1, max: 64, doc: 'groups in each process; a pair of sockets for each receiver of each group' },
    { name: 'fan', default: 10, min: 1, max: 64, doc: 'senders, and receivers, of each group' },
    { name: 'loops', default: 20, min: 1, max: 1_000_000, doc: 'messages from each sender to each receiver' },
    { name: 'pipes', default: 0, min: 0, max: 1, doc: '0: local stream sockets, as the program of that name; 1: pipes, as with its -p' },
    PROCESSES,
  ],
  figures: ['cycles', 'messages', 'checksum'],
});

export const ebizzy = programGuest({
  name: 'ebizzy',
  doc: 'user program: threads copy a chunk into fresh memory, search it, and give it back',
  program: 'ebizzy',
  parameters: [
    THREADS,
    { name: 'requests', default: 200, min: 1, max: 1_000_000_000, doc: 'requests of each thread' },
    { name: 'chunks', default: 10, min: 1, max: 4096, doc: 'chunks in the pool' },
    { name: 'chunk', default: 65_536, min: 64, max: 67_108_864, doc: 'bytes of a chunk' },
    { name: 'mmap', default: 1, min: 0, max: 1, doc: '1: every copy is a mapping, as with its -M; 0: a block of the allocator' },
    SEED,
  ],
  figures: ['cycles', 'requests', 'checksum'],
});

export const kernbench = programGuest({
  name: 'kernbench',
  doc: 'user program: many short lives with fresh memory, calls of all kinds and an end, as a parallel build has them',
  program: 'kernbench',
  parameters: [
    { name: 'jobs', default: 0, min: 0, max: 28, doc: 'files under way at once in each process; 0: one for each core' },
    { name: 'files', default: 16, min: 1, max: 1_000_000, doc: 'files compiled by each process' },
    { name: 'kilobytes', default: 256, min: 4, max: 65_536, doc: 'memory that a job comes to use' },
    { name: 'work', default: 2000, min: 1, max: 10_000_000, doc: 'steps of computing for each page of it' },
    SEED,
    PROCESSES,
  ],
  figures: ['cycles', 'files', 'checksum'],
});

export const dvdstore = programGuest({
  name: 'dvdstore',
  doc: 'user program: sessions that think, and a database whose transactions lock, look up, change, and wait for a log',
  program: 'dvdstore',
  parameters: [
    { name: 'sessions', default: 16, min: 1, max: 200, doc: 'customers' },
    { name: 'transactions', default: 20, min: 1, max: 1_000_000_000, doc: 'transactions of each session' },
    { name: 'think', default: 500, min: 0, max: 1_000_000, doc: 'mean microseconds between two of them' },
    { name: 'titles', default: 1000, min: 1, max: 1_000_000, doc: 'titles in stock, each with a lock' },
    { name: 'work', default: 500, min: 0, max: 1_000_000_000, doc: 'steps of computing for each look-up' },
    { name: 'clients', default: 1, min: 0, max: 1, doc: '1: each has a connection to a thread of the database; 0: does its steps itself' },
    SEED,
  ],
  figures: ['cycles', 'transactions', 'checksum'],
});

export const PROGRAM_GUESTS: readonly GuestDefinition[] = [dedup, allocstress, hackbench, ebizzy, kernbench, dvdstore];
