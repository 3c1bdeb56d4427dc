/**
 * Memory by the byte, got from the kernel and given back to it the way glibc's threads do it, since that is where the shootdowns of
 * real programs come from: an arena for each thread in a reserved region that grows by mprotect and shrinks by madvise; large blocks
 * by mmap and munmap. Any thread may release what another has allocated.
 */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#include "types.h"

/** `bytes` bytes at a multiple of 16, not cleared. Ends the program when there are none. */
void *allocate(size_t bytes);
/** NULL is nothing to release. */
void release(void *memory);
/** The same contents in a block of `bytes` bytes, which may lie elsewhere. */
void *resize(void *memory, size_t bytes);

/** The calling thread ends; its arena goes to the next thread that has none. */
void arena_leave(void);

/** How often memory was asked from the kernel and given back, by all threads. */
struct allocator_counts {
  unsigned long mmaps;
  unsigned long munmaps;
  unsigned long grown;
  unsigned long trimmed;
};
extern struct allocator_counts allocator_counts;

#endif
