/* SHA-256, CRC-32, XXH64, SipHash-2-4, FNV-1a, Adler-32. */
#include "runtime/program.h"

static u32 rotate(u32 x, int n) { return x >> n | x << (32 - n); }
static u64 rotate64(u64 x, int n) { return x << n | x >> (64 - n); }

/* The first 32 bits of the fractional part of a root of the n-th prime, by integer arithmetic. */
static u32 root_fraction(u32 prime, int cube) {
  u64 low = 0, high = 1ull << 37;
  while (high - low > 1) {
    u64 x = (low + high) / 2;
    u128 square = (u128)x * x;
    int above = cube ? square * x > (u128)prime << 96 : square > (u128)prime << 64;
    if (above) high = x;
    else low = x;
  }
  return (u32)low;
}

static u32 k[64], h0[8];
static void sha_constants(void) {
  for (u32 n = 2, count = 0; count < 64; n++) {
    int prime = 1;
    for (u32 d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    if (count < 8) h0[count] = root_fraction(n, 0);
    k[count++] = root_fraction(n, 1);
  }
}

static void sha_block(u32 *h, const u8 *p) {
  u32 w[64], s[8];
  for (int i = 0; i < 16; i++) w[i] = (u32)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    u32 a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 64; i++) {
    u32 e = s[4], a = s[0];
    u32 t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
    u32 t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void sha256(const u8 *data, size_t size) {
  u32 h[8];
  u8 last[128] = {0};
  memcpy(h, h0, sizeof h);
  size_t whole = size / 64 * 64, rest = size - whole;
  for (size_t i = 0; i < whole; i += 64) sha_block(h, data + i);
  memcpy(last, data + whole, rest);
  last[rest] = 0x80;
  size_t end = rest < 56 ? 64 : 128;
  for (int i = 0; i < 8; i++) last[end - 1 - i] = (u8)((u64)size * 8 >> 8 * i);
  for (size_t i = 0; i < end; i += 64) sha_block(h, last + i);
  for (int i = 0; i < 8; i++) print("%x ", h[i]);
  print("\n");
}

static u32 crc32(const u8 *data, size_t size) {
  static u32 table[256];
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
    table[i] = c;
  }
  u32 crc = ~0u;
  for (size_t i = 0; i < size; i++) crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
  return ~crc;
}

static u64 load64(const u8 *p) {
  u64 value;
  memcpy(&value, p, 8);
  return value;
}

#define P1 0x9e3779b185ebca87ull
#define P2 0xc2b2ae3d27d4eb4full
#define P3 0x165667b19e3779f9ull
static u64 xxh_round(u64 a, u64 input) { return rotate64(a + input * P2, 31) * P1; }
static u64 xxh64(const u8 *p, size_t size, u64 seed) {
  u64 v[4] = {seed + P1 + P2, seed + P2, seed, seed - P1}, h;
  size_t i = 0;
  for (; i + 32 <= size; i += 32)
    for (int lane = 0; lane < 4; lane++) v[lane] = xxh_round(v[lane], load64(p + i + 8 * lane));
  h = rotate64(v[0], 1) + rotate64(v[1], 7) + rotate64(v[2], 12) + rotate64(v[3], 18);
  for (int lane = 0; lane < 4; lane++) h = (h ^ xxh_round(0, v[lane])) * P1 + P3;
  for (h += size; i + 8 <= size; i += 8) h = rotate64(h ^ xxh_round(0, load64(p + i)), 27) * P1 + P3;
  for (; i < size; i++) h = rotate64(h ^ p[i] * P3, 11) * P1;
  h = (h ^ h >> 33) * P2;
  h = (h ^ h >> 29) * P3;
  return h ^ h >> 32;
}

static u64 siphash(const u8 *p, size_t size, u64 k0, u64 k1) {
  u64 v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull, v2 = k0 ^ 0x6c7967656e657261ull, v3 = k1 ^ 0x7465646279746573ull;
#define ROUND                                                                                     \
  v0 += v1, v1 = rotate64(v1, 13) ^ v0, v0 = rotate64(v0, 32), v2 += v3, v3 = rotate64(v3, 16) ^ v2; \
  v0 += v3, v3 = rotate64(v3, 21) ^ v0, v2 += v1, v1 = rotate64(v1, 17) ^ v2, v2 = rotate64(v2, 32);
  u64 last = (u64)size << 56;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    u64 m = load64(p + i);
    v3 ^= m;
    ROUND ROUND v0 ^= m;
  }
  for (int shift = 0; i < size; i++, shift += 8) last |= (u64)p[i] << shift;
  v3 ^= last;
  ROUND ROUND v0 ^= last;
  v2 ^= 255;
  ROUND ROUND ROUND ROUND return v0 ^ v1 ^ v2 ^ v3;
}

void hashing(void) {
  static u8 data[573];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (u8)(random64() >> 24);
  sha_constants();
  sha256((const u8 *)"abc", 3);
  sha256(data, 0);
  sha256(data, sizeof data);
  print("crc %x %x\n", crc32((const u8 *)"123456789", 9), crc32(data, sizeof data));
  for (size_t size = 0; size <= sizeof data; size += 113) {
    u32 a = 1, b = 0;
    u64 fnv = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++) {
      a = (a + data[i]) % 65521;
      b = (b + a) % 65521;
      fnv = (fnv ^ data[i]) * 0x100000001b3ull;
    }
    print("%lu: %lx %lx %lx %x\n", size, xxh64(data, size, 7), siphash(data, size, 1, 2), fnv, b << 16 | a);
  }
}
