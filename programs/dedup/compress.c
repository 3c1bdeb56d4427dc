/**
 * A stream of tokens. A byte below 128 is a number of literals, which follow. Another byte, less 128, is the length of a copy less
 * SHORTEST; two bytes follow, low first: how far back it starts.
 */
#include "compress.h"

#include "../runtime/memory.h"

enum { SHORTEST = 4, LONGEST = SHORTEST + 127, MOST_LITERALS = 127, HASH_BITS = 12, FARTHEST = 0xffff };

static inline uint32_t four_bytes(const uint8_t *at) {
  uint32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

static uint8_t *put_literals(uint8_t *to, const uint8_t *from, size_t count) {
  while (count > 0) {
    size_t some = count < MOST_LITERALS ? count : MOST_LITERALS;
    *to++ = (uint8_t)some;
    for (size_t i = 0; i < some; i++) *to++ = *from++;
    count -= some;
  }
  return to;
}

size_t compress(const uint8_t *from, size_t bytes, uint8_t *to) {
  /** Where four bytes with that hash were last seen. */
  uint16_t seen[1 << HASH_BITS];
  memset(seen, 0, sizeof seen);
  uint8_t *start = to;
  size_t literals = 0, i = 0;
  while (i + SHORTEST <= bytes) {
    uint32_t four = four_bytes(from + i);
    uint16_t *place = &seen[four * 2654435761u >> (32 - HASH_BITS)];
    size_t candidate = *place;
    *place = (uint16_t)i;
    if (candidate >= i || i - candidate > FARTHEST || four_bytes(from + candidate) != four) {
      i++;
      continue;
    }
    size_t length = SHORTEST;
    while (length < LONGEST && i + length < bytes && from[candidate + length] == from[i + length]) length++;
    to = put_literals(to, from + literals, i - literals);
    *to++ = (uint8_t)(128 + length - SHORTEST);
    *to++ = (uint8_t)(i - candidate);
    *to++ = (uint8_t)((i - candidate) >> 8);
    i += length;
    literals = i;
  }
  return (size_t)(put_literals(to, from + literals, bytes - literals) - start);
}

size_t expand(const uint8_t *from, size_t bytes, uint8_t *to, size_t room) {
  const uint8_t *end = from + bytes;
  size_t done = 0;
  while (from < end) {
    unsigned token = *from++;
    if (token < 128) {
      if ((size_t)(end - from) < token || room - done < token) return ~0ul;
      for (unsigned i = 0; i < token; i++) to[done++] = *from++;
      continue;
    }
    size_t length = token - 128 + SHORTEST;
    if (end - from < 2 || room - done < length) return ~0ul;
    size_t back = from[0] | (size_t)from[1] << 8;
    from += 2;
    if (back == 0 || back > done) return ~0ul;
    for (size_t i = 0; i < length; i++, done++) to[done] = to[done - back];
  }
  return done;
}
