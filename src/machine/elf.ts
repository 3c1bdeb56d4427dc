import type { GuestImage, GuestSegment } from '../arch/guestImage.ts';
import { ELF32, ELF64, type ElfLayout } from './elfLayout.ts';
import { ImageError } from './imageError.ts';

const IDENTIFICATION_SIZE = 16;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const ET_EXEC = 2;
const CLASS_32 = 1;
const CLASS_64 = 2;

/** True iff the bytes start as an ELF file does. */
export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/**
 * The image in an ELF64 executable: its PT_LOAD segments at their physical addresses, its entry point, and the symbols if it has any.
 * @throws ImageError when the file is malformed, truncated, or not a static x86-64 executable.
 */
export function loadElf(bytes: Uint8Array): GuestImage {
  if (isElf(bytes) && bytes[4] === CLASS_32) throw new ImageError('not a 64-bit ELF file (a 32-bit one needs a Multiboot header)');
  return new ElfFile(bytes).image();
}

/**
 * The image in an ELF32 i386 or an ELF64 x86-64 executable.
 * @throws ImageError when the file is malformed, truncated, or not a static executable.
 */
export function loadElfOfEitherClass(bytes: Uint8Array): GuestImage {
  return new ElfFile(bytes).image();
}

/** An ELF file being read: every field that leads anywhere is checked against the end of the file. */
class ElfFile {
  private readonly layout: ElfLayout;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    if (!isElf(bytes)) throw new ImageError('not an ELF file');
    if (bytes.length < IDENTIFICATION_SIZE) throw new ImageError('truncated ELF header');
    if (bytes[4] !== CLASS_32 && bytes[4] !== CLASS_64) throw new ImageError(`unknown ELF class ${bytes[4]}`);
    if (bytes[5] !== 1) throw new ImageError('not a little-endian ELF file');
    const layout = bytes[4] === CLASS_32 ? ELF32 : ELF64;
    if (bytes.length < layout.headerSize) throw new ImageError('truncated ELF header');
    this.layout = layout;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { number, name } = layout.machine;
    if (this.half(18) !== number) throw new ImageError(`ELF machine ${this.half(18)} is not ${name}`);
    if (this.half(16) !== ET_EXEC) throw new ImageError('not an ELF executable (ET_EXEC); link it statically without PIE');
  }

  /** @throws ImageError */
  image(): GuestImage {
    const { layout, bytes } = this;
    const entry = this.word(layout.entry, 'entry point');
    const headers = this.word(layout.programHeaders, 'program header table');
    const headerSize = this.half(layout.programHeaderSize);
    const headerCount = this.half(layout.programHeaderCount);
    if (headerSize < layout.segment.size) throw new ImageError(`program header size ${headerSize}`);
    if (headers + headerSize * headerCount > bytes.length) throw new ImageError('the program header table lies beyond the end of the file');

    const segments: GuestSegment[] = [];
    const linked: { virtual: number; address: number; size: number }[] = [];
    for (let i = 0; i < headerCount; i++) {
      const at = headers + i * headerSize;
      if (this.view.getUint32(at, true) !== PT_LOAD) continue;
      const offset = this.word(at + layout.segment.offset, 'segment offset');
      const address = this.word(at + layout.segment.physical, 'segment address');
      const fileSize = this.word(at + layout.segment.fileSize, 'segment size');
      const memorySize = this.word(at + layout.segment.memorySize, 'segment size');
      if (memorySize === 0) continue;
      if (fileSize > memorySize) throw new ImageError(`segment ${i} is larger in the file than in memory`);
      if (fileSize > 0 && offset + fileSize > bytes.length) throw new ImageError(`segment ${i} lies beyond the end of the file`);
      segments.push({ address, bytes: bytes.subarray(offset, offset + fileSize), memorySize });
      linked.push({ virtual: this.signedWord(at + layout.segment.virtual), address, size: memorySize });
    }
    if (segments.length === 0) throw new ImageError('no loadable segment');
    segments.sort((a, b) => a.address - b.address);
    for (let i = 1; i < segments.length; i++) {
      const before = segments[i - 1]!;
      if (before.address + before.memorySize > segments[i]!.address) throw new ImageError('loadable segments overlap');
    }
    const home = linked.find(({ virtual, size }) => entry >= virtual && entry < virtual + size);
    if (home === undefined) throw new ImageError(`the entry point 0x${entry.toString(16)} lies in no loadable segment`);
    return { entry: entry - home.virtual + home.address, segments, symbols: this.symbols() };
  }

  /** Symbols by name; none when the file has no (sound) symbol table. */
  private symbols(): Map<string, number> {
    const { layout, bytes, view } = this;
    const { section } = layout;
    const symbols = new Map<string, number>();
    const sections = this.anyWord(layout.sectionHeaders);
    const count = this.half(layout.sectionHeaderCount);
    const inside = (offset: number, size: number): boolean => offset >= 0 && offset + size <= bytes.length;
    if (this.half(layout.sectionHeaderSize) !== section.size || !inside(sections, count * section.size)) return symbols;
    for (let i = 0; i < count; i++) {
      const at = sections + i * section.size;
      if (view.getUint32(at + 4, true) !== SHT_SYMTAB) continue;
      const table = this.anyWord(at + section.offset);
      const size = this.anyWord(at + section.bytes);
      const stringsAt = sections + view.getUint32(at + section.link, true) * section.size;
      if (!inside(table, size) || !inside(stringsAt, section.size)) continue;
      const strings = this.anyWord(stringsAt + section.offset);
      for (let symbol = table; symbol + layout.symbol.size <= table + size; symbol += layout.symbol.size) {
        const start = strings + view.getUint32(symbol, true);
        const end = start < bytes.length ? bytes.indexOf(0, start) : -1;
        if (end <= start) continue;
        symbols.set(new TextDecoder().decode(bytes.subarray(start, end)), this.signedWord(symbol + layout.symbol.value));
      }
    }
    return symbols;
  }

  private half(offset: number): number {
    return this.view.getUint16(offset, true);
  }

  private anyWord(offset: number): number {
    return this.layout.wordBytes === 4 ? this.view.getUint32(offset, true) : Number(this.view.getBigUint64(offset, true));
  }

  /** An address where the upper half of a 64-bit space is negative. */
  private signedWord(offset: number): number {
    return this.layout.wordBytes === 4 ? this.view.getUint32(offset, true) : Number(this.view.getBigInt64(offset, true));
  }

  /** A field that must be exact as a number. */
  private word(offset: number, what: string): number {
    const value = this.anyWord(offset);
    if (value >= 2 ** 52) throw new ImageError(`${what} 0x${value.toString(16)} is out of range`);
    return value;
  }
}
