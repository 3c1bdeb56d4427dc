/** Computing, looking at memory, getting memory and giving it back, holding locks: what a unit of work is made of. */
#include "actor.h"

#include "../runtime/allocator.h"
#include "../runtime/random.h"
#include "../runtime/sync.h"
#include "../runtime/system.h"
#include "../runtime/text.h"

#define MILLION 1000000ul
#define ARENA_SIZE (1ul << 20)

struct lock {
  _Alignas(CACHE_LINE) struct mutex mutex;
  /** What the mutex guards: changed by each holder, and never torn. */
  uint64_t left, right;
};

static struct lock *locks;
static uint64_t *cold;

static void *must_map(size_t bytes, int protection) {
  void *pages = map_pages(bytes, protection);
  if (is_error(pages)) fail("parsec: no memory for %u bytes", (unsigned long)bytes);
  return pages;
}

static void must(long result, const char *what) {
  if (result != 0) fail("parsec: %s: error %u", what, (unsigned long)-result);
}

void shared_init(const struct profile *profile) {
  // Mappings of anonymous pages are zeros, which is a free mutex.
  locks = must_map(ROUND_UP(profile->locks * sizeof *locks + 1, PAGE_SIZE), PROT_READ | PROT_WRITE);
  if (profile->cold_kilobytes == 0) return;
  cold = must_map(ROUND_UP(profile->cold_kilobytes * 1024, PAGE_SIZE), PROT_READ | PROT_WRITE);
  for (size_t i = 0; i < profile->cold_kilobytes * 1024 / sizeof *cold; i += PAGE_SIZE / sizeof *cold) cold[i] = mix(i);
}

void actor_init(struct actor *actor, const struct profile *profile) {
  actor->profile = profile;
  actor->hot = profile->hot_kilobytes == 0 ? NULL : must_map(ROUND_UP(profile->hot_kilobytes * 1024, PAGE_SIZE), PROT_READ | PROT_WRITE);
  actor->trimmed = profile->trim_pages == 0 ? NULL : must_map(profile->trim_pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
  actor->arena = profile->grow_pages == 0 ? NULL : must_map(ARENA_SIZE, PROT_NONE);
  actor->grown = 0;
  actor->checksum = 0;
}

/** `steps` steps of four instructions, each waiting for the one before. */
static uint64_t compute(uint64_t value, unsigned long steps) {
  for (; steps > 0; steps--) {
    value = value * 6364136223846793005 + 1442695040888963407;
    __asm__ volatile("" : "+r"(value));
  }
  return value;
}

/** How many events there are in a unit: the rate's whole millions, and one more by chance. */
static unsigned long events(uint64_t *random, unsigned long rate) {
  if (rate == 0) return 0;
  return rate / MILLION + (random_below(random, MILLION) < rate % MILLION);
}

/** Every page is written, and holds what was written: nobody else may have been given the same one. */
static void write_pages(char *pages, size_t count, uint64_t value) {
  for (size_t i = 0; i < count; i++) *(volatile uint64_t *)(pages + i * PAGE_SIZE) = value + i;
  for (size_t i = 0; i < count; i++)
    if (*(volatile uint64_t *)(pages + i * PAGE_SIZE) != value + i) fail("parsec: page %u of %u holds what another wrote", i, count);
}

static void must_be_zero(char *pages, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (*(volatile uint64_t *)(pages + i * PAGE_SIZE) != 0) fail("parsec: page %u of %u is not zero", i, count);
}

static void map_and_unmap(const struct profile *profile, uint64_t value) {
  char *pages = must_map(profile->map_pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
  write_pages(pages, profile->map_pages, value);
  must(system_call_3(SYS_MUNMAP, (long)pages, (long)(profile->map_pages * PAGE_SIZE), 0), "munmap");
}

static void use_and_trim(struct actor *actor, uint64_t value) {
  size_t count = actor->profile->trim_pages;
  // One page is looked at before: after the last madvise it must have come back as zeros.
  must_be_zero(actor->trimmed, 1);
  write_pages(actor->trimmed, count, value);
  must(system_call_3(SYS_MADVISE, (long)actor->trimmed, (long)(count * PAGE_SIZE), MADV_DONTNEED), "madvise");
}

static void grow(struct actor *actor, uint64_t value) {
  size_t bytes = actor->profile->grow_pages * PAGE_SIZE;
  if (actor->grown + bytes > ARENA_SIZE) {
    must(system_call_3(SYS_MADVISE, (long)actor->arena, (long)actor->grown, MADV_DONTNEED), "madvise");
    must(system_call_3(SYS_MPROTECT, (long)actor->arena, (long)actor->grown, PROT_NONE), "mprotect");
    actor->grown = 0;
  }
  char *pages = actor->arena + actor->grown;
  must(system_call_3(SYS_MPROTECT, (long)pages, (long)bytes, PROT_READ | PROT_WRITE), "mprotect");
  write_pages(pages, actor->profile->grow_pages, value);
  actor->grown += bytes;
}

static void hold_lock(const struct profile *profile, uint64_t *random) {
  struct lock *lock = &locks[random_below(random, (uint32_t)profile->locks)];
  mutex_lock(&lock->mutex);
  if (lock->left != lock->right) fail("parsec: two threads held a mutex at once");
  lock->left++;
  uint64_t done = compute(lock->left, profile->lock_hold);
  __asm__ volatile("" : : "r"(done));
  lock->right++;
  mutex_unlock(&lock->mutex);
}

/** Computing, with looks at memory spread over it. */
static uint64_t compute_and_touch(struct actor *actor, uint64_t *random, uint64_t value) {
  const struct profile *profile = actor->profile;
  unsigned long touches = profile->hot_touches + profile->cold_touches;
  unsigned long steps = profile->work / (touches + 1);
  for (unsigned long i = 0; i < profile->hot_touches; i++) {
    value = compute(value, steps);
    uint64_t *place = &actor->hot[random_below(random, (uint32_t)(profile->hot_kilobytes * 1024 / sizeof *actor->hot))];
    *(volatile uint64_t *)place = *place + 1;
  }
  for (unsigned long i = 0; i < profile->cold_touches; i++) {
    value = compute(value, steps);
    size_t place = random_below(random, (uint32_t)(profile->cold_kilobytes / 4 + 1)) * (PAGE_SIZE / sizeof *cold);
    if (place >= profile->cold_kilobytes * 1024 / sizeof *cold) place = 0;
    if (((volatile uint64_t *)cold)[place] != mix(place)) fail("parsec: shared memory has changed");
  }
  return compute(value, steps);
}

void actor_work(struct actor *actor, uint64_t seed, unsigned long units) {
  const struct profile *profile = actor->profile;
  uint64_t random = random_start(seed), value = seed;
  for (; units > 0; units--) {
    value = compute_and_touch(actor, &random, value);
    for (unsigned long n = events(&random, profile->lock_rate); n > 0; n--) hold_lock(profile, &random);
    for (unsigned long n = events(&random, profile->map_rate); n > 0; n--) map_and_unmap(profile, value);
    for (unsigned long n = events(&random, profile->trim_rate); n > 0; n--) use_and_trim(actor, value | 1);
    for (unsigned long n = events(&random, profile->grow_rate); n > 0; n--) grow(actor, value);
  }
  actor->checksum += mix(value ^ random);
}
