/* Instructions that have names in C: SSE4.2 strings, CRC32, AES, carry-less products, bit manipulation, wide compare-exchange, MMX. */
#include "runtime/program.h"

#include <immintrin.h>

#define TARGET(features) __attribute__((target(features)))

static u8 text[512];

static void fill(void) {
  for (u32 i = 0; i < sizeof text; i++) text[i] = "etaoin shrdlu, 0123456789 XYZ"[random64() % 29];
}

static void show(__m128i v) {
  u64 halves[2];
  memcpy(halves, &v, 16);
  print("%lx_%lx ", halves[1], halves[0]);
}

/* Bytes before the first that is one of a set. */
OPAQUE TARGET("sse4.2") static int span(const u8 *from, const char *set, int n) {
  __m128i accept = _mm_loadu_si128((const __m128i *)set);
  for (int i = 0;; i += 16) {
    int at = _mm_cmpestri(accept, n, _mm_loadu_si128((const __m128i *)(from + i)), 16, _SIDD_UBYTE_OPS | _SIDD_CMP_EQUAL_ANY);
    if (at < 16 || i > 256) return i + at;
  }
}

OPAQUE TARGET("sse4.2") static int length(const char *from) {
  for (int i = 0;; i += 16) {
    __m128i part = _mm_loadu_si128((const __m128i *)(from + i));
    if (_mm_cmpistrz(part, part, _SIDD_CMP_EQUAL_EACH)) return i + _mm_cmpistri(part, part, _SIDD_CMP_EQUAL_EACH | _SIDD_NEGATIVE_POLARITY);
  }
}

