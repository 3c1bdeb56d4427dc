/**
 * Boundary tags: each chunk of an arena starts with a header that holds its size and whether the chunk before it is in use; a free one
 * also writes its size where the next chunk can see it, so that neighbours find each other and join. Free chunks hang in bins by size.
 * What lies above the last chunk is the top; it grows and shrinks.
 *
 * Thresholds are glibc's defaults (malloc.c, arena.c), without their dynamic adjustment.
 */
#include "allocator.h"

#include "memory.h"
#include "sync.h"
#include "system.h"
#include "text.h"
#include "thread.h"

/** M_MMAP_THRESHOLD: blocks from here on are mappings of their own. */
#define MMAP_THRESHOLD (128 * 1024ul)
/** M_TRIM_THRESHOLD: a top as large as this is cut, down to M_TOP_PAD … */
#define TRIM_THRESHOLD (128 * 1024ul)
#define TOP_PAD (128 * 1024ul)
/** … when a chunk that has just become free is, with its neighbours, at least FASTBIN_CONSOLIDATION_THRESHOLD. */
#define CONSOLIDATION_THRESHOLD (64 * 1024ul)
/** HEAP_MAX_SIZE. A heap lies at a multiple of its size, so that a chunk's address leads to its arena. */
#define HEAP_SIZE (64ul << 20)

#define ALIGNMENT 16ul
#define BEFORE_USED 1ul
#define MAPPED 2ul
#define FLAGS 15ul

struct chunk {
  /** Size of the chunk before, if that is free; of a mapped chunk, bytes of the mapping below it. */
  size_t before;
  size_t size;
  /** Only while it is free. */
  struct chunk *next;
  struct chunk *previous;
};
#define HEADER 16ul
#define LEAST_CHUNK sizeof(struct chunk)

/** 64 bins of one size each, then four for each doubling. */
enum { EXACT_BINS = 64, BINS = 128 };

struct arena {
  struct mutex mutex;
  /** The top, and the end of what may be used; up to `writable` mprotect has been called before. */
  struct chunk *top;
  char *end;
  char *writable;
  struct arena *next_free;
  uint64_t filled[BINS / 64];
  struct chunk bins[BINS];
};

struct allocator_counts allocator_counts;
static struct mutex arenas_mutex;
static struct arena *free_arenas;

#define COUNT(what) __atomic_fetch_add(&allocator_counts.what, 1, __ATOMIC_RELAXED)

static inline size_t size_of(const struct chunk *chunk) { return chunk->size & ~FLAGS; }
static inline struct chunk *at_offset(struct chunk *chunk, size_t offset) { return (struct chunk *)((char *)chunk + offset); }
static inline void *memory_of(struct chunk *chunk) { return (char *)chunk + HEADER; }
static inline struct chunk *chunk_of(void *memory) { return (struct chunk *)((char *)memory - HEADER); }
static inline struct arena *arena_of(struct chunk *chunk) { return (struct arena *)ROUND_DOWN((uintptr_t)chunk, HEAP_SIZE); }

static inline int bin_of(size_t size) {
  size_t units = size / ALIGNMENT;
  if (units < EXACT_BINS) return (int)units;
  int doubling = 63 - __builtin_clzl(units);
  int bin = EXACT_BINS + (doubling - 6) * 4 + (int)(units >> (doubling - 2) & 3);
  return bin < BINS ? bin : BINS - 1;
}

static void bin_add(struct arena *arena, struct chunk *chunk) {
  int bin = bin_of(size_of(chunk));
  struct chunk *head = &arena->bins[bin];
  chunk->next = head->next;
  chunk->previous = head;
  head->next->previous = chunk;
  head->next = chunk;
  arena->filled[bin / 64] |= 1ul << bin % 64;
}

static void bin_remove(struct arena *arena, struct chunk *chunk) {
  chunk->next->previous = chunk->previous;
  chunk->previous->next = chunk->next;
  if (chunk->next != chunk->previous) return;
  // The bin's head is left, and maybe one other.
  int bin = bin_of(size_of(chunk));
  if (arena->bins[bin].next == &arena->bins[bin]) arena->filled[bin / 64] &= ~(1ul << bin % 64);
}

