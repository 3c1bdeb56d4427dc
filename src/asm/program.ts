/** A program being written: sections, labels, data, instructions as they come. */
import type { GuestImage } from '../arch/guestImage.ts';
import { MARK_BASE } from '../arch/marks.ts';
import { branchForms, encodeFarJump } from './branch.ts';
import { type Bits, type EncodedInstruction, encodeInstruction, encodeString } from './encoder.ts';
import { segmentsOf } from './image.ts';
import { layOut } from './layout.ts';
import { type ListingLine, listingOf } from './listing.ts';
import { mem32, type Operand } from './operand.ts';
import { rax } from './register.ts';
import { type Fragment, type LabelPlace, Section, type SectionOptions } from './section.ts';
import { type SourceLine, sourceLine } from './sourceLine.ts';
import type { SymbolValue } from './symbolValue.ts';

export interface AssembleOptions {
  /** Address of the first section without one of its own. */
  readonly base: number;
  /** Label of the first instruction. Default `start`. */
  readonly entry?: string;
}

export interface Assembled {
  readonly image: GuestImage;
  readonly symbols: ReadonlyMap<string, number>;
  /** Made when first read. */
  readonly listing: readonly ListingLine[];
}

export class Program {
  private readonly sections = new Map<string, Section>();
  private readonly labels = new Map<string, LabelPlace>();
  private readonly included = new Set<unknown>();
  private readonly literals = new Map<string, string>();
  private current: Section;
  private codeBits: Bits = 64;
  private hiddenLabels = 0;
  /** Global label that local ones (`.name`) belong to. */
  protected scope = '';

  constructor() {
    this.current = this.open('text', {});
    this.open('rodata', {});
    this.open('data', {});
    this.open('bss', { alignment: 4096 });
  }

  private open(name: string, options: SectionOptions): Section {
    const section = new Section(name, options);
    this.sections.set(name, section);
    return section;
  }

  /**
   * What `body` writes goes to the named section, which is opened at its first mention. `text`, `rodata`, `data` and `bss` exist; the
   * last stays the last.
   */
  section(name: string, body: () => void, options?: SectionOptions): void {
    const known = this.sections.get(name);
    if (known !== undefined && options !== undefined) throw new Error(`section ${name} is open already, at ${sourceLine()}`);
    const before = this.current;
    this.current = known ?? this.open(name, options ?? {});
    body();
    this.current = before;
  }

  /** What `body` writes is code of another size. */
  bits(bits: Bits, body: () => void): void {
    const before = this.codeBits;
    this.codeBits = bits;
    body();
    this.codeBits = before;
  }

  /** `part` has written itself into this program, exactly once however often it is asked for. */
  include(part: (a: this) => void): void {
    if (this.included.has(part)) return;
    this.included.add(part);
    part(this);
  }

  /** The label stands for the address of what follows. A name that starts with a dot is local to the last label that does not. */
  label(name: string): void {
    if (!name.startsWith('.')) this.scope = name;
    this.place(this.qualified(name), false);
  }

  /** A label that no other has, for control flow; it is no symbol. `placeLabel` puts it. */
  newLabel(purpose: string): string {
    return `@${purpose}${this.hiddenLabels++}`;
  }

  placeLabel(label: string): void {
    this.place(label, true);
  }

  private place(label: string, hidden: boolean): void {
    const before = this.labels.get(label);
    if (before !== undefined) throw new Error(`duplicate label '${label}' at ${sourceLine()}, first at ${before.source}`);
    const fragment = this.current.fragments.length;
    this.labels.set(label, { section: this.current, fragment, hidden, source: sourceLine() });
    push(this.current.labels, fragment, label);
  }

  private qualified(name: string): string {
    return name.startsWith('.') ? this.scope + name : name;
  }

  private append(fragment: Fragment): void {
    this.current.fragments.push(fragment);
  }

  /** A remark in the listing. */
  comment(text: string): void {
    push(this.current.comments, this.current.fragments.length, text);
  }

  /** What follows starts on a boundary; code is filled with NOPs, data with zeros. */
  align(boundary: number): void {
    if (this.current.address === undefined && boundary > this.current.alignment) this.current.alignment = boundary;
    this.append({ kind: 'align', boundary, fill: this.current.name === 'text' ? 0x90 : 0 });
  }

  /** Zero bytes; at the end of a section they take no room in the image. */
  reserve(size: number): void {
    this.append({ kind: 'reserve', size });
  }

  bytes(bytes: Uint8Array | readonly number[]): void {
    this.append({ kind: 'bytes', bytes: Uint8Array.from(bytes), fixups: [], bits: 0, source: '' });
  }

  u8(...values: readonly number[]): void {
    this.words(1, values);
  }

  u16(...values: readonly (number | SymbolValue)[]): void {
    this.words(2, values);
  }

  u32(...values: readonly (number | SymbolValue)[]): void {
    this.words(4, values);
  }

  u64(...values: readonly (number | bigint | SymbolValue)[]): void {
    this.words(8, values);
  }

