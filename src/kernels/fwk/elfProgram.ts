/**
 * Static ELF64 files as user programs: `embedProgram(name, bytes)`.
 *
 * A file is position-independent (ET_DYN: gcc -static-pie, or -fPIE -pie -nostdlib) and is put at PROGRAM_BASE, relocated here, by R_X86_64_RELATIVE alone; or
 * it is linked above USER_BASE (ET_EXEC). One that wants an interpreter, other relocations or another machine is refused: this kernel has no dynamic linker.
 * System V Application Binary Interface, "Object Files"; AMD64 supplement, "Relocation Types".
 */
import { MMAP_TOP, PROGRAM_BASE, USER_BASE } from './layout.ts';
import type { UserProgram, UserSegment } from './program.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from './vma.ts';

const PAGE = 4096;
/** Bytes of a segment at most: more than any guest has memory for. */
const MOST = 2 ** 30;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PF_X = 1;
const PF_W = 2;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_REL = 17;
const DT_RELR = 36;
const R_X86_64_RELATIVE = 8;

interface Header {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

interface Page {
  rights: number;
  readonly bytes: Uint8Array;
  /** Something of the file lies in it. */
  filled: boolean;
}

/** The program in an ELF file. Raises: Error, with the name, when it cannot run here. */
export function embedProgram(name: string, file: Uint8Array): UserProgram {
  const refuse = (why: string): never => {
    throw new Error(`${name}: ${why}`);
  };
  if (file.length < 64 || file[0] !== 0x7f || file[1] !== 0x45 || file[2] !== 0x4c || file[3] !== 0x46) return refuse('not an ELF file');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u64 = (at: number): number => {
    if (at + 8 > file.length) return refuse('the file ends too early');
    const value = view.getBigUint64(at, true);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? refuse('an address or a size is out of range') : Number(value);
  };
  if (file[4] !== 2 || file[5] !== 1 || view.getUint16(18, true) !== EM_X86_64) refuse('not a 64-bit x86-64 file');
  const type = view.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) refuse('not an executable');
  const headers = programHeaders(view, u64, refuse);
  const loads = headers.filter((header) => header.type === PT_LOAD && header.memorySize > 0);
  if (loads.length === 0) refuse('nothing to load');
  if (headers.some((header) => header.type === PT_INTERP)) refuse('dynamically linked: link it with -static or -static-pie');
  const base = type === ET_DYN ? PROGRAM_BASE - Math.floor(Math.min(...loads.map(({ address }) => address)) / PAGE) * PAGE : 0;

  const pages = new Map<number, Page>();
  for (const load of loads) {
    if (base + load.address < USER_BASE || base + load.address + load.memorySize > MMAP_TOP)
      refuse(`linked outside of user space, at 0x${load.address.toString(16)}: link it above 0x${USER_BASE.toString(16)}, or -static-pie`);
    if (load.fileSize > load.memorySize || load.offset + load.fileSize > file.length) refuse('a segment reaches beyond the file');
    if (load.memorySize > MOST) refuse(`a segment of ${load.memorySize} bytes: more than ${MOST}`);
    place(pages, load, base, file);
  }
  relocate(pages, headers, base, u64, refuse);
  return { name, entry: base + u64(24), segments: segmentsOf(pages), symbols: new Map() };
}

function programHeaders(view: DataView, u64: (at: number) => number, refuse: (why: string) => never): Header[] {
  const start = u64(32);
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (size < 56 || start + size * count > view.byteLength) refuse('the program headers lie outside of the file');
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: u64(at + 8),
      address: u64(at + 16),
      fileSize: u64(at + 32),
      memorySize: u64(at + 40),
    };
  });
}

/** The segment's bytes are in their pages; a page that two segments share has the rights of both. */
function place(pages: Map<number, Page>, load: Header, base: number, file: Uint8Array): void {
  const rights = PROT_READ | (load.flags & PF_W ? PROT_WRITE : 0) | (load.flags & PF_X ? PROT_EXEC : 0);
  const start = base + load.address;
  for (let page = Math.floor(start / PAGE); page * PAGE < start + load.memorySize; page++) {
    const known = pages.get(page) ?? { rights: 0, bytes: new Uint8Array(PAGE), filled: false };
    pages.set(page, known);
    known.rights |= rights;
    const from = Math.max(start, page * PAGE);
    const to = Math.min(start + load.fileSize, (page + 1) * PAGE);
    if (from >= to) continue;
    known.filled = true;
    known.bytes.set(file.subarray(load.offset + from - start, load.offset + to - start), from - page * PAGE);
  }
}

/** Relocations of a position-independent file are done. */
function relocate(
  pages: Map<number, Page>,
  headers: readonly Header[],
  base: number,
  u64: (at: number) => number,
  refuse: (why: string) => never,
): void {
  const dynamic = headers.find((header) => header.type === PT_DYNAMIC);
  if (dynamic === undefined) return;
  const entries = new Map<number, number>();
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.fileSize; at += 16) {
    if (u64(at) === 0) break;
    entries.set(u64(at), u64(at + 8));
  }
  if (entries.has(DT_REL) || entries.has(DT_RELR))
    refuse('relocations without addends, or packed ones: link it with -z nopack-relative-relocs');
  const table = entries.get(DT_RELA);
  if (table === undefined) return;
  const home = headers.find(({ type, address, fileSize }) => type === PT_LOAD && table >= address && table < address + fileSize);
  if (home === undefined) return refuse('its relocations are not in the file');
  const start = home.offset + table - home.address;
  for (let at = start; at < start + (entries.get(DT_RELASZ) ?? 0); at += 24) {
    const kind = u64(at + 8);
    if (kind !== R_X86_64_RELATIVE) refuse(`relocation of type ${kind % 2 ** 32}: only R_X86_64_RELATIVE can be done`);
    writeWord(pages, base + u64(at), BigInt(base + u64(at + 16)), refuse);
  }
}

function writeWord(pages: Map<number, Page>, address: number, value: bigint, refuse: (why: string) => never): void {
  for (let byte = 0; byte < 8; byte++) {
    const page = pages.get(Math.floor((address + byte) / PAGE));
    if (page === undefined) return refuse('a relocation outside of its segments');
    page.bytes[(address + byte) % PAGE] = Number((value >> BigInt(8 * byte)) & 0xffn);
    page.filled = true;
  }
}

/** One segment for each run of pages with the same rights. */
function segmentsOf(pages: ReadonlyMap<number, Page>): UserSegment[] {
  const segments: UserSegment[] = [];
  const numbers = [...pages.keys()].sort((left, right) => left - right);
  for (let first = 0; first < numbers.length; ) {
    const { rights } = pages.get(numbers[first]!)!;
    let end = first + 1;
    while (end < numbers.length && numbers[end] === numbers[end - 1]! + 1 && pages.get(numbers[end]!)!.rights === rights) end++;
    const run = numbers.slice(first, end).map((number) => pages.get(number)!);
    const filled = run.findLastIndex((page) => page.filled) + 1;
    const bytes = new Uint8Array(filled * PAGE);
    for (const [index, page] of run.slice(0, filled).entries()) bytes.set(page.bytes, index * PAGE);
    segments.push({ start: numbers[first]! * PAGE, end: (numbers[end - 1]! + 1) * PAGE, rights, bytes });
    first = end;
  }
  return segments;
}
