import type { Assembler } from '../../../asm/assembler.ts';
import { mem, mem64 } from '../../../asm/operand.ts';
import { edi, esi, rax, rdi } from '../../../asm/register.ts';
import { expectSuccess } from './expect.ts';

/**
 * `procedure(RDI = number)` has run on so many threads, the calling one with number 0 among them, and the others have ended. Their handles lie in `handles`, a
 * room of 8 bytes for each. Needs `runtime` and `expectations`.
 *
 * @param joined what is to be done with the result of each join, in RAX.
 */
export function onThreads(a: Assembler, threads: number, procedure: string, handles: string, joined: () => void = () => {}): void {
  for (let thread = 1; thread < threads; thread++) {
    a.lea(rdi, mem(procedure));
    a.mov(esi, thread);
    a.call('thread_start');
    expectSuccess(a, 'clone');
    a.mov(mem64(handles, thread * 8), rax);
  }
  a.xor(edi, edi);
  a.call(procedure);
  for (let thread = 1; thread < threads; thread++) {
    a.mov(rdi, mem64(handles, thread * 8));
    a.call('thread_join');
    joined();
  }
}
