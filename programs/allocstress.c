/**
 * allocstress: threads allocate, fill, hand over, check and release blocks of all sizes.
 *
 * Each thread makes `rounds` blocks. A block is filled with a pattern that follows from its owner and number; it is put into one of the
 * shared slots, and whatever lay there is taken out, checked and released, mostly in another thread than the one that made it. Some are
 * resized on the way. The checksum is a sum over all blocks, so that it does not depend on who checked which.
 *
 * Arguments: threads (0: one for each processor), rounds (of each thread), slots (shared, of all threads), most (bytes of the largest block), seed.
 */
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/random.h"
#include "runtime/text.h"
#include "runtime/thread.h"

struct block {
  uint64_t seed;
  size_t words;
  uint64_t content[];
};

static unsigned long threads = 0, rounds = 2000, slot_count = 256, most = 300000, seed = 1;
static struct block **slots;
static uint64_t checksum;
static unsigned long bytes_made;

/** Sizes are spread evenly over their magnitudes: many small blocks, few large ones. */
static size_t random_size(uint64_t *random) {
  uint32_t largest = (uint32_t)most;
  uint32_t limit = largest >> random_below(random, (uint32_t)(31 - __builtin_clz(largest)) - 3);
  return sizeof(struct block) + random_below(random, limit);
}

static void fill(struct block *block) {
  for (size_t i = 0; i < block->words; i++) block->content[i] = mix(block->seed + i);
}

/** A number that follows from the contents. */
static uint64_t check(const struct block *block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < block->words; i++) {
    if (block->content[i] != mix(block->seed + i)) fail("allocstress: word %u of a block of %u is wrong", i, block->words);
    sum = sum * 31 + block->content[i];
  }
  return mix(sum ^ block->seed);
}

static struct block *make(uint64_t *random) {
  size_t size = random_size(random);
  struct block *block = allocate(size);
  block->seed = random_next(random);
  block->words = (size - sizeof *block) / sizeof block->content[0];
  fill(block);
  if (random_below(random, 8) == 0) {
    size_t words = block->words / (1 + random_below(random, 3)) + random_below(random, 64);
    size_t kept = words < block->words ? words : block->words;
    block = resize(block, sizeof *block + words * sizeof block->content[0]);
    block->words = kept;
    check(block);
    block->words = words;
    fill(block);
  }
  return block;
}

static void work(void *number) {
  uint64_t random = random_start(seed * 1000003 + (uint64_t)number);
  uint64_t sum = 0;
  unsigned long bytes = 0;
  for (unsigned long i = 0; i < rounds; i++) {
    struct block *block = make(&random);
    bytes += block->words * sizeof block->content[0];
    struct block **slot = &slots[random_below(&random, (uint32_t)slot_count)];
    struct block *old = __atomic_exchange_n(slot, block, __ATOMIC_ACQ_REL);
    if (old == NULL) continue;
    sum += check(old);
    release(old);
  }
  __atomic_fetch_add(&checksum, sum, __ATOMIC_RELAXED);
  __atomic_fetch_add(&bytes_made, bytes, __ATOMIC_RELAXED);
}

int program(int count, char **arguments) {
  const struct argument known[] = {
      {"threads", &threads, 0, 64},     {"rounds", &rounds, 1, 1000000000}, {"slots", &slot_count, 1, 65536},
      {"most", &most, 1024, 64 << 20}, {"seed", &seed, 0, ~0ul >> 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  if (threads == 0) threads = processors();
  slots = allocate(slot_count * sizeof *slots);
  memset(slots, 0, slot_count * sizeof *slots);

  MARK(MARK_ROI_BEGIN);
  uint64_t start = cycles();
  run_threads(threads, work);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);

  for (unsigned long i = 0; i < slot_count; i++) {
    if (slots[i] == NULL) continue;
    checksum += check(slots[i]);
    release(slots[i]);
  }
  release(slots);
  mark_figure(0, end - start);
  mark_figure(1, checksum);
  print_line("allocstress: %u threads, %u blocks, %u bytes", threads, threads * rounds, bytes_made);
  print_line("checksum: %x", checksum);
  return 0;
}
