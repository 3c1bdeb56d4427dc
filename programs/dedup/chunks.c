/** Cutting by a rolling hash; a hash table with a mutex for each part of it. */
#include "chunks.h"

#include "../runtime/allocator.h"
#include "../runtime/memory.h"
#include "../runtime/random.h"
#include "../runtime/sync.h"

/** One border in 4096 bytes on average, after CHUNK_LEAST. */
#define BORDER_MASK 0xfff000000ul

enum { BUCKETS = 4096, MUTEXES = 64 };

struct entry {
  struct digest digest;
  struct entry *next;
};

static struct entry **buckets;
static struct mutex mutexes[MUTEXES];
static unsigned long entries;

size_t chunk_length(const uint8_t *data, size_t bytes) {
  size_t most = bytes < CHUNK_MOST ? bytes : CHUNK_MOST;
  uint64_t rolling = 0;
  for (size_t i = 0; i < most; i++) {
    // Each byte is shifted out after 64 others.
    rolling = (rolling << 1) + mix(data[i]);
    if (i + 1 >= CHUNK_LEAST && (rolling & BORDER_MASK) == 0) return i + 1;
  }
  return most;
}

void contents_init(void) {
  buckets = allocate(BUCKETS * sizeof *buckets);
  memset(buckets, 0, BUCKETS * sizeof *buckets);
}

bool contents_enter(const struct digest *digest) {
  uint32_t bucket = digest->words[0] % BUCKETS;
  struct mutex *mutex = &mutexes[bucket % MUTEXES];
  mutex_lock(mutex);
  struct entry *entry = buckets[bucket];
  while (entry != NULL && memcmp(&entry->digest, digest, sizeof *digest) != 0) entry = entry->next;
  bool first = entry == NULL;
  if (first) {
    entry = allocate(sizeof *entry);
    entry->digest = *digest;
    entry->next = buckets[bucket];
    buckets[bucket] = entry;
    __atomic_fetch_add(&entries, 1, __ATOMIC_RELAXED);
  }
  mutex_unlock(mutex);
  return first;
}

unsigned long contents_count(void) { return entries; }
