/**
 * Wraps a guest image for Multiboot-1 loaders (`qemu-system-x86_64 -kernel`): a stub in 32-bit code that puts the segments in their
 * places, recreates the direct-entry contract of arch/platform, and jumps to the entry. Test-only.
 */
import { CR0_PE, CR0_PG, CR4_PAE, EFER_LME } from '../../src/arch/controlRegisters.ts';
import type { GuestImage } from '../../src/arch/guestImage.ts';
import { IA32_EFER } from '../../src/arch/msr.ts';
import { PAGE_2M, PTE_P, PTE_PS, PTE_RW } from '../../src/arch/paging.ts';
import {
  BOOT_CORES_OFFSET,
  BOOT_CS,
  BOOT_DS,
  BOOT_GDT,
  BOOT_MAGIC_OFFSET,
  BOOT_MEMORY_OFFSET,
  BOOT_PML4,
  BOOT_RECORD,
  BOOT_RECORD_MAGIC,
  BOOT_SEED_OFFSET,
  BOOT_STACK_TOP,
  BOOT_TABLES_END,
  BOOT_TSC_HZ_OFFSET,
} from '../../src/arch/platform.ts';
import { assembler } from '../../src/asm/assembler.ts';
import { mem, mem32 } from '../../src/asm/operand.ts';
import { ax, cr0, cr3, cr4, ds, eax, ecx, edi, es, esi, esp, rax, rsp, ss } from '../../src/asm/register.ts';
import { addr } from '../../src/asm/symbolValue.ts';

const STUB_BASE = 0x400_0000;
const MAGIC = 0x1bad_b002;
const HAS_ADDRESSES = 1 << 16;

export interface BootRecordValues {
  readonly cores: number;
  readonly memory: number;
  readonly tscHz: number;
  readonly seed: number;
}

/** A flat Multiboot-1 kernel. */
export function wrapForMultiboot(image: GuestImage, record: BootRecordValues): Uint8Array {
  const a = assembler();
  a.label('header');
  a.u32(MAGIC, HAS_ADDRESSES, -(MAGIC + HAS_ADDRESSES) >>> 0);
  a.u32(addr('header'), addr('header'), addr('end'), addr('end'), addr('entry'));
  a.bits(32, () => {
    a.label('entry');
    a.cli();
    a.cld();
    a.mov(esp, addr('stub_stack', 4096));
    image.segments.forEach((segment, index) => {
      a.mov(esi, addr(`payload${index}`));
      a.mov(edi, segment.address);
      a.mov(ecx, segment.bytes.length);
      a.rep.movsb();
      a.xor(eax, eax);
      a.mov(ecx, segment.memorySize - segment.bytes.length);
      a.rep.stosb();
    });
    a.mov(edi, BOOT_GDT);
    a.mov(ecx, BOOT_TABLES_END - BOOT_GDT);
    a.xor(eax, eax);
    a.rep.stosb();

    const store = (address: number, low: number, high = 0): void => {
      a.mov(mem32(address), low);
      a.mov(mem32(address + 4), high);
    };
    store(BOOT_GDT + BOOT_CS, 0x0000_ffff, 0x00af_9b00);
    store(BOOT_GDT + BOOT_DS, 0x0000_ffff, 0x00cf_9300);
    store(BOOT_PML4, (BOOT_PML4 + 0x1000) | PTE_P | PTE_RW);
    for (let directory = 0; directory < 4; directory++) {
      store(BOOT_PML4 + 0x1000 + directory * 8, (BOOT_PML4 + 0x2000 + directory * 0x1000) | PTE_P | PTE_RW);
    }
    a.mov(edi, BOOT_PML4 + 0x2000);
    a.mov(eax, PTE_P | PTE_RW | PTE_PS);
    a.mov(ecx, 4 * 512);
    a.repeat_while('nz', () => {
      a.mov(mem32(edi), eax);
      a.add(edi, 8);
      a.add(eax, PAGE_2M);
      a.dec(ecx);
    });
    store(BOOT_RECORD + BOOT_MAGIC_OFFSET, BOOT_RECORD_MAGIC);
    store(BOOT_RECORD + BOOT_CORES_OFFSET, record.cores);
    store(BOOT_RECORD + BOOT_MEMORY_OFFSET, record.memory);
    store(BOOT_RECORD + BOOT_TSC_HZ_OFFSET, record.tscHz);
    store(BOOT_RECORD + BOOT_SEED_OFFSET, record.seed);

    a.mov(eax, cr4);
    a.or(eax, CR4_PAE);
    a.mov(cr4, eax);
    a.mov(eax, BOOT_PML4);
    a.mov(cr3, eax);
    a.mov(ecx, IA32_EFER);
    a.rdmsr();
    a.or(eax, EFER_LME);
    a.wrmsr();
    a.lgdt(mem('gdt_register'));
    a.mov(eax, cr0);
    a.or(eax, CR0_PG | CR0_PE);
    a.mov(cr0, eax);
    a.jmp_far(BOOT_CS, addr('long'), 32);
  });
  a.label('long');
  a.mov(eax, BOOT_DS);
  for (const segment of [ds, es, ss]) a.mov(segment, ax);
  a.mov(rsp, BOOT_STACK_TOP - 8);
  a.mov(edi, BOOT_RECORD);
  a.mov(rax, image.entry);
  a.jmp(rax);

  a.section('data', () => {
    a.label('gdt_register');
    a.u16(23);
    a.u32(BOOT_GDT);
    for (const [index, segment] of image.segments.entries()) {
      a.label(`payload${index}`);
      a.bytes(segment.bytes);
    }
    a.label('stub_stack');
    a.bytes(new Uint8Array(4096));
    a.label('end');
  });
  const { segments } = a.assemble({ base: STUB_BASE, entry: 'entry' }).image;
  const last = segments.at(-1)!;
  const flat = new Uint8Array(last.address + last.bytes.length - STUB_BASE);
  for (const segment of segments) flat.set(segment.bytes, segment.address - STUB_BASE);
  return flat;
}
