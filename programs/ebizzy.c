/**
 * ebizzy: threads that search: each request copies a chunk of records into fresh memory, looks for a key in the copy, and releases it.
 *
 * What it does to a kernel: mappings made, faulted in and undone at a high rate by all threads at once, so the mmap lock, page faults and
 * shootdowns. Like the program of that name: chunks in a shared pool, a binary search, and with `mmap=1` (its `-M`) the copy is a mapping of its own
 * every time, with `mmap=0` a block of the allocator (which, from 128 KB on, is a mapping, too).
 *
 * Arguments: threads (0: one for each processor), requests (of each thread), chunks, chunk (bytes), mmap, seed.
 */
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/random.h"
#include "runtime/system.h"
#include "runtime/text.h"
#include "runtime/thread.h"

static unsigned long threads = 0, requests = 1000, chunk_count = 10, chunk_bytes = 65536, mapped = 1, seed = 1;
/** Chunk c holds the multiples of c + 3, in ascending order. */
static uint64_t **chunks;
static uint64_t checksum;

static unsigned long records(void) { return chunk_bytes / sizeof(uint64_t); }

static uint64_t *get_copy(const uint64_t *chunk) {
  uint64_t *copy = mapped ? map_pages(ROUND_UP(chunk_bytes, PAGE_SIZE), PROT_READ | PROT_WRITE) : allocate(chunk_bytes);
  if (is_error(copy)) fail("ebizzy: no memory for a copy");
  memcpy(copy, chunk, chunk_bytes);
  return copy;
}

static void drop_copy(uint64_t *copy) {
  if (!mapped) release(copy);
  else if (system_call_3(SYS_MUNMAP, (long)copy, (long)ROUND_UP(chunk_bytes, PAGE_SIZE), 0) != 0) fail("ebizzy: munmap");
}

/** The place of the key, or the number of records when it is not there. */
static unsigned long search(const uint64_t *chunk, uint64_t key) {
  unsigned long low = 0, high = records();
  while (low < high) {
    unsigned long middle = (low + high) / 2;
    if (chunk[middle] == key) return middle;
    if (chunk[middle] < key) low = middle + 1;
    else high = middle;
  }
  return records();
}

static void work(void *number) {
  uint64_t random = random_start(seed * 1000003 + (uint64_t)number), sum = 0;
  for (unsigned long i = 0; i < requests; i++) {
    uint32_t which = random_below(&random, (uint32_t)chunk_count);
    uint64_t step = which + 3, key = random_below(&random, (uint32_t)(records() * step));
    uint64_t *copy = get_copy(chunks[which]);
    unsigned long place = search(copy, key);
    if (place != (key % step == 0 ? key / step : records())) fail("ebizzy: a search went wrong");
    sum += mix((uint64_t)which << 32 ^ place);
    drop_copy(copy);
  }
  __atomic_fetch_add(&checksum, sum, __ATOMIC_RELAXED);
}

int program(int count, char **arguments) {
  const struct argument known[] = {
      {"threads", &threads, 0, 64},          {"requests", &requests, 1, 1000000000}, {"chunks", &chunk_count, 1, 4096},
      {"chunk", &chunk_bytes, 64, 64 << 20}, {"mmap", &mapped, 0, 1},                {"seed", &seed, 0, ~0ul >> 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  if (threads == 0) threads = processors();
  chunks = allocate(chunk_count * sizeof *chunks);
  for (unsigned long c = 0; c < chunk_count; c++) {
    chunks[c] = allocate(chunk_bytes);
    for (unsigned long i = 0; i < records(); i++) chunks[c][i] = i * (c + 3);
  }

  MARK(MARK_ROI_BEGIN);
  uint64_t begin = cycles();
  run_threads(threads, work);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);

  mark_figure(0, end - begin);
  mark_figure(1, threads * requests);
  mark_figure(2, checksum);
  print_line("ebizzy: %u requests in %u cycles", threads * requests, end - begin);
  print_line("checksum: %x", checksum);
  return 0;
}