OPAQUE TARGET("sse4.2") static void ranges(void) {
  const __m128i letters = _mm_setr_epi8('a', 'z', 'A', 'Z', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  for (int i = 0; i < 64; i += 16)
    show(_mm_cmpistrm(letters, _mm_loadu_si128((const __m128i *)(text + i)), _SIDD_CMP_RANGES | _SIDD_UNIT_MASK));
  const __m128i needle = _mm_setr_epi8('e', 't', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  for (int i = 0; i < 64; i += 16) print("%d ", _mm_cmpistri(needle, _mm_loadu_si128((const __m128i *)(text + i)), _SIDD_CMP_EQUAL_ORDERED));
  print("\n");
}

OPAQUE TARGET("sse4.2") static u64 checksum(void) {
  u64 sum = ~0u;
  for (int i = 0; i < 256; i += 8) sum = _mm_crc32_u64(sum, *(const u64 *)(text + i));
  for (int i = 256; i < 300; i += 4) sum = _mm_crc32_u32(sum, *(const u32 *)(text + i));
  for (int i = 300; i < 310; i += 2) sum = _mm_crc32_u16(sum, *(const u16 *)(text + i));
  for (int i = 310; i < 317; i++) sum = _mm_crc32_u8(sum, text[i]);
  return sum;
}

TARGET("aes") static inline __m128i expand(__m128i key, __m128i helper) {
  helper = _mm_shuffle_epi32(helper, 0xff);
  for (int i = 0; i < 3; i++) key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  return _mm_xor_si128(key, helper);
}

/* AES-128 of the text, and back. */
OPAQUE TARGET("aes") static void cipher(void) {
  __m128i keys[11], key = _mm_loadu_si128((const __m128i *)text);
  keys[0] = key;
#define ROUND(i, constant) keys[i] = key = expand(key, _mm_aeskeygenassist_si128(key, constant))
  ROUND(1, 1);
  ROUND(2, 2);
  ROUND(3, 4);
  ROUND(4, 8);
  ROUND(5, 16);
  ROUND(6, 32);
  ROUND(7, 64);
  ROUND(8, 128);
  ROUND(9, 0x1b);
  ROUND(10, 0x36);
  for (int block = 1; block < 4; block++) {
    __m128i plain = _mm_loadu_si128((const __m128i *)(text + 16 * block)), state = _mm_xor_si128(plain, keys[0]);
    for (int i = 1; i < 10; i++) state = _mm_aesenc_si128(state, keys[i]);
    state = _mm_aesenclast_si128(state, keys[10]);
    show(state);
    state = _mm_xor_si128(state, keys[10]);
    for (int i = 9; i > 0; i--) state = _mm_aesdec_si128(state, _mm_aesimc_si128(keys[i]));
    state = _mm_aesdeclast_si128(state, keys[0]);
    print("%d\n", memcmp(&state, &plain, 16) == 0);
  }
}

OPAQUE TARGET("pclmul,sse4.1") static void products(void) {
  __m128i a = _mm_loadu_si128((const __m128i *)text), b = _mm_loadu_si128((const __m128i *)(text + 16));
  show(_mm_clmulepi64_si128(a, b, 0x00));
  show(_mm_clmulepi64_si128(a, b, 0x11));
  show(_mm_clmulepi64_si128(a, b, 0x01));
  show(_mm_mpsadbw_epu8(a, b, 5));
  show(_mm_minpos_epu16(a));
  print("%d\n", _mm_testc_si128(a, b));
}

OPAQUE TARGET("bmi,bmi2,lzcnt,popcnt,adx") static void bits_of(void) {
  u64 sum = 0;
  for (int i = 0; i < 40; i++) {
    unsigned long long a = random64() >> (i % 13), b = random64(), high, low;
    low = _mulx_u64(a, b, &high);
    sum = mix(sum, low ^ high);
    sum = mix(sum, _pdep_u64(a, b));
    sum = mix(sum, _pext_u64(a, b));
    sum = mix(sum, _bzhi_u64(a, i * 2) ^ _bextr_u64(b, i, 17) ^ _andn_u64(a, b));
    sum = mix(sum, _blsi_u64(a) + _blsr_u64(b) + _blsmsk_u64(a));
    sum = mix(sum, _lzcnt_u64(a) * 64 + _tzcnt_u64(b) + _mm_popcnt_u64(a) * 4096);
    u8 carry = _addcarryx_u64(i & 1, a, b, &low);
    carry = _addcarryx_u64(carry, high, a, &high);
    sum = mix(sum, low + high + carry);
    sum = mix(sum, (u64)((i64)a >> (b & 63)) ^ a << (b & 63) ^ (a >> 9 | a << 55));
  }
  print("%lx\n", sum);
}

OPAQUE TARGET("movbe") static u64 swapped(const u64 *from, u64 *to) {
  u64 sum = 0;
  for (int i = 0; i < 32; i++) {
    u64 value = __builtin_bswap64(from[i]);
    to[i] = __builtin_bswap64(value + i);
    ((u32 *)to)[2 * i] ^= __builtin_bswap32((u32)value);
    sum = mix(sum, to[i]);
  }
  return sum;
}

OPAQUE TARGET("cx16") static void wide_exchange(void) {
  _Alignas(16) u128 place = 5;
  int won = 0;
  for (u64 i = 0; i < 10; i++) won = won * 2 + __sync_bool_compare_and_swap(&place, (u128)i << 64 | (5 + i), (u128)(i + 1) << 64 | (6 + i));
  won = won * 2 + __sync_bool_compare_and_swap(&place, 7, 9);
  print("%d %lx %lx\n", won, (u64)(place >> 64), (u64)place);
  u8 byte = 250;
  u16 word = 65530;
  u32 doubleword = 1;
  u64 quadword = 3;
  for (int i = 0; i < 9; i++) {
    __atomic_fetch_add(&byte, 7, __ATOMIC_SEQ_CST);
    word = __atomic_fetch_xor(&word, 0x5a5, __ATOMIC_SEQ_CST) + 1;
    __atomic_fetch_nand(&doubleword, 0xf0f0f0f0u >> i, __ATOMIC_SEQ_CST);
    quadword ^= __atomic_exchange_n(&quadword, random64(), __ATOMIC_SEQ_CST);
  }
  print("%u %u %x %lx\n", (u32)byte, (u32)word, doubleword, quadword);
}

OPAQUE TARGET("mmx") static void small_vectors(void) {
  __m64 sum = _mm_setzero_si64();
  for (int i = 0; i < 64; i++) {
    __m64 a, b;
    memcpy(&a, text + 4 * i, 8);
    memcpy(&b, text + 3 * i + 1, 8);
    sum = _mm_add_pi16(sum, _mm_madd_pi16(a, b));
    sum = _mm_xor_si64(sum, _mm_packs_pu16(_mm_subs_pu8(a, b), _mm_unpackhi_pi8(b, a)));
    sum = _mm_adds_pi8(sum, _mm_sll_pi32(_mm_cmpgt_pi8(a, b), _mm_cvtsi32_si64(i & 15)));
  }
  u64 result;
  memcpy(&result, &sum, 8);
  _mm_empty();
  volatile double d = (double)(i64)result;
  print("%lx %f\n", result, d * 0.5);
}

void intrinsics(void) {
  fill();
  for (int i = 0; i < 6; i++) print("%d ", span(text + 7 * i, "0123456789", 10 - i));
  text[200] = 0;
  print("%d\n", length((const char *)text));
  ranges();
  print("%lx\n", checksum());
  cipher();
  products();
  bits_of();
  u64 swaps[32];
  print("%lx\n", swapped((const u64 *)text, swaps));
  wide_exchange();
  small_vectors();
}
