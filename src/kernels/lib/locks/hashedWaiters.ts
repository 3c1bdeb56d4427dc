/**
 * Who sleeps at the head of the queue of which lock: a hash table from locks to queue nodes, for the paravirtual queued lock, whose word has no room
 * for it. One entry a lock at most, 256 at most in all (every node of every core), in a table of twice that: an empty place is always found.
 *
 * Whoever inserts makes that known afterwards, through the lock itself; whoever has seen that finds the entry. An entry that is not found is a fault
 * of the lock, and ends the run.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at } from '../../../asm/operand.ts';
import { record, sizeOf, u64 } from '../../../asm/record.ts';
import { eax, ecx, edi, r8d, r9, r9d, rdi, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { failWith } from '../exit.ts';

export const HashEntry = record({ lock: u64, node: u64 });
const ENTRY_SHIFT = 4;
const ENTRIES = 512;
/** 2^32 divided by the golden ratio, as a signed number. */
const SPREAD = 0x9e37_79b1 | 0;
if (sizeOf(HashEntry) !== 1 << ENTRY_SHIFT) throw new Error('an entry of the hash table is 16 bytes long');

/** `hash_insert(RDI = lock, RSI = node)` → R9 = its entry. `hash_remove(RDI = lock)` → RSI = node. Both keep RDI, RDX, R10 and R11. */
export function hashedWaiters(a: Assembler): void {
  a.room('hashed_waiters', ENTRIES << ENTRY_SHIFT, 64);

  a.proc('hash_insert', {}, () => {
    firstEntry(a);
    a.loop(() => {
      a.xor(eax, eax);
      a.lock.cmpxchg(at(r9, HashEntry.lock), rdi);
      a.break_if('e');
      nextEntry(a);
    });
    a.mov(at(r9, HashEntry.node), rsi);
  });

  a.proc('hash_remove', {}, () => {
    firstEntry(a);
    a.mov(ecx, ENTRIES);
    a.loop(() => {
      a.cmp(at(r9, HashEntry.lock), rdi);
      a.break_if('e');
      nextEntry(a);
      a.dec(ecx);
      a.jz('hash_entry_lost');
    });
    a.mov(rsi, at(r9, HashEntry.node));
    a.mov(at(r9, HashEntry.lock), 0);
  });

  a.label('hash_entry_lost');
  failWith(a, 'pv-qspinlock: the sleeper at the head of a queue is not in the table\n');
}

/** R8 = number, R9 = address of the entry where the search for the lock RDI starts. */
function firstEntry(a: Assembler): void {
  a.imul(r8d, edi, SPREAD);
  a.shr(r8d, 32 - Math.log2(ENTRIES));
  entryAddress(a);
}

function nextEntry(a: Assembler): void {
  a.inc(r8d);
  a.and(r8d, ENTRIES - 1);
  entryAddress(a);
}

function entryAddress(a: Assembler): void {
  a.mov(r9d, r8d);
  a.shl(r9d, ENTRY_SHIFT);
  a.add(r9, addr('hashed_waiters'));
}
