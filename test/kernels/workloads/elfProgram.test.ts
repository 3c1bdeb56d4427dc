import { describe, expect, test } from 'vitest';
import { USER_BASE } from '../../../src/kernels/fwk/layout.ts';
import { elfProgram } from '../../../src/kernels/workloads/elfProgram.ts';

interface Segment {
  readonly address: number;
  readonly bytes: readonly number[];
  readonly memory: number;
  readonly flags: number;
}

const CODE: Segment = { address: USER_BASE + 0x1234, bytes: [0x90, 0xc3], memory: 2, flags: 5 };
const DATA: Segment = { address: USER_BASE + 0x3ff0, bytes: [1, 2, 3], memory: 0x2000, flags: 6 };

function file(segments: readonly Segment[], entry = CODE.address): Uint8Array {
  const headers = 64 + segments.length * 56;
  const bytes = new Uint8Array(headers + segments.reduce((sum, { bytes: { length } }) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  let offset = headers;
  for (const [index, { address, bytes: contents, memory, flags }] of segments.entries()) {
    const at = 64 + index * 56;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(address), true);
    view.setBigUint64(at + 32, BigInt(contents.length), true);
    view.setBigUint64(at + 40, BigInt(memory), true);
    bytes.set(contents, offset);
    offset += contents.length;
  }
  return bytes;
}

function changed(offset: number, ...values: number[]): Uint8Array {
  const bytes = file([CODE, DATA]);
  bytes.set(values, offset);
  return bytes;
}

describe('an ELF file as a user program', () => {
  test('has its segments as whole pages with their rights, in ascending order', () => {
    const { name, entry, segments } = elfProgram('p', file([DATA, CODE]));
    const [code, data] = segments;
    expect({ name, entry }).toEqual({ name: 'p', entry: CODE.address });
    expect(segments.map(({ start, end, rights, bytes }) => [start - USER_BASE, end - USER_BASE, rights, bytes.length])).toEqual([
      [0x1000, 0x2000, 5, 0x1000],
      [0x3000, 0x6000, 3, 0x1000],
    ]);
    expect([...code!.bytes.subarray(0x234, 0x237)]).toEqual([0x90, 0xc3, 0]);
    expect([...data!.bytes.subarray(0xfef, 0xff3)]).toEqual([0, 1, 2, 3]);
  });

  test.for<readonly [string, Uint8Array, string]>([
    ['is empty', new Uint8Array(0), 'not an ELF file'],
    ['has no magic number', changed(0, 0), 'not an ELF file'],
    ['is of 32 bits', changed(4, 1), 'not an ELF64 file'],
    ['is for another machine', changed(18, 3), 'not an ELF64 file'],
    ['is relocatable', changed(16, 1), 'not a static executable'],
    ['wants an interpreter', changed(64, 3), 'dynamic linker'],
    ['has its headers cut off', file([CODE, DATA]).subarray(0, 100), 'headers are cut off'],
    ['has a segment cut off', file([CODE, DATA]).subarray(0, 177), 'a segment is cut off'],
    ['lies where the kernel is', file([{ ...CODE, address: 0x40_0000 }]), 'outside of what user programs have'],
    ['has two segments in one page', file([CODE, { ...DATA, address: CODE.address + 16 }]), 'share a page'],
    ['starts nowhere', file([CODE, DATA], DATA.address), 'entry point is in no code'],
  ])('is refused when it %s', ([, bytes, message]) => {
    expect(() => elfProgram('p', bytes)).toThrow(message);
  });
});
