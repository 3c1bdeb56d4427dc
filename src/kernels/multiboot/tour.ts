import { MULTIBOOT_ADDRESSES, MULTIBOOT_HEADER_MAGIC, MULTIBOOT_LOADER_MAGIC } from '../../arch/multiboot.ts';
import { type Assembler, assembler } from '../../asm/assembler.ts';
import { mem32, mem64 } from '../../asm/operand.ts';
import { rax, rsp } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { exit, failWith } from '../lib/exit.ts';
import { print, printHex, serial } from '../lib/serial.ts';
import { longModeExercises } from './longMode.ts';
import { protectedMode } from './protectedMode.ts';

const BASE = 0x20_0000;

/** What the tour does in 64-bit mode, in order: the text of its line, and its procedure. */
const EXERCISES = [
  ['mix', 'mix'],
  ['copies', 'copies'],
  ['chase', 'chase'],
  ['recursion', 'recursion'],
  ['page churn', 'churns'],
] as const;

/**
 * A Multiboot 1 kernel as a flat file: from 32-bit protected mode through PAE paging to 64-bit mode, with some work and a checksum on the serial line at
 * every stage. It powers off at the end; a loader that is none ends it with status 3. Other machines run it, too (`qemu-system-x86_64 -kernel`).
 */
export function multibootTour(): Uint8Array {
  const a = assembler();
  a.label('header');
  a.u32(MULTIBOOT_HEADER_MAGIC, MULTIBOOT_ADDRESSES, -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_ADDRESSES) >>> 0);
  a.u32(addr('header'), addr('header'), addr('load_end'), addr('bss_end'), addr('entry'));
  a.include(protectedMode);
  a.include(serial);
  a.include(exit);
  a.include(longModeExercises);
  main(a);
  a.section('data', () => a.label('load_end'));
  a.section('bss', () => a.label('bss_end'));
  return flat(a);
}

function main(a: Assembler): void {
  a.room('stack', 0x1_0000, 16);
  a.label('long_mode');
  a.mov(rsp, addr('stack', 0x1_0000));
  a.cmp(mem32('loader_magic'), MULTIBOOT_LOADER_MAGIC | 0);
  a.if_('ne', () => failWith(a, 'no Multiboot loader\n'));
  line(a, 'protected mode', () => a.mov(rax, mem64('fib_result')));
  line(a, 'wide sum', () => a.mov(rax, mem64('sum_result')));
  line(a, 'PAE paging', () => a.mov(rax, mem64('pae_result')));
  for (const [text, procedure] of EXERCISES) line(a, text, () => a.call(procedure));
  a.jmp('power_off');
}

/** Prints the checksum that `work` leaves in RAX. */
function line(a: Assembler, text: string, work: () => void): void {
  print(a, `${text}: `);
  work();
  printHex(a, rax);
  print(a, '\n');
}

/** What lies between the header and `load_end`. */
function flat(a: Assembler): Uint8Array {
  const { image, symbols } = a.assemble({ base: BASE, entry: 'entry' });
  const file = new Uint8Array(symbols.get('load_end')! - BASE);
  for (const { address, bytes } of image.segments) if (bytes.length > 0) file.set(bytes, address - BASE);
  return file;
}
