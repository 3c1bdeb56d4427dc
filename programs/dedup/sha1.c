/** SHA-1 of a whole message in memory. */
#include "sha1.h"

#include "../runtime/memory.h"

static inline uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

static void add_block(uint32_t state[5], const uint8_t *block) {
  uint32_t w[80];
  for (int t = 0; t < 16; t++) {
    uint32_t word;
    __builtin_memcpy(&word, block + 4 * t, sizeof word);
    w[t] = __builtin_bswap32(word);
  }
  for (int t = 16; t < 80; t++) w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int t = 0; t < 80; t++) {
    uint32_t f, k;
    if (t < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (t < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (t < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = rotate(a, 5) + f + e + k + w[t];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

struct digest sha1(const uint8_t *data, size_t bytes) {
  struct digest digest = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
  size_t whole = bytes / 64 * 64;
  for (size_t i = 0; i < whole; i += 64) add_block(digest.words, data + i);
  // The rest, a one bit, zeros, and the length in bits.
  uint8_t tail[128];
  size_t rest = bytes - whole;
  size_t padded = rest < 56 ? 64 : 128;
  memset(tail, 0, sizeof tail);
  memcpy(tail, data + whole, rest);
  tail[rest] = 0x80;
  uint64_t bits = __builtin_bswap64((uint64_t)bytes * 8);
  memcpy(tail + padded - 8, &bits, sizeof bits);
  for (size_t i = 0; i < padded; i += 64) add_block(digest.words, tail + i);
  return digest;
}
