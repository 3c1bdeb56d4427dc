/** The listing of an assembled program: addresses, bytes, text, with labels and comments in their places. */
import type { Fixup } from './encoder.ts';
import { formatInstruction } from './formatter.ts';
import { sectionBytes } from './image.ts';
import type { Layout } from './layout.ts';
import type { Fragment } from './section.ts';
import { formatSymbolValue } from './symbolValue.ts';

export interface ListingLine {
  readonly address: number;
  /** Empty for lines that are a label or a comment, and for reserved space. */
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly kind: 'section' | 'label' | 'comment' | 'instruction' | 'data';
}

export function listingOf(layout: Layout): ListingLine[] {
  const lines: ListingLine[] = [];
  const none = new Uint8Array();
  for (const placed of layout.sections) {
    const { section, address, addresses } = placed;
    lines.push({ address, bytes: none, text: section.name, kind: 'section' });
    const contents = sectionBytes(placed, layout);
    for (let index = 0; index <= section.fragments.length; index++) {
      const at = addresses[index]!;
      for (const text of section.labels.get(index) ?? []) lines.push({ address: at, bytes: none, text, kind: 'label' });
      for (const text of section.comments.get(index) ?? []) lines.push({ address: at, bytes: none, text, kind: 'comment' });
      const fragment = section.fragments[index];
      if (fragment === undefined) continue;
      const bytes = contents.subarray(at - address, addresses[index + 1]! - address);
      if (fragment.kind === 'reserve') {
        lines.push({ address: at, bytes: none, text: `reserve ${fragment.size}`, kind: 'data' });
      } else if (fragment.kind === 'align') {
        if (bytes.length > 0) lines.push({ address: at, bytes: none, text: `align ${fragment.boundary}`, kind: 'data' });
      } else {
        lines.push({ address: at, bytes, ...describe(fragment, bytes, at) });
      }
    }
  }
  return lines;
}

function describe(
  fragment: Extract<Fragment, { kind: 'bytes' | 'branch' }>,
  bytes: Uint8Array,
  address: number,
): Pick<ListingLine, 'text' | 'kind'> {
  if (fragment.kind === 'branch') {
    return { text: `${formatInstruction(fragment.forms.bits, bytes, address)}  ; ${fragment.target}`, kind: 'instruction' };
  }
  const symbols = fragment.fixups.map((fixup: Fixup) => formatSymbolValue(fixup.value)).join(', ');
  const note = symbols === '' ? '' : `  ; ${symbols}`;
  if (fragment.bits === 0) return { text: `data ${bytes.length}${note}`, kind: 'data' };
  return { text: formatInstruction(fragment.bits, bytes, address) + note, kind: 'instruction' };
}

/** As text: label at the margin, one instruction per line, long data cut to its first 16 bytes. */
export function formatListing(lines: readonly ListingLine[]): string {
  return lines
    .map((line) => {
      if (line.kind === 'section') return `\nsection ${line.text}`;
      if (line.kind === 'label') return `${line.text}:`;
      if (line.kind === 'comment') return `                                            ; ${line.text}`;
      const shown = [...line.bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const bytes = line.bytes.length > 16 ? `${shown}…` : shown;
      return `  ${line.address.toString(16).padStart(8, '0')}  ${bytes.padEnd(30)}  ${line.text}`;
    })
    .join('\n');
}
