/** bench-crc: CRC-32 of 64 KB by a table: dependent loads, shifts and logic. */
import { mem8, mem32 } from '../../asm/operand.ts';
import { dl, eax, ecx, edx, esi, r8d, r9, rax, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { benchGuest } from './benchGuest.ts';

const SIZE = 1 << 16;
/** The reversed polynomial of IEEE 802.3. */
const POLYNOMIAL = 0xedb8_8320;

export const crc = benchGuest({
  name: 'crc',
  doc: 'bench: CRC-32 of 64 KB by a table',
  iterations: 4,
  prepares: true,
  write(a) {
    a.room('crc_table', 1024, 64);
    a.room('crc_bytes', SIZE, 4096);

    a.proc('bench_prepare', {}, () => {
      a.xor(ecx, ecx);
      a.repeat_while('b', () => {
        a.mov(eax, ecx);
        a.mov(edx, 8);
        a.repeat_while('nz', () => {
          a.mov(r8d, eax);
          a.shr(eax, 1);
          a.test(r8d, 1);
          a.if_('nz', () => a.xor(eax, POLYNOMIAL));
          a.dec(edx);
        });
        a.mov(mem32(rcx.times(4), addr('crc_table')), eax);
        a.inc(ecx);
        a.cmp(ecx, 256);
      });
      a.xor(ecx, ecx);
      a.mov(eax, 1);
      a.repeat_while('b', () => {
        a.imul(eax, eax, 22_695_477);
        a.inc(eax);
        a.mov(mem32(rcx, addr('crc_bytes')), eax);
        a.add(ecx, 4);
        a.cmp(ecx, SIZE);
      });
    });

    a.proc('bench_work', {}, () => {
      a.mov(r9, rdi);
      a.mov(eax, -1);
      a.repeat_while('nz', () => {
        a.mov(esi, addr('crc_bytes'));
        a.repeat_while('b', () => {
          a.mov(edx, eax);
          a.xor(dl, mem8(rsi));
          a.movzx(edx, dl);
          a.shr(eax, 8);
          a.xor(eax, mem32(rdx.times(4), addr('crc_table')));
          a.inc(rsi);
          a.cmp(rsi, addr('crc_bytes', SIZE));
        });
        a.dec(r9);
      });
      a.xor(eax, -1);
      a.mov(ecx, eax);
      a.mov(rax, rcx);
    });
  },
});
