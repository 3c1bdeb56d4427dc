/**
 * parsec: one program that behaves like any of a suite, by a profile: how much it computes between looks at memory, how large that is,
 * how often and how much it maps and gives back, how it locks, meets and hands over. The profiles are in src/kernels/workloads/parsecProfiles.ts.
 *
 * What is computed follows from the profile and the seed alone, and so does the checksum: not from who was faster. Contents of memory and
 * of what mutexes guard are checked on the way.
 *
 * Arguments: the fields of `struct profile`, spelled with hyphens. No threads is one for each processor.
 */
#include "parsec/actor.h"
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/queue.h"
#include "runtime/random.h"
#include "runtime/sync.h"
#include "runtime/text.h"
#include "runtime/thread.h"

enum { MOST_STAGES = 4 };

static struct profile profile = {.units = 1000, .work = 1000, .locks = 1, .item_units = 1, .seed = 1};
static struct actor *actors;
static struct barrier start, meeting;
static struct queue queues[MOST_STAGES + 1];

/** All threads are there, with their memory, before the first works. */
static void actor_begin(struct actor *actor, unsigned long threads) {
  actor_init(actor, &profile);
  barrier_wait(&start, (int)threads);
  actor->begin = cycles();
}

static void share(void *argument) {
  unsigned long number = (unsigned long)argument, round = 0;
  struct actor *actor = &actors[number];
  actor_begin(actor, profile.threads);
  unsigned long each = profile.barrier_units == 0 ? profile.units : profile.barrier_units;
  for (unsigned long left = profile.units; left > 0; round++) {
    unsigned long some = left < each ? left : each;
    actor_work(actor, mix(profile.seed) + mix(number << 32 | round), some);
    left -= some;
    if (profile.barrier_units > 0) barrier_wait(&meeting, (int)profile.threads);
  }
  actor->end = cycles();
}

struct item {
  unsigned long number;
};

static unsigned long item_count(void) {
  unsigned long all = profile.threads * profile.units, each = profile.stages * profile.item_units;
  return (all + each - 1) / each;
}

static void pipeline(void *argument) {
  unsigned long number = (unsigned long)argument;
  struct actor *actor = &actors[number];
  actor_begin(actor, 2 + profile.stages * profile.threads);
  if (number == 0) {
    for (unsigned long i = 0, count = item_count(); i < count; i++) {
      struct item *item = allocate(sizeof *item);
      item->number = i;
      queue_put(&queues[0], item);
    }
    queue_close(&queues[0]);
  } else if (number == 1) {
    for (struct item *item; (item = queue_take(&queues[profile.stages])) != NULL; release(item)) actor->checksum += mix(item->number);
  } else {
    unsigned long stage = (number - 2) / profile.threads;
    for (struct item *item; (item = queue_take(&queues[stage])) != NULL; queue_put(&queues[stage + 1], item))
      actor_work(actor, mix(profile.seed) + mix(item->number << 8 | stage), profile.item_units);
    queue_close(&queues[stage + 1]);
  }
  actor->end = cycles();
}

static void report(unsigned long threads, uint64_t elapsed) {
  uint64_t sum = 0, checksum = 0, most = 0, least = ~0ul;
  for (unsigned long i = 0; i < threads; i++) {
    uint64_t took = actors[i].end - actors[i].begin;
    checksum += actors[i].checksum;
    sum += took;
    if (took > most) most = took;
    if (took < least) least = took;
  }
  mark_figure(0, elapsed);
  mark_figure(1, least);
  mark_figure(2, sum / threads);
  mark_figure(3, most);
  mark_figure(4, checksum);
  print_line("cycles: %u; of each thread from %u to %u, mean %u", elapsed, least, most, sum / threads);
  print_line("checksum: %x", checksum);
}

int program(int count, char **arguments) {
  const unsigned long many = 1000000000, memory = 1 << 22;
  const struct argument known[] = {
      {"threads", &profile.threads, 0, 64},
      {"units", &profile.units, 1, many},
      {"work", &profile.work, 0, many},
      {"hot-kilobytes", &profile.hot_kilobytes, 0, memory},
      {"hot-touches", &profile.hot_touches, 0, many},
      {"cold-kilobytes", &profile.cold_kilobytes, 0, memory},
      {"cold-touches", &profile.cold_touches, 0, many},
      {"map-rate", &profile.map_rate, 0, many},
      {"map-pages", &profile.map_pages, 0, 1 << 16},
      {"trim-rate", &profile.trim_rate, 0, many},
      {"trim-pages", &profile.trim_pages, 0, 1 << 16},
      {"grow-rate", &profile.grow_rate, 0, many},
      {"grow-pages", &profile.grow_pages, 0, 256},
      {"lock-rate", &profile.lock_rate, 0, many},
      {"lock-hold", &profile.lock_hold, 0, many},
      {"locks", &profile.locks, 1, 1 << 16},
      {"barrier-units", &profile.barrier_units, 0, many},
      {"stages", &profile.stages, 0, MOST_STAGES},
      {"item-units", &profile.item_units, 1, many},
      {"seed", &profile.seed, 0, ~0ul >> 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  if (profile.threads == 0) profile.threads = processors();
  if ((profile.hot_touches > 0 && profile.hot_kilobytes == 0) || (profile.cold_touches > 0 && profile.cold_kilobytes == 0) ||
      (profile.map_rate > 0 && profile.map_pages == 0) || (profile.trim_rate > 0 && profile.trim_pages == 0) ||
      (profile.grow_rate > 0 && profile.grow_pages == 0))
    fail("parsec: something is done at a rate, and has no size");

  bool staged = profile.stages > 0;
  unsigned long threads = staged ? 2 + profile.stages * profile.threads : profile.threads;
  shared_init(&profile);
  actors = allocate(threads * sizeof *actors);
  for (unsigned long i = 0; i <= profile.stages; i++) queue_init(&queues[i], i == 0 ? 1 : (int)profile.threads);

  MARK(MARK_ROI_BEGIN);
  uint64_t begin = cycles();
  run_threads(threads, staged ? pipeline : share);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);
  report(threads, end - begin);
  return 0;
}
