/** Numbers that look like chance and are a function of a seed: xorshift64*, seeded by one step of splitmix64. */
#ifndef RANDOM_H
#define RANDOM_H

#include "types.h"

/** A well-mixed number made of another; different inputs give different results. */
static inline uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/** A state for that seed; never 0. */
static inline uint64_t random_start(uint64_t seed) { return mix(seed) | 1; }

static inline uint64_t random_next(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545f4914f6cdd1d;
}

/** From 0 to `limit` - 1; limit below 2^32. */
static inline uint32_t random_below(uint64_t *state, uint32_t limit) { return (uint32_t)((random_next(state) >> 32) * limit >> 32); }

#endif
