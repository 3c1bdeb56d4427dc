/** Where the fields of an ELF file lie, for either class. Addresses, offsets and sizes are 4 bytes wide in ELF32 and 8 in ELF64. */
export interface ElfLayout {
  readonly wordBytes: 4 | 8;
  readonly machine: { readonly number: number; readonly name: string };
  readonly headerSize: number;
  readonly entry: number;
  readonly programHeaders: number;
  readonly sectionHeaders: number;
  readonly programHeaderSize: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderSize: number;
  readonly sectionHeaderCount: number;
  readonly segment: {
    readonly size: number;
    readonly offset: number;
    readonly virtual: number;
    readonly physical: number;
    readonly fileSize: number;
    readonly memorySize: number;
  };
  readonly section: { readonly size: number; readonly offset: number; readonly bytes: number; readonly link: number };
  readonly symbol: { readonly size: number; readonly value: number };
}

export const ELF32: ElfLayout = {
  wordBytes: 4,
  machine: { number: 3, name: 'i386' },
  headerSize: 52,
  entry: 24,
  programHeaders: 28,
  sectionHeaders: 32,
  programHeaderSize: 42,
  programHeaderCount: 44,
  sectionHeaderSize: 46,
  sectionHeaderCount: 48,
  segment: { size: 32, offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20 },
  section: { size: 40, offset: 16, bytes: 20, link: 24 },
  symbol: { size: 16, value: 4 },
};

export const ELF64: ElfLayout = {
  wordBytes: 8,
  machine: { number: 62, name: 'x86-64' },
  headerSize: 64,
  entry: 24,
  programHeaders: 32,
  sectionHeaders: 40,
  programHeaderSize: 54,
  programHeaderCount: 56,
  sectionHeaderSize: 58,
  sectionHeaderCount: 60,
  segment: { size: 56, offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40 },
  section: { size: 64, offset: 24, bytes: 32, link: 40 },
  symbol: { size: 24, value: 8 },
};
