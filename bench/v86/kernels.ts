/**
 * The bench kernels of one core, instruction for instruction, in 32-bit code: registers from R8 on have become others, 64-bit sums their low halves.
 * Their originals, with what they are for, are in src/kernels/bench; the checksums' low 32 bits are the same.
 */
import type { Assembler } from '../../src/asm/assembler.ts';
import { mem, mem8, mem32 } from '../../src/asm/operand.ts';
import { al, dl, eax, ebp, ebx, ecx, edi, edx, esi } from '../../src/asm/register.ts';
import { addr } from '../../src/asm/symbolValue.ts';
import type { NarrowKernel } from './frame.ts';

const alu: NarrowKernel = {
  work(a) {
    a.label('work');
    a.mov(eax, 1);
    a.xor(edx, edx);
    a.repeat_while('nz', () => {
      a.imul(eax, eax, 1_664_525);
      a.add(eax, 1_013_904_223);
      a.test(eax, 1 << 21);
      a.if_(
        'z',
        () => a.add(edx, eax),
        () => a.xor(edx, edi),
      );
      a.dec(edi);
    });
    a.mov(eax, edx);
    a.ret();
  },
};

const LIMIT = 1 << 20;

const sieve: NarrowKernel = {
  work(a) {
    a.room('sieve_bytes', LIMIT, 4096);
    a.label('work');
    a.mov(ebx, edi);
    a.xor(ebp, ebp);
    a.repeat_while('nz', () => {
      a.mov(edi, addr('sieve_bytes'));
      a.mov(ecx, LIMIT / 4);
      a.mov(eax, 0x0101_0101);
      a.rep.stosd();
      a.mov(ecx, 2);
      a.repeat_while('b', () => {
        a.cmp(mem8(ecx, addr('sieve_bytes')), 0);
        a.if_('ne', () => {
          a.mov(edx, ecx);
          a.imul(edx, edx);
          a.repeat_while('b', () => {
            a.mov(mem8(edx, addr('sieve_bytes')), 0);
            a.add(edx, ecx);
            a.cmp(edx, LIMIT);
          });
        });
        a.inc(ecx);
        a.cmp(ecx, 1 << 10);
      });
      a.mov(ecx, 2);
      a.repeat_while('b', () => {
        a.movzx(eax, mem8(ecx, addr('sieve_bytes')));
        a.add(ebp, eax);
        a.inc(ecx);
        a.cmp(ecx, LIMIT);
      });
      a.dec(ebx);
    });
    a.mov(eax, ebp);
    a.ret();
  },
};

/** 64 KB at `label` from a linear congruential generator. */
function fill(a: Assembler, label: string): void {
  a.xor(ecx, ecx);
  a.mov(eax, 1);
  a.repeat_while('b', () => {
    a.imul(eax, eax, 22_695_477);
    a.inc(eax);
    a.mov(mem32(ecx, addr(label)), eax);
    a.add(ecx, 4);
    a.cmp(ecx, 1 << 16);
  });
}

function buffers(a: Assembler, size: number): void {
  a.room('copy_source', size, 4096);
  a.room('copy_destination', size, 4096);
  a.label('prepare');
  fill(a, 'copy_source');
  a.ret();
}

function sumUp(a: Assembler, size: number, stride: number): void {
  a.xor(eax, eax);
  a.xor(ecx, ecx);
  a.repeat_while('b', () => {
    a.mov(edx, mem32(ecx, addr('copy_destination')));
    a.add(eax, edx);
    a.add(ecx, stride);
    a.cmp(ecx, size);
  });
}

const DWORDS = 1 << 20;

const movs: NarrowKernel = {
  prepare: (a) => buffers(a, DWORDS * 4),
  work(a) {
    a.label('work');
    a.mov(ebx, edi);
    a.repeat_while('nz', () => {
      a.mov(esi, addr('copy_source'));
      a.mov(edi, addr('copy_destination'));
      a.mov(ecx, DWORDS);
      a.rep.movsd();
      a.inc(mem32('copy_source'));
      a.dec(ebx);
    });
    sumUp(a, DWORDS * 4, 1024);
    a.ret();
  },
};

const BYTES = 1 << 16;