  private words(size: 1 | 2 | 4 | 8, values: readonly (number | bigint | SymbolValue)[]): void {
    const bytes = new Uint8Array(size * values.length);
    const fixups = [];
    for (const [index, value] of values.entries()) {
      if (typeof value === 'object') {
        fixups.push({ offset: index * size, size, value: this.qualifiedValue(value), relative: false });
        continue;
      }
      const wide = BigInt(value);
      const limit = 1n << BigInt(size * 8);
      if (wide >= limit || wide < -limit / 2n) throw new Error(`${value} does not fit in ${size * 8} bits, at ${sourceLine()}`);
      for (let byte = 0; byte < size; byte++) bytes[index * size + byte] = Number((wide >> BigInt(8 * byte)) & 0xffn);
    }
    this.append({ kind: 'bytes', bytes, fixups, bits: 0, source: sourceLine() });
  }

  /** Text in UTF-8 with a zero byte after it. */
  asciz(text: string): void {
    this.bytes([...new TextEncoder().encode(text), 0]);
  }

  /** Label of a zero-terminated constant with this text; equal texts share one. */
  literal(text: string): string {
    const known = this.literals.get(text);
    if (known !== undefined) return known;
    const label = `@text${this.literals.size}`;
    this.literals.set(text, label);
    this.section('rodata', () => {
      this.place(label, true);
      this.asciz(text);
    });
    return label;
  }

  /** An initialised 64-bit variable in `data`. */
  variable(name: string, value: number | bigint = 0): void {
    this.section('data', () => {
      this.align(8);
      this.place(name, false);
      this.u64(value);
    });
  }

  /** Zeroed room in `bss`. */
  room(name: string, size: number, alignment = 8): void {
    this.section('bss', () => {
      this.align(alignment);
      this.place(name, false);
      this.reserve(size);
    });
  }

  /** A mark (arch/marks): the multi-byte NOP that an observer recognises. */
  mark(number: number): void {
    this.emit('nop', [mem32(rax, MARK_BASE + number)]);
  }

  /** Any instruction by mnemonic; the typed methods end here. */
  emit(mnemonic: string, operands: readonly Operand[], lock = false): void {
    const qualified = operands.map((operand) => this.qualifiedOperand(operand));
    let encoded: EncodedInstruction;
    try {
      encoded = encodeInstruction(this.codeBits, mnemonic, qualified, lock);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error} (at ${sourceLine()})`);
    }
    this.instruction(encoded, encoded.fixups.length > 0 ? sourceLine() : '');
  }

  emitString(mnemonic: string, rep: boolean): void {
    this.instruction(encodeString(this.codeBits, mnemonic, rep), '');
  }

  /** JMP, CALL or Jcc to a label. */
  branch(mnemonic: string, label: string): void {
    this.append({
      kind: 'branch',
      forms: branchForms(this.codeBits, mnemonic),
      target: this.qualified(label),
      near: mnemonic === 'call',
      source: sourceLine(),
    });
  }

  /** Jumps to selector:offset; loads CS. Only in 16- and 32-bit code. @param offsetBits width of the offset. */
  jmp_far(selector: number, offset: SymbolValue, offsetBits: 16 | 32): void {
    const { bytes, offset: place } = encodeFarJump(this.codeBits, selector, offsetBits);
    const fixup = {
      offset: place,
      size: offsetBits === 16 ? (2 as const) : (4 as const),
      value: this.qualifiedValue(offset),
      relative: false,
    };
    this.instruction({ bytes, fixups: [fixup], code: 0 }, sourceLine());
  }

  protected instruction(encoded: EncodedInstruction, source: SourceLine): void {
    this.append({ kind: 'bytes', bytes: encoded.bytes, fixups: encoded.fixups, bits: this.codeBits, source });
  }

  protected get currentBits(): Bits {
    return this.codeBits;
  }

  private qualifiedValue(value: SymbolValue): SymbolValue {
    return { ...value, symbol: this.qualified(value.symbol), minus: value.minus === undefined ? undefined : this.qualified(value.minus) };
  }

  private qualifiedOperand(operand: Operand): Operand {
    if (typeof operand !== 'object') return operand;
    if (operand.kind === 'symbol') return this.qualifiedValue(operand);
    if (operand.kind === 'memory' && operand.symbol !== undefined) return { ...operand, symbol: this.qualifiedValue(operand.symbol) };
    return operand;
  }

  /**
   * The program at its addresses.
   *
   * Raises: Error for unknown labels, values that do not fit their place, and sections that overlap. An image that starts below 4 GiB must
   * end below 2 GiB, where 32-bit addresses in code hold; above, code names its symbols relative to RIP, and any other use that does not fit
   * is refused.
   */
  assemble({ base, entry = 'start' }: AssembleOptions): Assembled {
    // bss comes last, so that only one segment has room that is not in the image, and nothing lies behind it.
    const sections = [...this.sections.values()];
    const ordered = [...sections.filter((section) => section.name !== 'bss'), ...sections.filter((section) => section.name === 'bss')];
    const layout = layOut(ordered, base, this.labels);
    const segments = segmentsOf(layout);
    const last = segments.at(-1);
    if (last !== undefined && base < 2 ** 32 && last.address + last.memorySize > 2 ** 31) throw new Error('the image reaches above 2 GiB');
    const symbols = new Map<string, number>();
    for (const [label, place] of this.labels) {
      if (!place.hidden && !label.includes('.')) symbols.set(label, layout.resolve(label, 'the symbol table'));
    }
    let listing: readonly ListingLine[] | undefined;
    return {
      image: { entry: layout.resolve(entry, 'the entry point'), segments, symbols },
      symbols,
      get listing() {
        listing ??= listingOf(layout);
        return listing;
      },
    };
  }
}

function push(map: Map<number, string[]>, key: number, text: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [text]);
  else list.push(text);
}
