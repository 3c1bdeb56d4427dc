/**
 * A raw disk image that starts a flat Multiboot kernel on any PC with an ATA disk, for emulators that boot nothing but disks.
 *
 * Its first sector is the whole loader: it enters protected mode at once, reads the kernel sector by sector through the ports of the primary
 * channel (no BIOS call can store above 1 MiB), and jumps to the kernel's entry as a Multiboot loader would. ATA/ATAPI-6: "READ SECTOR(S)".
 */
import { CR0_PE } from '../src/arch/controlRegisters.ts';
import { PORT_SERIAL } from '../src/arch/platform.ts';
import { type Assembler, assembler } from '../src/asm/assembler.ts';
import { mem } from '../src/asm/operand.ts';
import { al, ax, cr0, ds, dx, eax, ebx, ecx, edi, edx, es, esi, esp, ss } from '../src/asm/register.ts';
import { addr } from '../src/asm/symbolValue.ts';

const SECTOR = 512;
const LOADED_AT = 0x7c00;
const FLAT_CS = 0x08;
const FLAT_DS = 0x10;
/** What a Multiboot loader leaves in EAX. */
const LOADER_MAGIC = 0x2bad_b002;
/** Fields of a Multiboot header with addresses, which a flat kernel starts with. */
const LOAD_ADDRESS_OFFSET = 16;
const ENTRY_OFFSET = 28;

const ATA = 0x1f0;
const ATA_COUNT = ATA + 2;
const ATA_LBA = ATA + 3;
const ATA_DEVICE = ATA + 6;
const ATA_COMMAND = ATA + 7;
const ATA_CONTROL = 0x3f6;
const NO_INTERRUPT = 2;
const READ_SECTORS = 0x20;
const BUSY_OR_READY = 0x88;
const DATA_READY = 0x08;
const MASTER_BY_LBA = 0xe0;
/** Mask registers of the two 8259A. */
const INTERRUPT_MASKS = [0x21, 0xa1];
/** System control port A: bit 1 lets address line 20 through. */
const PORT_A = 0x92;

/** Registers of the 16550, and their values. */
const LINE_CONTROL = 3;
const DIVISOR_LATCH = 0x80;
const EIGHT_BITS = 3;

/** The geometry that the image claims to have. */
export const DISK_HEADS = 16;
export const DISK_SECTORS_PER_TRACK = 63;

/** @param kernel flat Multiboot-1 kernel with its header at the start. @returns whole cylinders. */
export function bootDisk(kernel: Uint8Array): Uint8Array {
  const header = new DataView(kernel.buffer, kernel.byteOffset);
  const sectors = Math.ceil(kernel.length / SECTOR);
  const cylinder = SECTOR * DISK_HEADS * DISK_SECTORS_PER_TRACK;
  const disk = new Uint8Array(Math.ceil(((sectors + 1) * SECTOR) / cylinder) * cylinder);
  disk.set(loader(sectors, header.getUint32(LOAD_ADDRESS_OFFSET, true), header.getUint32(ENTRY_OFFSET, true)));
  disk.set([0x55, 0xaa], SECTOR - 2);
  disk.set(kernel, SECTOR);
  return disk;
}

function loader(sectors: number, address: number, entry: number): Uint8Array {
  const a = assembler();
  a.bits(16, () => {
    a.label('start');
    a.cli();
    a.xor(ax, ax);
    a.mov(ds, ax);
    a.lgdt(mem('gdt_register'));
    a.mov(eax, cr0);
    a.or(eax, CR0_PE);
    a.mov(cr0, eax);
    a.jmp_far(FLAT_CS, addr('protected'), 16);
  });
  a.bits(32, () => {
    a.label('protected');
    a.mov(eax, FLAT_DS);
    for (const segment of [ds, es, ss]) a.mov(segment, ax);
    a.mov(esp, LOADED_AT);
    a.in(al, PORT_A);
    a.or(al, 2);
    a.out(PORT_A, al);
    a.cld();
    silenceInterrupts(a);
    setSerialLine(a);
    a.mov(edi, address);
    a.mov(ebx, 1);
    a.repeat_while('be', () => {
      readSector(a);
      a.inc(ebx);
      a.cmp(ebx, sectors);
    });
    a.mov(eax, LOADER_MAGIC);
    a.mov(esi, entry);
    a.jmp(esi);
  });
  a.align(8);
  a.label('gdt');
  a.u64(0, 0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn);
  a.label('gdt_register');
  a.u16(23);
  a.u32(addr('gdt'));
  const { bytes } = a.assemble({ base: LOADED_AT }).image.segments[0]!;
  if (bytes.length > SECTOR - 2) throw new Error(`the loader has ${bytes.length} bytes`);
  return bytes;
}

/** Neither the interrupt controllers nor the disk interrupt a processor: the kernels know of neither. */
function silenceInterrupts(a: Assembler): void {
  a.mov(al, 0xff);
  for (const port of INTERRUPT_MASKS) a.out(port, al);
  a.mov(edx, ATA_CONTROL);
  a.mov(al, NO_INTERRUPT);
  a.out(dx, al);
}

/** The serial line has eight data bits at the highest rate, as firmware leaves it elsewhere: the kernels only write to it. */
function setSerialLine(a: Assembler): void {
  for (const [register, value] of [
    [LINE_CONTROL, DIVISOR_LATCH],
    [0, 1],
    [1, 0],
    [LINE_CONTROL, EIGHT_BITS],
  ] as const) {
    a.mov(edx, PORT_SERIAL + register);
    a.mov(al, value);
    a.out(dx, al);
  }
}

/** EDI has moved behind sector EBX of the disk, which is stored there. Changes EAX, ECX, EDX. */
function readSector(a: Assembler): void {
  const put = (port: number): void => {
    a.mov(edx, port);
    a.out(dx, al);
  };
  a.mov(al, 1);
  put(ATA_COUNT);
  a.mov(eax, ebx);
  for (let byte = 0; byte < 3; byte++) {
    put(ATA_LBA + byte);
    a.shr(eax, 8);
  }
  a.or(al, MASTER_BY_LBA);
  put(ATA_DEVICE);
  a.mov(al, READ_SECTORS);
  put(ATA_COMMAND);
  a.repeat_while('ne', () => {
    a.in(al, dx);
    a.and(al, BUSY_OR_READY);
    a.cmp(al, DATA_READY);
  });
  a.mov(edx, ATA);
  a.mov(ecx, SECTOR / 4);
  a.repeat_while('nz', () => {
    a.in(eax, dx);
    a.stosd();
    a.dec(ecx);
  });
}
