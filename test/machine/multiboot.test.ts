import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GuestImage } from '../../src/arch/guestImage.ts';
import { MULTIBOOT_HEADER_MAGIC } from '../../src/arch/multiboot.ts';
import { ImageError } from '../../src/machine/imageError.ts';
import { readKernelFile } from '../../src/machine/kernelFile.ts';
import { layOutMultiboot } from '../../src/machine/multibootInformation.ts';

const MIB = 2 ** 20;
const ADDRESSES = 1 << 16;

interface Header {
  readonly at?: number;
  readonly flags?: number;
  readonly checksum?: number;
  readonly addresses?: readonly number[];
  readonly size?: number;
}

/** A file with a Multiboot header and bytes 0x90 around it. */
function file({ at = 0, flags = ADDRESSES, checksum, addresses = [MIB, MIB, 0, 0, MIB + 32], size = at + 64 }: Header): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x90);
  const view = new DataView(bytes.buffer);
  const words = [MULTIBOOT_HEADER_MAGIC, flags, checksum ?? -(MULTIBOOT_HEADER_MAGIC + flags) >>> 0, ...addresses];
  words.forEach((word, i) => {
    if (at + i * 4 + 4 <= size) view.setUint32(at + i * 4, word, true);
  });
  return bytes;
}

function complaint(make: () => unknown): string | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}

/** An ELF32 executable: one segment of the whole file at 1 MiB, 8 bytes of bss, entry 0x60 into it; virtual addresses in the upper half. */
function elf32(header: Header, change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = file({ at: 0x80, size: 0x200, ...header, addresses: header.addresses ?? [] });
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 2, true);
  view.setUint16(18, 3, true);
  const words = { 20: 1, 24: 0xc010_0060, 28: 52, 32: 0 };
  for (const [offset, value] of Object.entries(words)) view.setUint32(Number(offset), value, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  view.setUint16(46, 40, true);
  view.setUint16(48, 0, true);
  [1, 0, 0xc010_0000, MIB, 0x200, 0x208, 7, 4096].forEach((word, i) => {
    view.setUint32(52 + 4 * i, word, true);
  });
  change(view);
  return bytes;
}