/** A region of HEAP_SIZE at a multiple of it: twice as much is reserved, and what sticks out is given back. */
static struct arena *arena_create(void) {
  char *region = map_pages(2 * HEAP_SIZE, PROT_NONE);
  if (is_error(region)) fail("no address space for an arena");
  char *start = (char *)ROUND_UP((uintptr_t)region, HEAP_SIZE);
  if (start > region) system_call_3(SYS_MUNMAP, (long)region, start - region, 0);
  if (start < region + HEAP_SIZE) system_call_3(SYS_MUNMAP, (long)(start + HEAP_SIZE), region + HEAP_SIZE - start, 0);
  size_t first = ROUND_UP(sizeof(struct arena), PAGE_SIZE);
  if (system_call_3(SYS_MPROTECT, (long)start, (long)first, PROT_READ | PROT_WRITE) != 0) fail("no memory for an arena");
  struct arena *arena = (struct arena *)start;
  memset(arena, 0, sizeof *arena);
  for (int bin = 0; bin < BINS; bin++) arena->bins[bin].next = arena->bins[bin].previous = &arena->bins[bin];
  arena->top = (struct chunk *)ROUND_UP((uintptr_t)(arena + 1), ALIGNMENT);
  arena->end = arena->writable = start + first;
  arena->top->size = (size_t)(arena->end - (char *)arena->top) | BEFORE_USED;
  return arena;
}

static struct arena *my_arena(void) {
  struct thread *self = this_thread();
  if (self->arena != NULL) return self->arena;
  mutex_lock(&arenas_mutex);
  struct arena *arena = free_arenas;
  if (arena != NULL) free_arenas = arena->next_free;
  mutex_unlock(&arenas_mutex);
  return self->arena = arena != NULL ? arena : arena_create();
}

void arena_leave(void) {
  struct arena *arena = this_thread()->arena;
  if (arena == NULL) return;
  mutex_lock(&arenas_mutex);
  arena->next_free = free_arenas;
  free_arenas = arena;
  mutex_unlock(&arenas_mutex);
}

/** The top has at least `size` bytes and a header's more; false when the heap is full. Growth is exact, in whole pages, as grow_heap's is. */
static bool top_grow(struct arena *arena, size_t size) {
  size_t wanted = ROUND_UP(size + LEAST_CHUNK - size_of(arena->top), PAGE_SIZE);
  char *end = arena->end + wanted;
  if (end > (char *)arena + HEAP_SIZE) return false;
  if (end > arena->writable) {
    if (system_call_3(SYS_MPROTECT, (long)arena->writable, end - arena->writable, PROT_READ | PROT_WRITE) != 0) fail("no memory");
    COUNT(grown);
    arena->writable = end;
  }
  arena->end = end;
  arena->top->size += wanted;
  return true;
}

/** What the top has beyond TOP_PAD goes back to the kernel; it stays writable, and comes back as zeros when it is touched. */
static void top_trim(struct arena *arena) {
  size_t top = size_of(arena->top);
  if (top < TRIM_THRESHOLD || top <= LEAST_CHUNK + TOP_PAD) return;
  size_t extra = ROUND_DOWN(top - LEAST_CHUNK - 1 - TOP_PAD, PAGE_SIZE);
  if (extra == 0) return;
  arena->end -= extra;
  arena->top->size -= extra;
  system_call_3(SYS_MADVISE, (long)arena->end, (long)extra, MADV_DONTNEED);
  COUNT(trimmed);
}

/** A chunk of at least `size` bytes from the bins, or NULL. */
static struct chunk *take_from_bins(struct arena *arena, size_t size) {
  int first = bin_of(size);
  // Chunks of a bin for several sizes may be too small; those of a later bin are not.
  for (struct chunk *chunk = arena->bins[first].next; chunk != &arena->bins[first]; chunk = chunk->next)
    if (size_of(chunk) >= size) return chunk;
  for (int word = (first + 1) / 64; word < BINS / 64; word++) {
    uint64_t filled = arena->filled[word];
    if (word == (first + 1) / 64) filled &= ~0ul << (first + 1) % 64;
    if (filled != 0) return arena->bins[word * 64 + __builtin_ctzl(filled)].next;
  }
  return NULL;
}

