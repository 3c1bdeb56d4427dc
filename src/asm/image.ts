/** Turns laid-out sections into the segments of a guest image. */
import type { GuestSegment } from '../arch/guestImage.ts';
import { encodeBranch } from './branch.ts';
import type { Fixup } from './encoder.ts';
import type { Layout, PlacedSection } from './layout.ts';
import type { SourceLine } from './sourceLine.ts';
import { formatSymbolValue } from './symbolValue.ts';

/** Contents of a placed section. */
export function sectionBytes({ section, address, addresses }: PlacedSection, layout: Layout): Uint8Array {
  const bytes = new Uint8Array(addresses.at(-1)! - address);
  section.fragments.forEach((fragment, index) => {
    const at = addresses[index]!;
    const next = addresses[index + 1]!;
    switch (fragment.kind) {
      case 'bytes':
        bytes.set(fragment.bytes, at - address);
        for (const fixup of fragment.fixups) patch(bytes, at - address, fixup, fixup.relative ? next : 0, layout, fragment.source);
        break;
      case 'branch':
        bytes.set(encodeBranch(fragment.forms, fragment.near, at, layout.resolve(fragment.target, fragment.source)), at - address);
        break;
      case 'align':
        bytes.fill(fragment.fill, at - address, next - address);
        break;
      case 'reserve':
        break;
    }
  });
  return bytes;
}

function patch(bytes: Uint8Array, start: number, fixup: Fixup, origin: number, layout: Layout, source: SourceLine): void {
  const { symbol, minus, addend } = fixup.value;
  const value = layout.resolve(symbol, source) - (minus === undefined ? 0 : layout.resolve(minus, source)) + addend - origin;
  const bits = fixup.size * 8;
  // Displacements and 64-bit operands' immediates are sign-extended: only their signed range is exact there, but plain 32-bit
  // operands take the unsigned range as well, and an image lies below 2 GiB, where both agree.
  if (value >= 2 ** bits || value < -(2 ** (bits - 1)) || (bits === 32 && fixup.relative && value >= 2 ** 31))
    throw new Error(`${formatSymbolValue(fixup.value)} = ${value} does not fit in ${bits} bits, at ${source}`);
  let rest = BigInt.asUintN(bits, BigInt(value));
  for (let byte = 0; byte < fixup.size; byte++) {
    bytes[start + fixup.offset + byte] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Length of a section's contents without the reserved space at its end. */
function initialisedLength({ section, address, addresses }: PlacedSection): number {
  for (let index = section.fragments.length - 1; index >= 0; index--) {
    const kind = section.fragments[index]!.kind;
    if (kind !== 'reserve' && kind !== 'align') return addresses[index + 1]! - address;
  }
  return 0;
}

/** One segment for each section that is not empty, in ascending order. Raises: Error when two overlap. */
export function segmentsOf(layout: Layout): GuestSegment[] {
  const segments = layout.sections
    .map((placed) => ({
      address: placed.address,
      bytes: sectionBytes(placed, layout).slice(0, initialisedLength(placed)),
      memorySize: placed.addresses.at(-1)! - placed.address,
      name: placed.section.name,
    }))
    .filter((segment) => segment.memorySize > 0)
    .sort((a, b) => a.address - b.address);
  segments.forEach((segment, index) => {
    const before = segments[index - 1];
    if (before !== undefined && before.address + before.memorySize > segment.address)
      throw new Error(`sections ${before.name} and ${segment.name} overlap at 0x${segment.address.toString(16)}`);
  });
  return segments.map(({ address, bytes, memorySize }) => ({ address, bytes, memorySize }));
}
