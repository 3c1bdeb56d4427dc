import type { GuestSegment } from '../arch/guestImage.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { ImageError } from './imageError.ts';

/** @throws ImageError when a segment lies beyond `size` bytes of RAM. */
export function checkSegments(segments: readonly GuestSegment[], size: number): void {
  for (const { address, memorySize } of segments) {
    if (address + memorySize <= size) continue;
    throw new ImageError(`a segment at 0x${address.toString(16)} of ${memorySize} bytes lies outside the ${size} bytes of memory`);
  }
}

/**
 * The segments are in the guest's memory; what their bytes do not cover is zero.
 * @param base host-physical address of the guest's physical address 0.
 * @param size bytes of RAM the guest has.
 * @throws ImageError when one does not fit.
 */
export function loadSegments(memory: PhysicalMemory, base: number, segments: readonly GuestSegment[], size: number): void {
  checkSegments(segments, size);
  for (const { address, bytes, memorySize } of segments) {
    memory.clear(base + address, memorySize);
    memory.write(base + address, bytes);
  }
}