/** `chunk`, out of its bin, is in use with `size` bytes; what is left over becomes a free chunk. */
static void use(struct arena *arena, struct chunk *chunk, size_t size) {
  size_t whole = size_of(chunk);
  bin_remove(arena, chunk);
  if (whole - size >= LEAST_CHUNK) {
    struct chunk *rest = at_offset(chunk, size);
    rest->size = (whole - size) | BEFORE_USED;
    at_offset(chunk, whole)->before = whole - size;
    bin_add(arena, rest);
    chunk->size = size | (chunk->size & FLAGS);
  } else {
    at_offset(chunk, whole)->size |= BEFORE_USED;
  }
}

static void *allocate_mapped(size_t bytes) {
  size_t whole = ROUND_UP(bytes + HEADER, PAGE_SIZE);
  struct chunk *chunk = map_pages(whole, PROT_READ | PROT_WRITE);
  if (is_error(chunk)) fail("no memory for %u bytes", (unsigned long)bytes);
  COUNT(mmaps);
  chunk->before = 0;
  chunk->size = whole | MAPPED;
  return memory_of(chunk);
}

void *allocate(size_t bytes) {
  size_t size = ROUND_UP(bytes + HEADER, ALIGNMENT);
  if (size < LEAST_CHUNK) size = LEAST_CHUNK;
  if (size >= MMAP_THRESHOLD) return allocate_mapped(bytes);
  struct arena *arena = my_arena();
  mutex_lock(&arena->mutex);
  struct chunk *chunk = take_from_bins(arena, size);
  if (chunk != NULL) {
    use(arena, chunk, size);
  } else if (size_of(arena->top) >= size + LEAST_CHUNK || top_grow(arena, size)) {
    chunk = arena->top;
    arena->top = at_offset(chunk, size);
    arena->top->size = (size_of(chunk) - size) | BEFORE_USED;
    chunk->size = size | (chunk->size & FLAGS);
  }
  mutex_unlock(&arena->mutex);
  return chunk != NULL ? memory_of(chunk) : allocate_mapped(bytes);
}

void release(void *memory) {
  if (memory == NULL) return;
  struct chunk *chunk = chunk_of(memory);
  if (chunk->size & MAPPED) {
    system_call_3(SYS_MUNMAP, (long)chunk, (long)size_of(chunk), 0);
    COUNT(munmaps);
    return;
  }
  struct arena *arena = arena_of(chunk);
  mutex_lock(&arena->mutex);
  size_t size = size_of(chunk);
  if (!(chunk->size & BEFORE_USED)) {
    size += chunk->before;
    chunk = at_offset(chunk, -chunk->before);
    bin_remove(arena, chunk);
  }
  struct chunk *next = at_offset(chunk, size);
  if (next == arena->top) {
    size += size_of(next);
    chunk->size = size | BEFORE_USED;
    arena->top = chunk;
  } else {
    if (!(at_offset(next, size_of(next))->size & BEFORE_USED)) {
      size += size_of(next);
      bin_remove(arena, next);
    }
    // Two free chunks never lie side by side: what is before this one is in use.
    chunk->size = size | BEFORE_USED;
    next = at_offset(chunk, size);
    next->before = size;
    next->size &= ~BEFORE_USED;
    bin_add(arena, chunk);
  }
  if (size >= CONSOLIDATION_THRESHOLD) top_trim(arena);
  mutex_unlock(&arena->mutex);
}

void *resize(void *memory, size_t bytes) {
  if (memory == NULL) return allocate(bytes);
  size_t room = size_of(chunk_of(memory)) - HEADER;
  if (bytes <= room && bytes >= room / 2) return memory;
  void *copy = allocate(bytes);
  memcpy(copy, memory, bytes < room ? bytes : room);
  release(memory);
  return copy;
}
