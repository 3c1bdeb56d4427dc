/** Two buffers, read side by side, at a distance that is a power of two: what is direct-mapped anywhere maps them to the same places. */
import { mem32 } from '../../asm/operand.ts';
import { eax, ecx, edx, r8, rcx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { benchGuest } from './benchGuest.ts';

const BYTES = 1 << 16;
const DISTANCE = 1 << 20;

export const alias = benchGuest({
  name: 'alias',
  doc: 'bench: two buffers of 64 KB, 1 MB apart, compared dword by dword',
  iterations: 8,
  prepares: true,
  write(a) {
    a.room('alias_buffers', DISTANCE + BYTES, 4096);
    a.proc('bench_prepare', {}, () => {
      a.xor(ecx, ecx);
      a.mov(eax, 1);
      a.repeat_while('b', () => {
        a.imul(eax, eax, 22_695_477);
        a.inc(eax);
        a.mov(mem32(rcx, addr('alias_buffers')), eax);
        a.imul(eax, eax, 22_695_477);
        a.inc(eax);
        a.mov(mem32(rcx, addr('alias_buffers'), DISTANCE), eax);
        a.add(ecx, 4);
        a.cmp(ecx, BYTES);
      });
    });
    a.proc('bench_work', {}, () => {
      a.mov(r8, rdi);
      a.xor(eax, eax);
      a.repeat_while('nz', () => {
        a.xor(ecx, ecx);
        a.repeat_while('b', () => {
          a.mov(edx, mem32(rcx, addr('alias_buffers')));
          a.xor(edx, mem32(rcx, addr('alias_buffers'), DISTANCE));
          a.add(eax, edx);
          a.add(rcx, 4);
          a.cmp(rcx, BYTES);
        });
        a.inc(mem32('alias_buffers'));
        a.dec(r8);
      });
    });
  },
});
