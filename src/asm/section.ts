/** What a program is made of before it has addresses: sections, and fragments in them. */

import type { BranchForms } from './branch.ts';
import type { Bits, Fixup } from './encoder.ts';
import type { SourceLine } from './sourceLine.ts';

export type Fragment =
  /** An instruction (`bits` is its code size) or data (`bits` is 0). */
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly fixups: readonly Fixup[];
      readonly bits: Bits | 0;
      readonly source: SourceLine;
    }
  /** A branch to a label; `near` is decided by the layout. */
  | { readonly kind: 'branch'; readonly forms: BranchForms; readonly target: string; near: boolean; readonly source: SourceLine }
  | { readonly kind: 'align'; readonly boundary: number; readonly fill: number }
  /** Zeros; they take no room in the image at the end of a segment. */
  | { readonly kind: 'reserve'; readonly size: number };

export interface SectionOptions {
  /** Address of the section; without it, sections follow each other from the base of the image in the order they were opened. */
  readonly address?: number;
  /** Starts on this boundary. Default 16. */
  readonly alignment?: number;
}

export class Section {
  readonly name: string;
  readonly address: number | undefined;
  /** Grows with the alignments asked for inside. */
  alignment: number;
  readonly fragments: Fragment[] = [];
  /** Labels and comments by the index of the fragment they stand before. */
  readonly labels = new Map<number, string[]>();
  readonly comments = new Map<number, string[]>();

  constructor(name: string, options: SectionOptions) {
    this.name = name;
    this.address = options.address;
    this.alignment = options.alignment ?? 16;
  }
}

/** Where a label was put. */
export interface LabelPlace {
  readonly section: Section;
  readonly fragment: number;
  /** Made by the assembler itself for control flow; not a symbol. */
  readonly hidden: boolean;
  readonly source: SourceLine;
}
