/**
 * A static ELF64 executable as a user program: its loadable segments, page by page, at the addresses that it is linked at.
 *
 * "System V Application Binary Interface", "Object Files" and "Program Loading".
 */
import { USER_BASE, USER_END } from '../fwk/layout.ts';
import type { UserProgram, UserSegment } from '../fwk/program.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../fwk/vma.ts';

const PAGE = 4096;
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_INTERP = 3;
/** Rights of a segment in the file. */
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** Raises: Error when it is no static ELF64 executable for x86-64, is cut off, or does not lie where user programs may. */
export function elfProgram(name: string, bytes: Uint8Array): UserProgram {
  const fail = (what: string): never => {
    throw new Error(`${name}: ${what}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE || view.getUint32(0) !== 0x7f454c46) fail('not an ELF file');
  if (bytes[4] !== 2 || bytes[5] !== 1 || view.getUint16(18, true) !== EM_X86_64) fail('not an ELF64 file for x86-64');
  if (view.getUint16(16, true) !== ET_EXEC) fail('not a static executable (ET_EXEC)');
  const word = (offset: number): number => Number(view.getBigUint64(offset, true));
  const headers = word(32);
  const count = view.getUint16(56, true);
  if (view.getUint16(54, true) !== PROGRAM_HEADER_SIZE || headers + count * PROGRAM_HEADER_SIZE > bytes.length)
    fail('the program headers are cut off');

  const segments: UserSegment[] = [];
  for (let at = headers; at < headers + count * PROGRAM_HEADER_SIZE; at += PROGRAM_HEADER_SIZE) {
    const type = view.getUint32(at, true);
    if (type === PT_INTERP) fail('it wants a dynamic linker');
    if (type !== PT_LOAD || word(at + 40) === 0) continue;
    const [offset, address, fileSize, memorySize] = [word(at + 8), word(at + 16), word(at + 32), word(at + 40)];
    if (fileSize > memorySize || offset + fileSize > bytes.length) fail('a segment is cut off');
    if (address < USER_BASE || address + memorySize > USER_END)
      fail(`a segment at 0x${address.toString(16)} lies outside of what user programs have`);
    segments.push(segmentOf(address, bytes.subarray(offset, offset + fileSize), memorySize, view.getUint32(at + 4, true)));
  }
  segments.sort((a, b) => a.start - b.start);
  for (const [index, { start }] of segments.entries())
    if (index > 0 && start < segments[index - 1]!.end)
      fail('two segments share a page; link with -z separate-code and a page size of 4096');
  const entry = word(24);
  if (!segments.some(({ start, end, rights }) => entry >= start && entry < end && rights & PROT_EXEC))
    fail('the entry point is in no code');
  return { name, entry, segments, symbols: new Map() };
}

function segmentOf(address: number, contents: Uint8Array, memorySize: number, flags: number): UserSegment {
  const start = Math.floor(address / PAGE) * PAGE;
  const before = address - start;
  const pages = new Uint8Array(Math.ceil((before + contents.length) / PAGE) * PAGE);
  pages.set(contents, before);
  return {
    start,
    end: Math.ceil((address + memorySize) / PAGE) * PAGE,
    rights: (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0),
    bytes: contents.length === 0 ? new Uint8Array(0) : pages,
  };
}
