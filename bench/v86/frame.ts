/**
 * The frame of a kernel in 32-bit code, for a machine that has no 64-bit mode: a flat Multiboot image without paging that does what
 * kernels/bench/benchGuest does: it prepares, prints `start`, works, prints a checksum, halts. Before that it has done the same work once already.
 */
import { CR0_EM, CR0_MP, CR4_OSFXSR, CR4_OSXMMEXCPT } from '../../src/arch/controlRegisters.ts';
import { PORT_SERIAL } from '../../src/arch/platform.ts';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import { mem8 } from '../../src/asm/operand.ts';
import { al, cr0, cr4, dl, dx, eax, ebx, ecx, edi, edx, esp } from '../../src/asm/register.ts';
import { addr } from '../../src/asm/symbolValue.ts';

const BASE = 0x10_0000;
const MAGIC = 0x1bad_b002;
const HAS_ADDRESSES = 1 << 16;
const STACK = 64 * 1024;

export interface NarrowKernel {
  /** Writes the label `work`: EDI = iterations; EAX = checksum, low 32 bits of what the 64-bit kernel makes. May change every other register. */
  readonly work: (a: Assembler) => void;
  /** Writes the label `prepare`, which may change every register but ESP. */
  readonly prepare?: (a: Assembler) => void;
}

/** A flat Multiboot-1 kernel. */
export function narrowImage(kernel: NarrowKernel, iterations: number): Uint8Array {
  const a = assembler();
  a.label('header');
  a.u32(MAGIC, HAS_ADDRESSES, -(MAGIC + HAS_ADDRESSES) >>> 0);
  a.u32(addr('header'), addr('header'), addr('end'), addr('end_of_room'), addr('start'));
  a.bits(32, () => {
    a.label('start');
    a.cli();
    a.cld();
    a.mov(esp, addr('stack', STACK));
    a.mov(eax, cr0);
    a.and(eax, ~CR0_EM);
    a.or(eax, CR0_MP);
    a.mov(cr0, eax);
    a.mov(eax, cr4);
    a.or(eax, CR4_OSFXSR | CR4_OSXMMEXCPT);
    a.mov(cr4, eax);
    a.comment('once for nothing: the machine compiles in the background, and only its speed afterwards can be compared');
    for (const before of ['', 'start\n']) {
      if (kernel.prepare !== undefined) a.call('prepare');
      print(a, before);
      a.mov(edi, iterations | 0);
      a.call('work');
    }
    a.mov(edi, eax);
    print(a, 'checksum: ');
    a.call('put_decimal');
    print(a, '\n');
    a.label('halted');
    a.hlt();
    a.jmp('halted');

    a.comment('zero-terminated text at EBX');
    a.label('put_text');
    a.mov(edx, PORT_SERIAL);
    a.loop(() => {
      a.mov(al, mem8(ebx));
      a.test(al, al);
      a.break_if('z');
      a.out(dx, al);
      a.inc(ebx);
    });
    a.ret();

    a.comment('EDI, unsigned');
    a.label('put_decimal');
    a.mov(ebx, addr('digits_end'));
    a.mov(eax, edi);
    a.mov(ecx, 10);
    a.repeat_while('nz', () => {
      a.xor(edx, edx);
      a.div(ecx);
      a.add(dl, '0'.charCodeAt(0));
      a.dec(ebx);
      a.mov(mem8(ebx), dl);
      a.test(eax, eax);
    });
    a.jmp('put_text');

    kernel.prepare?.(a);
    kernel.work(a);
  });
  a.section('data', () => {
    a.align(4096);
    a.bytes(new Uint8Array(16));
    a.label('digits_end');
    a.u32(0);
    a.label('end');
    a.u32(0);
  });
  a.room('stack', STACK, 4096);
  a.section('bss', () => a.label('end_of_room'));
  const { segments } = a.assemble({ base: BASE }).image;
  const last = segments.filter(({ bytes }) => bytes.length > 0).at(-1)!;
  const flat = new Uint8Array(last.address + last.bytes.length - BASE);
  for (const segment of segments) if (segment.bytes.length > 0) flat.set(segment.bytes, segment.address - BASE);
  return flat;
}

function print(a: Assembler, text: string): void {
  a.mov(ebx, addr(a.literal(text)));
  a.call('put_text');
}
