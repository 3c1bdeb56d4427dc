import {
  MULTIBOOT_ADDRESSES,
  MULTIBOOT_ADDRESSES_END,
  MULTIBOOT_BSS_END_OFFSET,
  MULTIBOOT_CHECKSUM_OFFSET,
  MULTIBOOT_ENTRY_OFFSET,
  MULTIBOOT_FLAGS_OFFSET,
  MULTIBOOT_HEADER_ADDRESS_OFFSET,
  MULTIBOOT_HEADER_BYTES,
  MULTIBOOT_HEADER_MAGIC,
  MULTIBOOT_LOAD_ADDRESS_OFFSET,
  MULTIBOOT_LOAD_END_OFFSET,
  MULTIBOOT_MEMORY_INFO,
  MULTIBOOT_PAGE_ALIGN,
  MULTIBOOT_REQUIRED,
  MULTIBOOT_SEARCH_BYTES,
  MULTIBOOT_VIDEO_MODE,
} from '../arch/multiboot.ts';
import { ImageError } from './imageError.ts';

/** Where a flat image goes: the address fields of the header. Physical addresses. */
export interface FlatImageAddresses {
  readonly header: number;
  readonly load: number;
  /** End of what is loaded; 0: the whole file is. */
  readonly loadEnd: number;
  /** End of what is cleared behind it; 0: nothing is. */
  readonly bssEnd: number;
  readonly entry: number;
}

export interface MultibootHeader {
  /** Offset in the file. */
  readonly offset: number;
  /** Modules must start at page boundaries. */
  readonly alignModules: boolean;
  /** Present: they count, whatever the file's own headers say. */
  readonly addresses: FlatImageAddresses | undefined;
}

/**
 * The Multiboot header of a file, or undefined when it has none.
 * Multiboot: "OS image format", "The magic fields of Multiboot header".
 * @throws ImageError when the header asks for something that is not there.
 */
export function findMultibootHeader(bytes: Uint8Array): MultibootHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, MULTIBOOT_SEARCH_BYTES);
  for (let offset = 0; offset + MULTIBOOT_HEADER_BYTES <= end; offset += 4) {
    if (view.getUint32(offset, true) !== MULTIBOOT_HEADER_MAGIC) continue;
    const flags = view.getUint32(offset + MULTIBOOT_FLAGS_OFFSET, true);
    const checksum = view.getUint32(offset + MULTIBOOT_CHECKSUM_OFFSET, true);
    // The magic number alone may be anything; a header's fields add up to 0.
    if ((MULTIBOOT_HEADER_MAGIC + flags + checksum) >>> 0 !== 0) continue;
    return readHeader(view, offset, flags, end);
  }
  return undefined;
}

function readHeader(view: DataView, offset: number, flags: number, end: number): MultibootHeader {
  if ((flags & MULTIBOOT_VIDEO_MODE) !== 0) throw new ImageError('the Multiboot header asks for a video mode; this machine has none');
  const unknown = flags & MULTIBOOT_REQUIRED & ~(MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO);
  if (unknown !== 0) throw new ImageError(`the Multiboot header requires unknown features, flags 0x${unknown.toString(16)}`);
  const field = (at: number): number => view.getUint32(offset + at, true);
  let addresses: FlatImageAddresses | undefined;
  if ((flags & MULTIBOOT_ADDRESSES) !== 0) {
    if (offset + MULTIBOOT_ADDRESSES_END > end) throw new ImageError('the Multiboot header is cut off');
    addresses = {
      header: field(MULTIBOOT_HEADER_ADDRESS_OFFSET),
      load: field(MULTIBOOT_LOAD_ADDRESS_OFFSET),
      loadEnd: field(MULTIBOOT_LOAD_END_OFFSET),
      bssEnd: field(MULTIBOOT_BSS_END_OFFSET),
      entry: field(MULTIBOOT_ENTRY_OFFSET),
    };
  }
  return { offset, alignModules: (flags & MULTIBOOT_PAGE_ALIGN) !== 0, addresses };
}