describe('a flat Multiboot image', () => {
  test('goes where its header says, from load_addr on, and clears up to bss_end_addr', () => {
    // The header is 16 bytes into what is loaded, which starts 84 bytes into the file.
    const bytes = file({ at: 100, addresses: [0x10_0010, 0x10_0000, 0x10_0040, 0x10_1000, 0x10_0030], size: 300 });
    const { protocol, image } = readKernelFile(bytes);
    expect(protocol).toBe('multiboot');
    expect(image.entry).toBe(0x10_0030);
    expect(image.segments).toEqual([{ address: 0x10_0000, bytes: bytes.subarray(84, 148), memorySize: 0x1000 }]);
  });

  test('with load_end_addr 0 is the whole rest of the file, and with bss_end_addr 0 has no bss', () => {
    const bytes = file({ at: 8, addresses: [MIB + 8, MIB, 0, 0, MIB + 99], size: 100 });
    expect(readKernelFile(bytes).image.segments).toEqual([{ address: MIB, bytes, memorySize: 100 }]);
  });

  test('has its header in the first 8192 bytes, at a multiple of 4, with a sound checksum', () => {
    expect(readKernelFile(file({ at: 8192 - 32, size: 9000, addresses: [MIB, MIB, 0, 0, MIB] })).protocol).toBe('multiboot');
    const text = 'not an ELF file, nor a Multiboot image';
    expect(complaint(() => readKernelFile(file({ at: 8192, size: 9000 })))).toBe(text);
    expect(complaint(() => readKernelFile(file({ at: 2 })))).toBe(text);
    expect(complaint(() => readKernelFile(file({ checksum: 1 })))).toBe(text);
  });

  test.for<readonly [string, Header]>([
    ['the Multiboot header is cut off', { size: 31 }],
    ['the Multiboot header is cut off', { at: 8192 - 28, size: 9000 }],
    ['asks for a video mode', { flags: ADDRESSES | 4 }],
    ['requires unknown features, flags 0x8000', { flags: ADDRESSES | 0x8003 }],
    ['has no addresses, and the file is not an ELF file', { flags: 3 }],
    ["load address 0x100001 is above the header's", { addresses: [MIB, MIB + 1, 0, 0, MIB] }],
    ['lies before the start of the file', { addresses: [MIB + 4, MIB, 0, 0, MIB] }],
    ['beyond the end of the file', { addresses: [MIB, MIB, MIB + 65, 0, MIB] }],
    ["load end 0x100000 is not above the header's", { addresses: [MIB, MIB, MIB, 0, MIB] }],
    ['bss end 0x10000f is below the load end', { addresses: [MIB, MIB, MIB + 16, MIB + 15, MIB] }],
    ['entry 0x100040 lies outside the image', { addresses: [MIB, MIB, 0, 0, MIB + 64] }],
  ])('complains: %s', ([text, header]) => {
    expect(complaint(() => readKernelFile(file(header)))).toContain(text);
  });

  test('flags above 16 are optional', () => {
    expect(readKernelFile(file({ flags: ADDRESSES | (1 << 20) | 3 })).protocol).toBe('multiboot');
  });

  test('with arbitrary addresses is a sound image or a complaint', () => {
    const near = fc.integer({ min: -70, max: 70 }).map((offset) => (MIB + offset) >>> 0);
    const word = fc.oneof(near, fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(fc.array(word, { minLength: 5, maxLength: 5 }), fc.nat(60), (addresses, at) => {
        const bytes = file({ at: at * 4, addresses, size: 400 });
        void complaint(() => {
          const { image } = readKernelFile(bytes);
          const [{ address, bytes: loaded, memorySize }] = image.segments as unknown as [GuestImage['segments'][0]];
          expect(loaded.length).toBeLessThanOrEqual(memorySize);
          expect(image.entry >= address && image.entry < address + memorySize).toBe(true);
          // The header comes to lie at header_addr.
          const header = addresses[0]! - address;
          expect(loaded.subarray(header, header + 4)).toEqual(bytes.subarray(at * 4, at * 4 + 4).subarray(0, loaded.length - header));
        });
      }),
    );
  });
});

