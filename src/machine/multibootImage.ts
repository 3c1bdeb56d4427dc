import type { GuestImage } from '../arch/guestImage.ts';
import { isElf, loadElfOfEitherClass } from './elf.ts';
import { ImageError } from './imageError.ts';
import type { FlatImageAddresses, MultibootHeader } from './multibootHeader.ts';

const hex = (address: number): string => `0x${address.toString(16)}`;

/**
 * The image in a file with a Multiboot header: where the header has addresses, as they say; else as the file's ELF headers say.
 * Multiboot: "The address fields of Multiboot header".
 * @throws ImageError when neither makes sense.
 */
export function loadMultibootImage(bytes: Uint8Array, header: MultibootHeader): GuestImage {
  if (header.addresses !== undefined) return flatImage(bytes, header.offset, header.addresses);
  if (!isElf(bytes)) throw new ImageError('the Multiboot header has no addresses, and the file is not an ELF file');
  return loadElfOfEitherClass(bytes);
}

function flatImage(bytes: Uint8Array, offset: number, { header, load, loadEnd, bssEnd, entry }: FlatImageAddresses): GuestImage {
  if (load > header) throw new ImageError(`Multiboot load address ${hex(load)} is above the header's ${hex(header)}`);
  const start = offset - (header - load);
  if (start < 0) throw new ImageError(`Multiboot load address ${hex(load)} lies before the start of the file`);
  const end = loadEnd === 0 ? load + bytes.length - start : loadEnd;
  if (end <= header) throw new ImageError(`Multiboot load end ${hex(end)} is not above the header's ${hex(header)}`);
  if (start + end - load > bytes.length) throw new ImageError(`Multiboot load end ${hex(end)} lies beyond the end of the file`);
  if (bssEnd !== 0 && bssEnd < end) throw new ImageError(`Multiboot bss end ${hex(bssEnd)} is below the load end ${hex(end)}`);
  const memorySize = Math.max(end, bssEnd) - load;
  if (entry < load || entry >= load + memorySize) throw new ImageError(`Multiboot entry ${hex(entry)} lies outside the image`);
  return { entry, segments: [{ address: load, bytes: bytes.subarray(start, start + end - load), memorySize }], symbols: new Map() };
}
