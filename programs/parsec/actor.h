/** One thread's part of the work: its memory, and the units of work that it does with it. */
#ifndef ACTOR_H
#define ACTOR_H

#include "profile.h"

struct actor {
  const struct profile *profile;
  uint64_t *hot;
  /** Reserved; readable and writable from the start up to `grown`. */
  char *arena;
  size_t grown;
  char *trimmed;
  /** When this thread began and ended its work, in cycles. */
  uint64_t begin;
  uint64_t end;
  /** A number that all that was computed goes into, whoever computed it. */
  uint64_t checksum;
};

/** Makes what all threads share: memory and mutexes. */
void shared_init(const struct profile *profile);
void actor_init(struct actor *actor, const struct profile *profile);
/** Does `units` units of work; what they do follows from `seed` alone. */
void actor_work(struct actor *actor, uint64_t seed, unsigned long units);

#endif
