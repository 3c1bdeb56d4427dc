/**
 * User programs: written in the assembler, or static ELF64 files, made part of the kernel's image.
 *
 * Both become a `UserProgram`, pages by address with rights; `programTable` writes programs into an image. A program starts as Linux starts one:
 * RSP points to the argument count, the arguments, a null pointer, no environment, an auxiliary vector (AT_PAGESZ, AT_RANDOM), and
 * RDX is 0. See "System V Application Binary Interface, AMD64", "Process Initialization".
 *
 * The lower 512 GiB are the kernel's (layout.ts), so an ELF file is either position-independent (ET_DYN, relocated here by R_X86_64_RELATIVE
 * only: gcc -static-pie, or -fPIE with -Wl,-pie), or linked above USER_BASE.
 */
import { type Assembler, assembler } from '../../asm/assembler.ts';
import { record, u64 } from '../../asm/record.ts';
import { addr } from '../../asm/symbolValue.ts';
import { initialStack } from './initialStack.ts';
import { PROGRAM_BASE, USER_END, USER_STACK_SIZE } from './layout.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from './vma.ts';

export interface UserSegment {
  /** Whole pages. */
  readonly start: number;
  readonly end: number;
  /** PROT_ bits. */
  readonly rights: number;
  /** Contents of the first pages, a whole number of them; the others are zero. */
  readonly bytes: Uint8Array;
}

export interface UserProgram {
  /** argv[0], and what the kernel calls it in messages. */
  readonly name: string;
  readonly entry: number;
  readonly segments: readonly UserSegment[];
  /** Addresses by name, of assembled programs. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** A program to be started, with how it is to end. */
export interface StartedProgram {
  readonly program: UserProgram;
  /** After argv[0]. */
  readonly args?: readonly string[];
  /** 0 by default. */
  readonly expectedStatus?: number;
}

/** What the kernel knows of a program that it is to start. */
export const Program = record({
  name: u64,
  entry: u64,
  /** RSP at the start. */
  stack: u64,
  brkStart: u64,
  expectedStatus: u64,
  segmentCount: u64,
  segments: u64,
});

export const ProgramSegment = record({
  start: u64,
  end: u64,
  rights: u64,
  bytes: u64,
  byteLength: u64,
});

const PAGE = 4096;

/** The program that `write` writes, from the label `main`. Its sections are `text`, executable, `rodata`, read-only, `data` and `bss`. */
export function assembleProgram(name: string, write: (a: Assembler) => void): UserProgram {
  const a = assembler();
  for (const section of ['rodata', 'data', 'bss']) {
    a.section(section, () => {
      a.align(PAGE);
      a.label(`${section}_start`);
    });
  }
  write(a);
  const { image, symbols } = a.assemble({ base: PROGRAM_BASE, entry: 'main' });
  const rightsAt = (address: number): number => {
    if (address >= symbols.get('data_start')!) return PROT_READ | PROT_WRITE;
    return address >= symbols.get('rodata_start')! ? PROT_READ : PROT_READ | PROT_EXEC;
  };
  const segments = image.segments.map(({ address, bytes, memorySize }) => {
    const pages = new Uint8Array(Math.ceil(bytes.length / PAGE) * PAGE);
    pages.set(bytes);
    return {
      start: address,
      end: Math.ceil((address + memorySize) / PAGE) * PAGE,
      rights: rightsAt(address),
      bytes: pages,
    };
  });
  return { name, entry: image.entry, segments, symbols };
}

/** Writes the programs into a kernel's image: `programs` … `programs_end` are `Program` records, in this order. */
export function programTable(a: Assembler, programs: readonly StartedProgram[]): void {
  const images = new Map<Uint8Array, string>();
  a.section('programs', () => {
    a.align(PAGE);
    for (const { segments } of programs.map(({ program }) => program)) {
      for (const { bytes } of segments) {
        if (bytes.length === 0 || images.has(bytes)) continue;
        const label = a.newLabel('pages');
        images.set(bytes, label);
        a.placeLabel(label);
        a.bytes(bytes);
      }
    }
    const stacks = programs.map(({ program, args = [] }) => initialStack([program.name, ...args]));
    const stackLabels = stacks.map(({ bytes }) => {
      const label = a.newLabel('stack');
      a.placeLabel(label);
      a.bytes(bytes);
      return label;
    });
    const lists = programs.map(({ program }, index) => {
      const label = a.newLabel('segments');
      a.placeLabel(label);
      for (const { start, end, rights, bytes } of program.segments) {
        a.u64(start, end, rights, bytes.length === 0 ? 0 : addr(images.get(bytes)!), bytes.length);
      }
      const { bytes } = stacks[index]!;
      a.u64(USER_END - USER_STACK_SIZE, USER_END - bytes.length, PROT_READ | PROT_WRITE, 0, 0);
      a.u64(USER_END - bytes.length, USER_END, PROT_READ | PROT_WRITE, addr(stackLabels[index]!), bytes.length);
      return label;
    });
    a.label('programs');
    for (const [index, { program, expectedStatus = 0 }] of programs.entries()) {
      const brkStart = Math.max(...program.segments.map(({ end }) => end)) + PAGE;
      a.u64(addr(a.literal(program.name)), program.entry, stacks[index]!.pointer, brkStart, expectedStatus);
      a.u64(program.segments.length + 2, addr(lists[index]!));
    }
    a.label('programs_end');
  });
}
