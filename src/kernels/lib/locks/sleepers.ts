/**
 * Who sleeps, for which lock and with which ticket: one slot per core and a mask of the slots in use, for the paravirtual ticket locks.
 *
 * A slot's `lock` is cleared first and set last, so that nobody finds a lock beside a ticket that is not its own. Only the core itself writes its slot.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem64 } from '../../../asm/operand.ts';
import { record, sizeOf, u32, u64 } from '../../../asm/record.ts';
import { eax, ecx, r8, rcx, rdi, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { MAX_CORES } from '../layout.ts';
import { cpu, PerCpu } from '../percpu.ts';

export const Sleeper = record({ lock: u64, ticket: u32 });
const SLEEPER_SHIFT = 4;
if (sizeOf(Sleeper) !== 1 << SLEEPER_SHIFT) throw new Error('the record of a sleeper outgrew its slot');

export function sleepers(a: Assembler): void {
  a.variable('sleepers_mask');
  a.room('sleepers', MAX_CORES << SLEEPER_SHIFT, 64);
}

/** RSI = slot of the core whose number is in RCX. */
export function sleeperOf(a: Assembler): void {
  a.mov(rsi, rcx);
  a.shl(rsi, SLEEPER_SHIFT);
  a.add(rsi, addr('sleepers'));
}

/** This core sleeps for the lock in RDI with the ticket in EAX. RCX = its number, RSI = its slot from here on. A full barrier. */
export function announceSleeper(a: Assembler): void {
  a.mov(ecx, cpu(PerCpu.number));
  sleeperOf(a);
  a.comment('a handler may find the slot in use: what it interrupted looks again');
  a.mov(at(rsi, Sleeper.lock), 0);
  a.mov(at(rsi, Sleeper.ticket), eax);
  a.mov(at(rsi, Sleeper.lock), rdi);
  a.lock.bts(mem64('sleepers_mask'), rcx);
}

/** RCX, RSI as `announceSleeper` left them: this core sleeps no more. */
export function retractSleeper(a: Assembler): void {
  a.lock.btr(mem64('sleepers_mask'), rcx);
  a.mov(at(rsi, Sleeper.lock), 0);
}

/** `body` for every core that seems to sleep, RCX = number, RSI = slot; R8 = cores to come. Keeps what `body` keeps. */
export function forSleepers(a: Assembler, body: () => void): void {
  a.mov(r8, mem64('sleepers_mask'));
  a.loop(() => {
    a.bsf(rcx, r8);
    a.break_if('z');
    a.btr(r8, rcx);
    sleeperOf(a);
    body();
  });
}
