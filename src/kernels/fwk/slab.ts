/**
 * Caches of small objects of one size, in the manner of Linux 3.5's SLAB: an array of free objects for each core, filled and emptied in batches.
 *
 * `slab_alloc(RDI = cache)` → RAX = an object with whatever it held; `slab_free(RDI = cache, RSI = object)`, on any core. The core's array needs no lock:
 * kernel code is not preempted, and interrupt handlers neither take nor give objects. A batch goes from or to what all cores share under one spinlock, a second
 * array first, and a list of the objects of all pages when that is empty or full. Objects that are freed on another core than took them so travel in
 * batches, and that lock is taken once for each. Pages stay with their cache. Memory that runs out ends the run, as everywhere.
 *
 * Sizes of the arrays: [R-med] as recalled of `enable_cpucache` in mm/slab.c of that version, which has them for processors of any kind: 120 objects for a
 * core up to 256 bytes, 54 up to 1024, 24 up to a page; a batch is half of that, the shared array eight batches.
 */
import { PAGE_4K } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { aligned, array, record, sizeOf, u64 } from '../../asm/record.ts';
import { ecx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { MAX_CORES } from '../lib/layout.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';

/** Objects that a core keeps at most, by the size of an object: the first row that is large enough. */
const LIMITS: readonly (readonly [most: number, limit: number])[] = [
  [256, 120],
  [1024, 54],
  [PAGE_4K, 24],
];
const MOST_KEPT = Math.max(...LIMITS.map(([, limit]) => limit));
const BATCHES_SHARED = 8;

const limitOf = (size: number): number => LIMITS.find(([most]) => size <= most)![1];
const batchOf = (size: number): number => Math.ceil(limitOf(size) / 2);

/** Free objects of one core, the one that was used last at the end. */
export const CoreObjects = record({ count: aligned(64, u64), objects: array(u64, MOST_KEPT) });
export const CORE_SHIFT = 10;
if (sizeOf(CoreObjects) > 1 << CORE_SHIFT) throw new Error('the objects of a core outgrew their place');

export const SlabCache = record({
  size: u64,
  limit: u64,
  batch: u64,
  sharedLimit: u64,
  lock: aligned(64, u64),
  sharedCount: u64,
  /** Free objects that are in no array, linked by their first words. */
  list: u64,
  /** Objects that there are, free or not. */
  made: u64,
  shared: array(u64, (MOST_KEPT / 2) * BATCHES_SHARED),
  cores: aligned(1 << CORE_SHIFT, array(u64, (MAX_CORES << CORE_SHIFT) / 8)),
});

/** A cache by its symbol, to be set up by `slabSetup` before it is used. @param size of an object: a divisor of a page. */
export interface SlabKind {
  readonly symbol: string;
  readonly size: number;
}

/** Room for the caches, and `setup`, which core 0 calls once. */
export function slabCaches(a: Assembler, setup: string, kinds: readonly SlabKind[]): void {
  for (const { symbol } of kinds) a.room(symbol, sizeOf(SlabCache), 1 << CORE_SHIFT);
  a.proc(setup, {}, () => {
    for (const { symbol, size } of kinds) {
      a.mov(rdi, addr(symbol));
      a.mov(at(rdi, SlabCache.size), size);
      a.mov(at(rdi, SlabCache.limit), limitOf(size));
      a.mov(at(rdi, SlabCache.batch), batchOf(size));
      a.mov(at(rdi, SlabCache.sharedLimit), batchOf(size) * BATCHES_SHARED);
    }
  });
}

export function slab(a: Assembler): void {
  a.proc('slab_alloc', {}, () => {
    a.loop(() => {
      ownObjects(a);
      a.mov(rax, at(rdx, CoreObjects.count));
      a.dec(rax);
      a.break_if('ns');
      a.call('slab_refill');
    });
    a.mov(at(rdx, CoreObjects.count), rax);
    a.mov(rax, at(rdx, CoreObjects.objects, rax.times(8)));
  });

  a.proc('slab_free', { saves: [rbx] }, () => {
    ownObjects(a);
    a.mov(rax, at(rdx, CoreObjects.count));
    a.cmp(rax, at(rdi, SlabCache.limit));
    a.if_('e', () => {
      a.mov(rbx, rsi);
      a.call('slab_flush');
      a.mov(rsi, rbx);
      ownObjects(a);
      a.mov(rax, at(rdx, CoreObjects.count));
    });
    a.mov(at(rdx, CoreObjects.objects, rax.times(8)), rsi);
    a.inc(at(rdx, CoreObjects.count));
  });

  a.comment('RDI = cache whose array here is empty: it has something, and RDI is as it was. RBX = cache, RBP = array, R12 = objects got');
  a.proc('slab_refill', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rdx);
    a.loop(() => {
      lockCache(a, 'lock_acquire');
      a.comment('a batch out of the shared array, or what it has');
      a.mov(r12, at(rbx, SlabCache.sharedCount));
      a.test(r12, r12);
      a.if_(
        'nz',
        () => {
          a.cmp(r12, at(rbx, SlabCache.batch));
          a.cmova(r12, at(rbx, SlabCache.batch));
          a.sub(at(rbx, SlabCache.sharedCount), r12);
          a.mov(rax, at(rbx, SlabCache.sharedCount));
          a.lea(rsi, at(rbx, SlabCache.shared, rax.times(8)));
          a.lea(rdi, at(rbp, CoreObjects.objects));
          a.mov(rcx, r12);
          a.rep.movsq();
        },
        () => {
          a.mov(rax, at(rbx, SlabCache.list));
          a.while_(
            () => a.test(rax, rax),
            'nz',
            () => {
              a.mov(at(rbp, CoreObjects.objects, r12.times(8)), rax);
              a.mov(rax, mem64(rax));
              a.inc(r12);
              a.cmp(r12, at(rbx, SlabCache.batch));
              a.break_if('e');
            },
          );
          a.mov(at(rbx, SlabCache.list), rax);
        },
      );
      a.mov(at(rbp, CoreObjects.count), r12);
      lockCache(a, 'lock_release');
      a.test(r12, r12);
      a.break_if('nz');
      a.call('slab_grow');
    });
    a.mov(rdi, rbx);
  });

  a.comment('RBX = cache: a page more of objects. It is cut up without the lock. R12 = page, R13 = last object, R14 = how many');
  a.label('slab_grow');
  a.call('page_alloc_dirty');
  a.mov(r12, rax);
  a.mov(r13, rax);
  a.mov(r14, 1);
  a.loop(() => {
    a.mov(rcx, r13);
    a.add(rcx, at(rbx, SlabCache.size));
    a.test(rcx, PAGE_4K - 1);
    a.break_if('z');
    a.mov(mem64(r13), rcx);
    a.mov(r13, rcx);
    a.inc(r14);
  });
  lockCache(a, 'lock_acquire');
  a.mov(rax, at(rbx, SlabCache.list));
  a.mov(mem64(r13), rax);
  a.mov(at(rbx, SlabCache.list), r12);
  a.add(at(rbx, SlabCache.made), r14);
  lockCache(a, 'lock_release');
  a.ret();

  a.comment('RDI = cache, RDX = its array here, which is full: a batch less is in it, the oldest. R12 = how many go, R13 = how many stay');
  a.proc('slab_flush', { saves: [rbx, rbp, r12, r13, r15] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rdx);
    a.mov(r15, at(rbx, SlabCache.batch));
    lockCache(a, 'lock_acquire');
    a.mov(r12, at(rbx, SlabCache.sharedLimit));
    a.sub(r12, at(rbx, SlabCache.sharedCount));
    a.lea(rsi, at(rbp, CoreObjects.objects));
    a.if_(
      'nz',
      () => {
        a.cmp(r12, r15);
        a.cmova(r12, r15);
        a.mov(rax, at(rbx, SlabCache.sharedCount));
        a.lea(rdi, at(rbx, SlabCache.shared, rax.times(8)));
        a.mov(rcx, r12);
        a.rep.movsq();
        a.add(at(rbx, SlabCache.sharedCount), r12);
      },
      () => {
        a.mov(rdx, at(rbx, SlabCache.list));
        a.repeat_while('b', () => {
          a.mov(rax, mem64(rsi, r12.times(8)));
          a.mov(mem64(rax), rdx);
          a.mov(rdx, rax);
          a.inc(r12);
          a.cmp(r12, r15);
        });
        a.mov(at(rbx, SlabCache.list), rdx);
      },
    );
    lockCache(a, 'lock_release');
    a.mov(r13, at(rbp, CoreObjects.count));
    a.sub(r13, r12);
    a.mov(at(rbp, CoreObjects.count), r13);
    a.comment('the others move up');
    a.lea(rdi, at(rbp, CoreObjects.objects));
    a.lea(rsi, at(rbp, CoreObjects.objects, r12.times(8)));
    a.mov(rcx, r13);
    a.rep.movsq();
    a.mov(rdi, rbx);
  });
}

/** RDX is the running core's array of the cache RDI. Changes RCX. */
function ownObjects(a: Assembler): void {
  a.mov(ecx, cpu(PerCpu.number));
  a.shl(rcx, CORE_SHIFT);
  a.lea(rdx, at(rdi, SlabCache.cores, rcx));
}

/** The lock of the cache RBX. */
function lockCache(a: Assembler, procedure: 'lock_acquire' | 'lock_release'): void {
  a.lea(rdi, at(rbx, SlabCache.lock));
  a.call(procedure);
}
