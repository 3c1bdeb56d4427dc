import type { GuestImage, GuestSegment } from '../arch/guestImage.ts';

/** A file that is no ELF image this machine can load; the message is one line for the user. */
export class ImageError extends Error {}

const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const EM_X86_64 = 62;
const ET_EXEC = 2;

/** True iff the bytes start as an ELF file does. */
export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/**
 * The image in an ELF64 executable: its PT_LOAD segments at their physical addresses, its entry point, and the symbols if it has any.
 * @throws ImageError when the file is malformed, truncated, or not a static x86-64 executable.
 */
export function loadElf(bytes: Uint8Array): GuestImage {
  if (!isElf(bytes)) throw new ImageError('not an ELF file');
  if (bytes.length < HEADER_SIZE) throw new ImageError('truncated ELF header');
  if (bytes[4] !== 2) throw new ImageError('not a 64-bit ELF file');
  if (bytes[5] !== 1) throw new ImageError('not a little-endian ELF file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(18, true) !== EM_X86_64) throw new ImageError(`ELF machine ${view.getUint16(18, true)} is not x86-64`);
  if (view.getUint16(16, true) !== ET_EXEC) throw new ImageError('not an ELF executable (ET_EXEC); link it statically without PIE');
  const entry = readAddress(view, 24, 'entry point');
  const headers = readAddress(view, 32, 'program header table');
  const headerSize = view.getUint16(54, true);
  const headerCount = view.getUint16(56, true);
  if (headerSize < PROGRAM_HEADER_SIZE) throw new ImageError(`program header size ${headerSize}`);
  if (headers + headerSize * headerCount > bytes.length) throw new ImageError('the program header table lies beyond the end of the file');

  const segments: GuestSegment[] = [];
  const linked: { virtual: number; address: number; size: number }[] = [];
  for (let i = 0; i < headerCount; i++) {
    const at = headers + i * headerSize;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const offset = readAddress(view, at + 8, 'segment offset');
    const address = readAddress(view, at + 24, 'segment address');
    const fileSize = readAddress(view, at + 32, 'segment size');
    const memorySize = readAddress(view, at + 40, 'segment size');
    if (memorySize === 0) continue;
    if (fileSize > memorySize) throw new ImageError(`segment ${i} is larger in the file than in memory`);
    if (offset + fileSize > bytes.length) throw new ImageError(`segment ${i} lies beyond the end of the file`);
    segments.push({ address, bytes: bytes.subarray(offset, offset + fileSize), memorySize });
    linked.push({ virtual: Number(BigInt.asIntN(64, view.getBigUint64(at + 16, true))), address, size: memorySize });
  }
  if (segments.length === 0) throw new ImageError('no loadable segment');
  segments.sort((a, b) => a.address - b.address);
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1]!;
    if (before.address + before.memorySize > segments[i]!.address) throw new ImageError('loadable segments overlap');
  }
  const home = linked.find(({ virtual, size }) => entry >= virtual && entry < virtual + size);
  if (home === undefined) throw new ImageError(`the entry point 0x${entry.toString(16)} lies in no loadable segment`);
  return { entry: entry - home.virtual + home.address, segments, symbols: readSymbols(view, bytes) };
}

/** Symbols by name; none when the file has no (sound) symbol table. */
function readSymbols(view: DataView, bytes: Uint8Array): Map<string, number> {
  const symbols = new Map<string, number>();
  const sections = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const inside = (offset: number, size: number): boolean => offset >= 0 && offset + size <= bytes.length;
  if (view.getUint16(58, true) !== SECTION_HEADER_SIZE || !inside(sections, count * SECTION_HEADER_SIZE)) return symbols;
  for (let i = 0; i < count; i++) {
    const at = sections + i * SECTION_HEADER_SIZE;
    if (view.getUint32(at + 4, true) !== SHT_SYMTAB) continue;
    const table = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    const stringsAt = sections + view.getUint32(at + 40, true) * SECTION_HEADER_SIZE;
    if (!inside(table, size) || !inside(stringsAt, SECTION_HEADER_SIZE)) continue;
    const strings = Number(view.getBigUint64(stringsAt + 24, true));
    for (let symbol = table; symbol + SYMBOL_SIZE <= table + size; symbol += SYMBOL_SIZE) {
      const start = strings + view.getUint32(symbol, true);
      const end = start < bytes.length ? bytes.indexOf(0, start) : -1;
      if (end <= start) continue;
      symbols.set(new TextDecoder().decode(bytes.subarray(start, end)), Number(BigInt.asIntN(64, view.getBigUint64(symbol + 8, true))));
    }
  }
  return symbols;
}

/** A 64-bit field that must be exact as a number. */
function readAddress(view: DataView, offset: number, what: string): number {
  const value = view.getBigUint64(offset, true);
  if (value >= 1n << 52n) throw new ImageError(`${what} 0x${value.toString(16)} is out of range`);
  return Number(value);
}
