/**
 * The program that the lock rig runs: what each role does, and an interrupt handler. Labels tell the rig where a core is:
 *
 *   SITE_begin   about to call lock_acquire or lock_try
 *   SITE_in      holds the lock
 *   SITE_out     about to call lock_release
 *   SITE_free    has let go of it
 *   SITE_failed  lock_try has said no
 */

import { GUEST_IMAGE_BASE } from '../../../src/arch/platform.ts';
import type { Assembled, Assembler } from '../../../src/asm/assembler.ts';
import { assembler } from '../../../src/asm/assembler.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { eax, r8, r9, r10, r11, r12, rax, rcx, rdi, rdx, rsi } from '../../../src/asm/register.ts';
import { exit } from '../../../src/kernels/lib/exit.ts';
import { acquire, chooseLock, type LockAlgorithm, release, tryAcquire } from '../../../src/kernels/lib/locks/lock.ts';
import { percpu } from '../../../src/kernels/lib/percpu.ts';
import { serial } from '../../../src/kernels/lib/serial.ts';

export type LockName = 'lock_a' | 'lock_b';

/** Places of the program, and the lock that each is about. */
export const SITES: Readonly<Record<string, LockName>> = {
  acquire: 'lock_a',
  try: 'lock_a',
  nest: 'lock_a',
  inner: 'lock_b',
  handler: 'lock_b',
};

const CALLER_SAVED = [rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11];

/** The program with that lock; `distort` may change what the lock writes. */
export function lockProgram(
  lock: LockAlgorithm,
  parameters: Readonly<Record<string, number>>,
  distort?: (a: Assembler) => Assembler,
): Assembled {
  const a = assembler();
  a.include(percpu);
  a.include(exit);
  a.include(serial);
  chooseLock(lock, parameters).write(distort?.(a) ?? a);
  for (const name of ['lock_a', 'lock_b', 'guard_a', 'guard_b']) {
    a.section('data', () => a.align(64));
    a.variable(name);
  }

  a.label('role_acquire');
  a.repeat_while('nz', () => {
    section(a, 'acquire', 'lock_a', 'guard_a', () => {});
    a.dec(r12);
  });
  a.jmp('done');

  a.label('role_try');
  a.repeat_while('nz', () => {
    a.label('try_begin');
    tryAcquire(a, 'lock_a');
    a.test(eax, eax);
    a.if_(
      'nz',
      () => inside(a, 'try', 'lock_a', 'guard_a', () => {}),
      () => {
        a.label('try_failed');
        a.nop();
      },
    );
    a.dec(r12);
  });
  a.jmp('done');

  a.label('role_nest');
  a.repeat_while('nz', () => {
    section(a, 'nest', 'lock_a', 'guard_a', () => {
      a.pushfq();
      a.cli();
      section(a, 'inner', 'lock_b', 'guard_b', () => {});
      a.popfq();
    });
    a.dec(r12);
  });
  a.jmp('done');

  a.label('on_interrupt');
  for (const register of CALLER_SAVED) a.push(register);
  section(a, 'handler', 'lock_b', 'guard_b', () => {});
  for (const register of CALLER_SAVED.toReversed()) a.pop(register);
  a.iretq();

  a.label('final_try');
  tryAcquire(a, 'lock_a');
  a.label('done');
  a.jmp('done');
  return a.assemble({ base: GUEST_IMAGE_BASE, entry: 'role_acquire' });
}

function section(a: Assembler, site: string, lock: LockName, guard: string, body: () => void): void {
  a.label(`${site}_begin`);
  acquire(a, lock);
  inside(a, site, lock, guard, body);
}

/** The guarded word is counted up, not atomically: the lock must make it so. */
function inside(a: Assembler, site: string, lock: LockName, guard: string, body: () => void): void {
  a.label(`${site}_in`);
  a.mov(rax, mem64(guard));
  a.inc(rax);
  a.push(rax);
  body();
  a.pop(rax);
  a.mov(mem64(guard), rax);
  a.label(`${site}_out`);
  release(a, lock);
  a.label(`${site}_free`);
}
