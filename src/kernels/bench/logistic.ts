/**
 * bench-logistic: the logistic map x ← r x (1 − x) in double precision: SSE2 scalar arithmetic.
 */
import { rax, rdi } from '../../asm/register.ts';
import { benchGuest } from './benchGuest.ts';

const bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
/** r just below 4: chaotic, so a single wrong rounding shows. */
const RATE = 3.99;
const START = 0.5123;

export const logistic = benchGuest({
  name: 'logistic',
  doc: 'bench: logistic map in SSE2 scalar double precision',
  iterations: 300_000,
  write(a) {
    a.comment('XMM0 = x, XMM1 = r, XMM2 = 1');
    a.proc('bench_work', {}, () => {
      const load = (register: number, value: number): void => {
        a.mov(rax, bits(value));
        a.bytes([0x66, 0x48, 0x0f, 0x6e, 0xc0 | (register << 3)]); // movq xmmN, rax
      };
      load(0, START);
      load(1, RATE);
      load(2, 1);
      a.repeat_while('nz', () => {
        a.bytes([0x66, 0x0f, 0x28, 0xda]); // movapd xmm3, xmm2
        a.bytes([0xf2, 0x0f, 0x5c, 0xd8]); // subsd xmm3, xmm0
        a.bytes([0xf2, 0x0f, 0x59, 0xc1]); // mulsd xmm0, xmm1
        a.bytes([0xf2, 0x0f, 0x59, 0xc3]); // mulsd xmm0, xmm3
        a.dec(rdi);
      });
      a.bytes([0x66, 0x48, 0x0f, 0x7e, 0xc0]); // movq rax, xmm0
    });
  },
});
