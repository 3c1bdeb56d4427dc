/** Writes a guest image as an ELF64 executable with a symbol table, so that other loaders and tools can take it. */
import type { GuestImage } from '../arch/guestImage.ts';

const EHDR = 64;
const PHDR = 56;
const SHDR = 64;
const SYM = 24;
const PAGE = 4096;

/** An ELF64 x86-64 executable: one PT_LOAD per segment (physical = virtual address), symbols absolute. */
export function writeElf(image: GuestImage): Uint8Array {
  const { segments } = image;
  const names = stringTable([...image.symbols.keys()]);
  const sectionNames = stringTable(['.symtab', '.strtab', '.shstrtab']);

  let offset = EHDR + PHDR * segments.length;
  const placed = segments.map((segment) => {
    // File offset and address agree modulo the page size, as loaders that map pages want it.
    offset += (((segment.address - offset) % PAGE) + PAGE) % PAGE;
    const at = offset;
    offset += segment.bytes.length;
    return { segment, at };
  });
  const symtab = Math.ceil(offset / 8) * 8;
  const symtabSize = SYM * (image.symbols.size + 1);
  const strtab = symtab + symtabSize;
  const shstrtab = strtab + names.bytes.length;
  const headers = Math.ceil((shstrtab + sectionNames.bytes.length) / 8) * 8;

  const bytes = new Uint8Array(headers + SHDR * 4);
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, true);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64-bit, little-endian, version 1
  u16(16, 2); // ET_EXEC
  u16(18, 62); // EM_X86_64
  u32(20, 1);
  u64(24, image.entry);
  u64(32, EHDR);
  u64(40, headers);
  u16(52, EHDR);
  u16(54, PHDR);
  u16(56, segments.length);
  u16(58, SHDR);
  u16(60, 4);
  u16(62, 3); // section names are in section 3

  placed.forEach(({ segment, at }, index) => {
    const header = EHDR + PHDR * index;
    u32(header, 1); // PT_LOAD
    u32(header + 4, 7); // R, W, X
    u64(header + 8, at);
    u64(header + 16, segment.address);
    u64(header + 24, segment.address);
    u64(header + 32, segment.bytes.length);
    u64(header + 40, segment.memorySize);
    u64(header + 48, PAGE);
    bytes.set(segment.bytes, at);
  });

  let symbol = symtab + SYM; // symbol 0 is the null symbol
  for (const [name, value] of image.symbols) {
    u32(symbol, names.offsets.get(name)!);
    bytes[symbol + 4] = 0x10; // STB_GLOBAL, STT_NOTYPE
    u16(symbol + 6, 0xfff1); // SHN_ABS
    u64(symbol + 8, value);
    symbol += SYM;
  }
  bytes.set(names.bytes, strtab);
  bytes.set(sectionNames.bytes, shstrtab);

  const section = (
    index: number,
    name: string,
    type: number,
    at: number,
    size: number,
    link: number,
    info: number,
    entry: number,
  ): void => {
    const header = headers + SHDR * index;
    u32(header, sectionNames.offsets.get(name)!);
    u32(header + 4, type);
    u64(header + 24, at);
    u64(header + 32, size);
    u32(header + 40, link);
    u32(header + 44, info);
    u64(header + 48, entry === 0 ? 1 : 8);
    u64(header + 56, entry);
  };
  section(1, '.symtab', 2, symtab, symtabSize, 2, 1, SYM);
  section(2, '.strtab', 3, strtab, names.bytes.length, 0, 0, 0);
  section(3, '.shstrtab', 3, shstrtab, sectionNames.bytes.length, 0, 0, 0);
  return bytes;
}

function stringTable(names: readonly string[]): { bytes: Uint8Array; offsets: ReadonlyMap<string, number> } {
  const offsets = new Map<string, number>();
  let text = '\0';
  for (const name of names) {
    offsets.set(name, text.length);
    text += `${name}\0`;
  }
  return { bytes: Uint8Array.from(text, (character) => character.charCodeAt(0)), offsets };
}
