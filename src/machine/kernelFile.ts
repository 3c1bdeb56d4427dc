import type { GuestImage } from '../arch/guestImage.ts';
import { isElf, loadElf } from './elf.ts';
import { ImageError } from './imageError.ts';
import { findMultibootHeader } from './multibootHeader.ts';
import { loadMultibootImage } from './multibootImage.ts';

/** How a kernel wants to be entered: in 64-bit mode (arch/platform, "Direct entry"), or as Multiboot says. */
export type BootProtocol = 'direct' | 'multiboot';

export interface KernelFile {
  readonly image: GuestImage;
  readonly protocol: BootProtocol;
}

/**
 * The kernel in a file: a Multiboot 1 image when it has such a header, else a static ELF64 executable.
 * @throws ImageError when it is neither, or unsound.
 */
export function readKernelFile(bytes: Uint8Array): KernelFile {
  const header = findMultibootHeader(bytes);
  if (header !== undefined) return { image: loadMultibootImage(bytes, header), protocol: 'multiboot' };
  if (!isElf(bytes)) throw new ImageError('not an ELF file, nor a Multiboot image');
  return { image: loadElf(bytes), protocol: 'direct' };
}
