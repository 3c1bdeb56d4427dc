/** Copying memory: as a string instruction, and byte by byte. */
import type { Assembler } from '../../asm/assembler.ts';
import { mem8, mem32 } from '../../asm/operand.ts';
import { al, eax, ecx, edi, edx, esi, r8, r9, rcx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { benchGuest } from './benchGuest.ts';

const DWORDS = 1 << 20;
const BYTES = 1 << 16;

/** Bytes of the source that are not zero. */
const FILLED = 1 << 16;

/** Room for source and destination, and `bench_prepare`, which fills the first part of the source. */
function buffers(a: Assembler, size: number): void {
  a.room('copy_source', size, 4096);
  a.room('copy_destination', size, 4096);
  a.proc('bench_prepare', {}, () => {
    a.xor(ecx, ecx);
    a.mov(eax, 1);
    a.repeat_while('b', () => {
      a.imul(eax, eax, 22_695_477);
      a.inc(eax);
      a.mov(mem32(rcx, addr('copy_source')), eax);
      a.add(ecx, 4);
      a.cmp(ecx, FILLED);
    });
  });
}

/** RAX = sum of a dword of every `stride` bytes of the destination. Changes RCX, RDX. */
function sumUp(a: Assembler, size: number, stride: number): void {
  a.xor(eax, eax);
  a.xor(ecx, ecx);
  a.repeat_while('b', () => {
    a.mov(edx, mem32(rcx, addr('copy_destination')));
    a.add(eax, edx);
    a.add(ecx, stride);
    a.cmp(ecx, size);
  });
}

export const movs = benchGuest({
  name: 'movs',
  doc: 'bench: a million dwords by REP MOVS',
  iterations: 1,
  prepares: true,
  write(a) {
    buffers(a, DWORDS * 4);
    a.proc('bench_work', {}, () => {
      a.mov(r9, rdi);
      a.repeat_while('nz', () => {
        a.mov(esi, addr('copy_source'));
        a.mov(edi, addr('copy_destination'));
        a.mov(ecx, DWORDS);
        a.rep.movsd();
        a.comment('the next round copies something else');
        a.inc(mem32('copy_source'));
        a.dec(r9);
      });
      sumUp(a, DWORDS * 4, 1024);
    });
  },
});

export const bytes = benchGuest({
  name: 'bytes',
  doc: 'bench: 64 KB copied byte by byte',
  iterations: 8,
  prepares: true,
  write(a) {
    buffers(a, BYTES);
    a.proc('bench_work', {}, () => {
      a.mov(r8, rdi);
      a.repeat_while('nz', () => {
        a.xor(ecx, ecx);
        a.repeat_while('b', () => {
          a.mov(al, mem8(rcx, addr('copy_source')));
          a.mov(mem8(rcx, addr('copy_destination')), al);
          a.inc(rcx);
          a.cmp(rcx, BYTES);
        });
        a.inc(mem32('copy_source'));
        a.dec(r8);
      });
      sumUp(a, BYTES, 64);
    });
  },
});
