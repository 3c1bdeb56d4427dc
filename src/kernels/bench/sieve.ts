/** bench-sieve: the primes below 2^20 by Eratosthenes, a byte for each number: strided stores and a scan. */
import { mem8 } from '../../asm/operand.ts';
import { eax, ecx, edi, edx, r8, r8d, r9, rax, rcx, rdi, rdx } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { benchGuest } from './benchGuest.ts';

const LIMIT = 1 << 20;
const ROOT = 1 << 10;

export const sieve = benchGuest({
  name: 'sieve',
  doc: 'bench: sieve of Eratosthenes over 1 MB',
  iterations: 1,
  write(a) {
    a.room('sieve_bytes', LIMIT, 4096);

    a.comment('R9 = rounds to do, R8 = primes so far');
    a.proc('bench_work', {}, () => {
      a.mov(r9, rdi);
      a.xor(r8d, r8d);
      a.repeat_while('nz', () => {
        a.mov(edi, addr('sieve_bytes'));
        a.mov(ecx, LIMIT / 8);
        a.mov(rax, 0x0101_0101_0101_0101n);
        a.rep.stosq();

        a.mov(ecx, 2);
        a.repeat_while('b', () => {
          a.cmp(mem8(rcx, addr('sieve_bytes')), 0);
          a.if_('ne', () => {
            a.mov(edx, ecx);
            a.imul(edx, edx);
            a.repeat_while('b', () => {
              a.mov(mem8(rdx, addr('sieve_bytes')), 0);
              a.add(rdx, rcx);
              a.cmp(rdx, LIMIT);
            });
          });
          a.inc(ecx);
          a.cmp(ecx, ROOT);
        });

        a.mov(ecx, 2);
        a.repeat_while('b', () => {
          a.movzx(eax, mem8(rcx, addr('sieve_bytes')));
          a.add(r8, rax);
          a.inc(ecx);
          a.cmp(ecx, LIMIT);
        });
        a.dec(r9);
      });
      a.mov(rax, r8);
    });
  },
});