describe('an ELF image with a Multiboot header', () => {
  test('of 32 bits is loaded by its program headers', () => {
    const bytes = elf32({ flags: 3 });
    const { protocol, image } = readKernelFile(bytes);
    expect(protocol).toBe('multiboot');
    expect({ entry: image.entry, segments: image.segments }).toEqual({
      entry: MIB + 0x60,
      segments: [{ address: MIB, bytes, memorySize: 0x208 }],
    });
  });

  test('is loaded by the addresses of the header when it has them', () => {
    const bytes = elf32({ flags: ADDRESSES, addresses: [2 * MIB, 2 * MIB, 0, 0, 2 * MIB + 32] });
    expect(readKernelFile(bytes).image.segments).toEqual([{ address: 2 * MIB, bytes: bytes.subarray(0x80), memorySize: 0x180 }]);
  });

  test('of 32 bits and without the header is refused', () => {
    expect(complaint(() => readKernelFile(elf32({ checksum: 1 })))).toContain('not a 64-bit ELF file');
  });

  test('is checked like any other', () => {
    expect(complaint(() => readKernelFile(elf32({ flags: 0 }, (view) => view.setUint16(18, 62, true))))).toContain('is not i386');
    expect(complaint(() => readKernelFile(elf32({ flags: 0 }, (view) => view.setUint32(24, 0x10, true))))).toContain('entry point');
    expect(complaint(() => readKernelFile(elf32({ flags: 0 }, (view) => view.setUint32(68, 0x201, true))))).toContain('beyond the end');
  });

  test('with arbitrary damage is loaded or a complaint', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(0x7f), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = elf32({ flags: 3 });
        for (const [offset, value] of changes) bytes[offset] = value;
        complaint(() => readKernelFile(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what a Multiboot kernel finds in memory', () => {
  const kernel = (address: number, memorySize: number): GuestImage => ({
    entry: address,
    segments: [{ address, bytes: Uint8Array.of(1), memorySize }],
    symbols: new Map(),
  });
  const SIZE = 16 * MIB;

  function memoryOf(image: GuestImage, commandLine: string, modules: { text: string; bytes: Uint8Array }[]) {
    const { segments, information, gdt } = layOutMultiboot(image, SIZE, commandLine, modules);
    const memory = new Uint8Array(SIZE);
    for (const { address, bytes } of segments) memory.set(bytes, address);
    const view = new DataView(memory.buffer);
    const u32 = (at: number): number => view.getUint32(at, true);
    const text = (at: number): string => Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString();
    return { segments, information, gdt, memory, view, u32, text };
  }

  test('memory sizes, map, command line, loader name and modules', () => {
    const modules = [
      { text: 'initrd root=/dev/ram', bytes: new Uint8Array(5000).fill(7) },
      { text: '', bytes: Uint8Array.of(9) },
    ];
    const { information, u32, text, view, memory } = memoryOf(kernel(MIB, 0x1234), 'tty=0 ü', modules);
    const field = (offset: number): number => u32(information + offset);
    expect(field(0)).toBe(0b10_0100_1101);
    expect([field(4), field(8)]).toEqual([639, 15 * 1024]);
    expect([text(field(16)), text(field(64))]).toEqual(['tty=0 ü', 'Parapet']);
    const list = field(24);
    expect(field(20)).toBe(2);
    // Modules at page boundaries, behind the kernel.
    expect([0, 4, 8, 12, 16, 20].map((offset) => (offset % 16 === 8 ? 0 : u32(list + offset)))).toEqual([
      0x10_2000,
      0x10_2000 + 5000,
      0,
      0,
      0x10_4000,
      0x10_4001,
    ]);
    expect([text(u32(list + 8)), text(u32(list + 24))]).toEqual(['initrd root=/dev/ram', '']);
    expect([memory[0x10_2000], memory[0x10_2000 + 4999], memory[0x10_4000]]).toEqual([7, 7, 9]);
    const map: unknown[] = [];
    for (let at = field(48); at < field(48) + field(44); at += u32(at) + 4) {
      map.push([view.getBigUint64(at + 4, true), view.getBigUint64(at + 12, true), u32(at + 20)]);
    }
    expect(map).toEqual([
      [0n, 0x9_fc00n, 1],
      [0x9_fc00n, 0x10_0000n - 0x9_fc00n, 2],
      [0x10_0000n, BigInt(15 * MIB), 1],
    ]);
  });

  test('nothing overlaps, wherever the kernel lies', () => {
    const place = fc.record({ address: fc.nat(SIZE - 1), size: fc.integer({ min: 1, max: 4 * MIB }) });
    const files = fc.array(fc.nat(20_000), { maxLength: 3 });
    fc.assert(
      fc.property(place, files, fc.string({ maxLength: 300 }), ({ address, size }, sizes, commandLine) => {
        fc.pre(address + size <= SIZE);
        const modules = sizes.map((bytes, i) => ({ text: `m${i}`, bytes: new Uint8Array(bytes) }));
        const problem = complaint(() => {
          let end = 0;
          for (const segment of layOutMultiboot(kernel(address, size), SIZE, commandLine, modules).segments) {
            expect(segment.address).toBeGreaterThanOrEqual(end);
            end = segment.address + segment.memorySize;
          }
          expect(end).toBeLessThanOrEqual(SIZE);
        });
        if (problem !== undefined) expect(problem).toMatch(/fit/);
      }),
    );
  });

  test('a module, or the information itself, that does not fit is a complaint', () => {
    const big = [{ text: 'big', bytes: new Uint8Array(15 * MIB) }];
    expect(complaint(() => layOutMultiboot(kernel(MIB, 1), SIZE, '', big))).toContain("the module 'big'");
    expect(complaint(() => layOutMultiboot(kernel(0, SIZE), SIZE, '', []))).toContain('boot information do not fit');
  });
});
