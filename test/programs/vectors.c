/* Loops that compilers turn into vector instructions, in every lane width, and some intrinsics that they find only by name. */
#include "runtime/program.h"
#include <emmintrin.h>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

#define N 43 /* odd, so that there is a rest */

static u64 sum_bytes(const void *data, size_t size, u64 sum) {
  const u8 *p = data;
  for (; size >= 8; p += 8, size -= 8) {
    u64 word;
    memcpy(&word, p, 8);
    sum = mix(sum, word);
  }
  for (; size > 0; p++, size--) sum = mix(sum, *p);
  return sum;
}

/* One function for each loop, so that each is vectorised by itself. */
#define LOOP(T, name, ...)                                                                   \
  static OPAQUE void T##_##name(T *restrict r, const T *restrict a, const T *restrict b) {   \
    for (int i = 0; i < N; i++) { __VA_ARGS__; }                                             \
  }
#define REDUCE(T, name, start, ...)                                              \
  static OPAQUE T T##_##name(const T *restrict a, const T *restrict b) {         \
    T s = start;                                                                 \
    for (int i = 0; i < N; i++) { __VA_ARGS__; }                                 \
    return s;                                                                    \
  }
#define INTEGERS(T, BITS)                                                        \
  LOOP(T, add, r[i] = (T)(a[i] + b[i]))                                          \
  LOOP(T, sub, r[i] = (T)(a[i] - b[i]))                                          \
  LOOP(T, mul, r[i] = (T)(a[i] * b[i]))                                          \
  LOOP(T, logic, r[i] = (T)((a[i] & ~b[i]) ^ (a[i] | 5)))                        \
  LOOP(T, smaller, r[i] = a[i] < b[i] ? a[i] : b[i])                             \
  LOOP(T, greater, r[i] = a[i] > b[i] ? a[i] : b[i])                             \
  LOOP(T, equal, r[i] = a[i] == (T)(b[i] & 3) ? 7 : a[i])                        \
  LOOP(T, choose, r[i] = a[i] > 9 ? (T)(b[i] + 1) : (T)(a[i] * 2))               \
  LOOP(T, left, r[i] = (T)(a[i] << 3))                                           \
  LOOP(T, right, r[i] = (T)(a[i] >> 5))                                          \
  LOOP(T, variable, r[i] = (T)(a[i] >> (b[i] & (BITS - 1))))                     \
  LOOP(T, reverse, r[i] = a[N - 1 - i])                                          \
  LOOP(T, average, r[i] = (T)(((i64)a[i] + (i64)b[i] + 1) >> 1))                 \
  LOOP(T, absolute, r[i] = (T)((i64)a[i] < 0 ? -a[i] : a[i]))                    \
  LOOP(T, stride, r[i] = (T)(a[i / 2] - b[i ^ 1 & 1]))                           \
  REDUCE(T, total, 0, s = (T)(s + a[i]))                                         \
  REDUCE(T, dot, 1, s = (T)(s + a[i] * b[i]))                                    \
  REDUCE(T, most, a[0], s = a[i] > s ? a[i] : s)                                 \
  REDUCE(T, all, b[0], s ^= a[i])                                                \
  REDUCE(T, count, 0, s = (T)(s + (a[i] > b[i])))                                \
  static u64 T##_all_loops(u64 sum) {                                            \
    static T a[N + 1], b[N + 1], r[N + 1];                                       \
    for (int i = 0; i <= N; i++) a[i] = (T)(random64() >> 7), b[i] = (T)(random64() >> (random64() & 31)); \
    void (*const loops[])(T *restrict, const T *restrict, const T *restrict) = { \
        T##_add, T##_sub, T##_mul, T##_logic, T##_smaller, T##_greater, T##_equal, T##_choose, \
        T##_left, T##_right, T##_variable, T##_reverse, T##_average, T##_absolute, T##_stride}; \
    for (unsigned i = 0; i < COUNT(loops); i++) {                                \
      loops[i](r, a, b);                                                         \
      u64 one = sum_bytes(r, sizeof r, i);                                       \
      print("%x ", (u32)one);                                                    \
      sum = mix(sum, one);                                                       \
    }                                                                            \
    sum = mix(sum, (u64)T##_total(a, b));                                        \
    sum = mix(sum, (u64)T##_dot(a, b));                                          \
    sum = mix(sum, (u64)T##_most(a, b));                                         \
    sum = mix(sum, (u64)T##_all(a, b));                                          \
    sum = mix(sum, (u64)T##_count(a, b));                                        \
    print("%s %lx\n", #T, sum);                                                  \
    return sum;                                                                  \
  }
INTEGERS(u8, 8)
INTEGERS(i8, 8)
INTEGERS(u16, 16)
INTEGERS(i16, 16)
INTEGERS(u32, 32)
INTEGERS(i32, 32)
INTEGERS(u64, 64)
INTEGERS(i64, 64)

#define REALS(T)                                                                  \
  LOOP(T, add, r[i] = a[i] + b[i])                                                \
  LOOP(T, scale, r[i] = a[i] * b[i] - a[i])                                       \
  LOOP(T, divide, r[i] = a[i] / b[i])                                             \
  LOOP(T, smaller, r[i] = a[i] < b[i] ? a[i] : b[i])                              \
  LOOP(T, greater, r[i] = a[i] > b[i] ? a[i] : b[i])                              \
  LOOP(T, absolute, r[i] = a[i] < 0 ? -a[i] : a[i])                               \
  LOOP(T, choose, r[i] = a[i] >= b[i] ? b[i] : (T)1.5)                            \
  LOOP(T, unordered, r[i] = a[i] != a[i] ? (T)2 : -b[i])                          \
  LOOP(T, from, r[i] = (T)(i32)((i - 20) * 1000003))                              \
  LOOP(T, to, r[i] = (T)(i32)(a[i] * (T)1000))                                    \
  REDUCE(T, total, 0, s += a[i])                                                  \
  REDUCE(T, most, a[0], s = a[i] > s ? a[i] : s)                                  \
  static u64 T##_all_loops(u64 sum) {                                             \
    static T a[N + 1], b[N + 1], r[N + 1];                                        \
    for (int i = 0; i <= N; i++) a[i] = (T)(i64)random64() * (T)0x1p-60, b[i] = (T)(i32)random64() * (T)0x1p-30; \
    void (*const loops[])(T *restrict, const T *restrict, const T *restrict) = {  \
        T##_add, T##_scale, T##_divide, T##_smaller, T##_greater, T##_absolute, T##_choose, T##_unordered, T##_from, T##_to}; \
    for (unsigned i = 0; i < COUNT(loops); i++) {                                 \
      loops[i](r, a, b);                                                          \
      u64 one = sum_bytes(r, sizeof r, i);                                        \
      print("%x ", (u32)one);                                                     \
      sum = mix(sum, one);                                                        \
    }                                                                             \
    T total = T##_total(a, b), most = T##_most(a, b);                             \
    print("%s %b %b %lx\n", #T, (double)total, (double)most, sum);                \
    return sum;                                                                   \
  }
REALS(float)
REALS(double)

static OPAQUE void narrow(i8 *restrict r, u16 *restrict s, const i32 *restrict a) {
  for (int i = 0; i < N; i++) r[i] = (i8)a[i], s[i] = (u16)(a[i] >> 3);
}
static OPAQUE void widen(i64 *restrict r, u32 *restrict s, const i8 *restrict a, const u16 *restrict b) {
  for (int i = 0; i < N; i++) r[i] = a[i] * 3, s[i] = b[i] * 70000u;
}
static OPAQUE void clamp(u8 *restrict r, const i16 *restrict a) {
  for (int i = 0; i < N; i++) r[i] = (u8)(a[i] < 0 ? 0 : a[i] > 255 ? 255 : a[i]);
}
static OPAQUE void mixed(float *restrict f, double *restrict d, const i32 *restrict a) {
  for (int i = 0; i < N; i++) d[i] = a[i] * 0.1, f[i] = (float)d[i], d[i] += (double)f[i];
}
static OPAQUE void planes(u8 *restrict r, u8 *restrict g, u8 *restrict b, const u8 *restrict pixels) {
  for (int i = 0; i < N; i++) r[i] = pixels[3 * i], g[i] = pixels[3 * i + 1], b[i] = pixels[3 * i + 2];
}
static OPAQUE u32 differences(const u8 *restrict a, const u8 *restrict b) {
  u32 s = 0;
  for (int i = 0; i < N; i++) s += (u32)(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
  return s;
}

/* Instructions that no loop leads to. */
static OPAQUE u64 named(u64 sum) {
  union { __m128i v; u64 w[2]; u8 b[16]; } a, b, r;
#define NAMED(expression) r.v = (expression), sum = mix(mix(sum, r.w[0]), r.w[1])
  for (int i = 0; i < 20; i++) {
    for (int j = 0; j < 2; j++) a.w[j] = random64(), b.w[j] = random64();
    NAMED(_mm_adds_epi8(a.v, b.v));
    NAMED(_mm_subs_epu16(a.v, b.v));
    NAMED(_mm_sad_epu8(a.v, b.v));
    NAMED(_mm_madd_epi16(a.v, b.v));
    NAMED(_mm_mulhi_epu16(a.v, b.v));
    NAMED(_mm_packs_epi32(a.v, b.v));
    NAMED(_mm_packus_epi16(a.v, b.v));
    NAMED(_mm_slli_si128(a.v, 5));
    NAMED(_mm_shuffle_epi32(a.v, 0x1b));
    NAMED(_mm_shufflehi_epi16(a.v, 0x72));
    NAMED(_mm_unpackhi_epi8(a.v, b.v));
    NAMED(_mm_sll_epi32(a.v, _mm_cvtsi32_si128(i * 3)));
    NAMED(_mm_sra_epi16(a.v, _mm_cvtsi32_si128(i)));
    sum = mix(sum, (u64)_mm_movemask_epi8(a.v));
#ifdef __SSE4_2__
    NAMED(_mm_shuffle_epi8(a.v, b.v));
    NAMED(_mm_alignr_epi8(a.v, b.v, 7));
    NAMED(_mm_maddubs_epi16(a.v, b.v));
    NAMED(_mm_mulhrs_epi16(a.v, b.v));
    NAMED(_mm_sign_epi32(a.v, b.v));
    NAMED(_mm_hadd_epi16(a.v, b.v));
    NAMED(_mm_mpsadbw_epu8(a.v, b.v, 5));
    NAMED(_mm_minpos_epu16(a.v));
    NAMED(_mm_blendv_epi8(a.v, b.v, r.v));
    NAMED(_mm_insert_epi8(a.v, i, 9));
    NAMED(_mm_cmpgt_epi64(a.v, b.v));
    NAMED(_mm_cmpestrm(a.v, i, b.v, 16 - i, _SIDD_CMP_RANGES));
    sum = mix(sum, (u64)_mm_cmpistri(a.v, b.v, _SIDD_CMP_EQUAL_ANY | _SIDD_NEGATIVE_POLARITY));
    sum = mix(sum, (u64)_mm_extract_epi16(a.v, 5) + (u64)_mm_testc_si128(a.v, b.v) + (u64)_mm_testz_si128(a.v, r.v));
    sum = mix(sum, _mm_crc32_u64(sum, a.w[0]) + _mm_crc32_u8((u32)sum, (u8)i));
#endif
  }
  return sum;
}

void vectors(void) {
  u64 sum = 0;
  sum = u8_all_loops(sum);
  sum = i8_all_loops(sum);
  sum = u16_all_loops(sum);
  sum = i16_all_loops(sum);
  sum = u32_all_loops(sum);
  sum = i32_all_loops(sum);
  sum = u64_all_loops(sum);
  sum = i64_all_loops(sum);
  sum = float_all_loops(sum);
  sum = double_all_loops(sum);
  static i32 a[N];
  static i64 wide[N];
  static u32 words[N];
  static u16 halves[N];
  static i8 bytes[N];
  static u8 r[N], g[N], b[N], pixels[3 * N];
  static float f[N];
  static double d[N];
  for (int i = 0; i < N; i++) a[i] = (i32)(random64() >> (20 + (i & 31)));
  for (int i = 0; i < 3 * N; i++) pixels[i] = (u8)random64();
  narrow(bytes, halves, a);
  widen(wide, words, bytes, halves);
  sum = sum_bytes(wide, sizeof wide, sum_bytes(words, sizeof words, sum));
  clamp(r, (const i16 *)halves);
  mixed(f, d, a);
  sum = sum_bytes(r, sizeof r, sum_bytes(f, sizeof f, sum_bytes(d, sizeof d, sum)));
  planes(r, g, b, pixels);
  sum = sum_bytes(r, sizeof r, sum_bytes(g, sizeof g, sum_bytes(b, sizeof b, sum)));
  print("conversions %lx, differences %u\n", sum, differences(r, g));
#ifdef __SSE4_2__
  print("named %lx\n", named(sum));
#else
  print("named %lx (SSE2)\n", named(sum));
#endif
}
