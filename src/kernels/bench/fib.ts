/** bench-fib: Fibonacci numbers by the recursive definition: calls, returns and the stack. */
import { mem } from '../../asm/operand.ts';
import { edi, rax, rbp, rbx, rdi } from '../../asm/register.ts';
import { benchGuest } from './benchGuest.ts';

export const fib = benchGuest({
  name: 'fib',
  doc: 'bench: recursive Fibonacci numbers',
  iterations: 2,
  parameters: [{ name: 'number', default: 20, min: 0, max: 45, doc: 'which Fibonacci number' }],
  write(a, { parameters }) {
    a.proc('fibonacci', { saves: [rbx] }, () => {
      a.mov(rax, rdi);
      a.cmp(rdi, 2);
      a.return_if('b');
      a.mov(rbx, rdi);
      a.dec(rdi);
      a.call('fibonacci');
      a.lea(rdi, mem(rbx, -2));
      a.mov(rbx, rax);
      a.call('fibonacci');
      a.add(rax, rbx);
    });

    a.proc('bench_work', { saves: [rbx, rbp] }, () => {
      a.mov(rbx, rdi);
      a.xor(rbp, rbp);
      a.repeat_while('nz', () => {
        a.mov(edi, parameters['number']!);
        a.call('fibonacci');
        a.add(rbp, rax);
        a.dec(rbx);
      });
      a.mov(rax, rbp);
    });
  },
});