const bytes: NarrowKernel = {
  prepare: (a) => buffers(a, BYTES),
  work(a) {
    a.label('work');
    a.mov(ebx, edi);
    a.repeat_while('nz', () => {
      a.xor(ecx, ecx);
      a.repeat_while('b', () => {
        a.mov(al, mem8(ecx, addr('copy_source')));
        a.mov(mem8(ecx, addr('copy_destination')), al);
        a.inc(ecx);
        a.cmp(ecx, BYTES);
      });
      a.inc(mem32('copy_source'));
      a.dec(ebx);
    });
    sumUp(a, BYTES, 64);
    a.ret();
  },
};

const crc: NarrowKernel = {
  prepare(a) {
    a.room('crc_table', 1024, 64);
    a.room('crc_bytes', BYTES, 4096);
    a.label('prepare');
    a.xor(ecx, ecx);
    a.repeat_while('b', () => {
      a.mov(eax, ecx);
      a.mov(edx, 8);
      a.repeat_while('nz', () => {
        a.mov(ebx, eax);
        a.shr(eax, 1);
        a.test(ebx, 1);
        a.if_('nz', () => a.xor(eax, 0xedb8_8320));
        a.dec(edx);
      });
      a.mov(mem32(ecx.times(4), addr('crc_table')), eax);
      a.inc(ecx);
      a.cmp(ecx, 256);
    });
    fill(a, 'crc_bytes');
    a.ret();
  },
  work(a) {
    a.label('work');
    a.mov(ebx, edi);
    a.mov(eax, -1);
    a.repeat_while('nz', () => {
      a.mov(esi, addr('crc_bytes'));
      a.repeat_while('b', () => {
        a.mov(edx, eax);
        a.xor(dl, mem8(esi));
        a.movzx(edx, dl);
        a.shr(eax, 8);
        a.xor(eax, mem32(edx.times(4), addr('crc_table')));
        a.inc(esi);
        a.cmp(esi, addr('crc_bytes', BYTES));
      });
      a.dec(ebx);
    });
    a.xor(eax, -1);
    a.ret();
  },
};

const fib: NarrowKernel = {
  work(a) {
    a.label('fibonacci');
    a.push(ebx);
    a.mov(eax, edi);
    a.cmp(edi, 2);
    a.jb('.return');
    a.mov(ebx, edi);
    a.dec(edi);
    a.call('fibonacci');
    a.lea(edi, mem(ebx, -2));
    a.mov(ebx, eax);
    a.call('fibonacci');
    a.add(eax, ebx);
    a.label('.return');
    a.pop(ebx);
    a.ret();

    a.label('work');
    a.mov(ebx, edi);
    a.xor(ebp, ebp);
    a.repeat_while('nz', () => {
      a.mov(edi, 20);
      a.call('fibonacci');
      a.add(ebp, eax);
      a.dec(ebx);
    });
    a.mov(eax, ebp);
    a.ret();
  },
};

const logistic: NarrowKernel = {
  work(a) {
    const values = [0.5123, 3.99, 1];
    a.section('rodata', () => {
      for (const [index, value] of values.entries()) {
        a.align(8);
        a.label(`logistic${index}`);
        a.bytes([...new Uint8Array(Float64Array.of(value).buffer)]);
      }
    });
    a.label('work');
    for (const index of values.keys()) {
      a.bytes([0xf2, 0x0f, 0x10, 0x05 | (index << 3)]); // movsd xmmN, [valueN]
      a.u32(addr(`logistic${index}`));
    }
    a.repeat_while('nz', () => {
      a.bytes([0x66, 0x0f, 0x28, 0xda]); // movapd xmm3, xmm2
      a.bytes([0xf2, 0x0f, 0x5c, 0xd8]); // subsd xmm3, xmm0
      a.bytes([0xf2, 0x0f, 0x59, 0xc1]); // mulsd xmm0, xmm1
      a.bytes([0xf2, 0x0f, 0x59, 0xc3]); // mulsd xmm0, xmm3
      a.dec(edi);
    });
    a.bytes([0x66, 0x0f, 0x7e, 0xc0]); // movd eax, xmm0
    a.ret();
  },
};

/** By the name of the guest whose work it is. */
export const NARROW_KERNELS: Readonly<Record<string, NarrowKernel>> = {
  'bench-alu': alu,
  'bench-sieve': sieve,
  'bench-movs': movs,
  'bench-bytes': bytes,
  'bench-crc': crc,
  'bench-fib': fib,
  'bench-logistic': logistic,
};
