/** Gives every fragment an address, and every branch its length. */
import type { Fragment, LabelPlace, Section } from './section.ts';
import type { SourceLine } from './sourceLine.ts';

export interface PlacedSection {
  readonly section: Section;
  readonly address: number;
  /** Address of each fragment, and of the end. */
  readonly addresses: Float64Array;
}

export interface Layout {
  readonly sections: readonly PlacedSection[];
  /** Address of a label. Raises: Error when there is no such label; `source` says who asks. */
  resolve(label: string, source: SourceLine): number;
}

const alignUp = (address: number, boundary: number): number => Math.ceil(address / boundary) * boundary;

function fragmentLength(fragment: Fragment, address: number): number {
  switch (fragment.kind) {
    case 'bytes':
      return fragment.bytes.length;
    case 'branch':
      return fragment.near ? fragment.forms.nearLength : fragment.forms.shortLength;
    case 'align':
      return alignUp(address, fragment.boundary) - address;
    case 'reserve':
      return fragment.size;
  }
}

function place(sections: readonly Section[], base: number): PlacedSection[] {
  let next = base;
  return sections.map((section) => {
    const address = section.address ?? alignUp(next, section.alignment);
    const addresses = new Float64Array(section.fragments.length + 1);
    let at = address;
    section.fragments.forEach((fragment, index) => {
      addresses[index] = at;
      at += fragmentLength(fragment, at);
    });
    addresses[section.fragments.length] = at;
    if (section.address === undefined) next = at;
    return { section, address, addresses };
  });
}

/**
 * Places the sections. Every branch starts short and grows when its label is out of reach, until nothing grows any more; a branch
 * never shrinks, so this ends.
 */
export function layOut(sections: readonly Section[], base: number, labels: ReadonlyMap<string, LabelPlace>): Layout {
  for (;;) {
    const placed = place(sections, base);
    const bySection = new Map(placed.map((one) => [one.section, one]));
    const resolve = (label: string, source: SourceLine): number => {
      const found = labels.get(label);
      if (found === undefined) throw new Error(`unknown label '${label}', used at ${source}`);
      return bySection.get(found.section)!.addresses[found.fragment]!;
    };
    let grown = false;
    for (const { section, addresses } of placed) {
      section.fragments.forEach((fragment, index) => {
        if (fragment.kind !== 'branch' || fragment.near) return;
        const distance = resolve(fragment.target, fragment.source) - addresses[index + 1]!;
        if (distance >= -128 && distance <= 127) return;
        fragment.near = true;
        grown = true;
      });
    }
    if (!grown) return { sections: placed, resolve };
  }
}
