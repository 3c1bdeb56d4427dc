/* Division and remainder in every width, by constants and by values, with their edges; conversions between widths. */
#include "runtime/program.h"

#define BY(name, U, S, MINIMUM)                                                                       \
  static OPAQUE u64 name(U x, U y, u64 sum) {                                                         \
    S sx = (S)x, sy = (S)y;                                                                           \
    if (y != 0) sum = mix(mix(sum, x / y), x % y);                                                    \
    if (sy != 0 && !(sx == MINIMUM && sy == -1)) sum = mix(mix(sum, (u64)(S)(sx / sy)), (u64)(S)(sx % sy)); \
    sum = mix(mix(sum, x / 10), (u64)(S)(sx / 10));                                                   \
    sum = mix(mix(sum, x % 7), (u64)(S)(sx % 7));                                                     \
    sum = mix(mix(sum, x / 127), (u64)(S)(sx / -100));                                                \
    sum = mix(mix(sum, (u64)(S)(sx / 16)), (u64)(S)(sx % 16));                                        \
    return sum;                                                                                       \
  }
BY(by8, u8, i8, INT8_MIN)
BY(by16, u16, i16, INT16_MIN)
BY(by32, u32, i32, INT32_MIN)
BY(by64, u64, i64, INT64_MIN)

static OPAQUE u64 widen(u64 x, u64 sum) {
  sum = mix(sum, (u64)(i8)x ^ (u64)(i16)x << 1 ^ (u64)(i32)x << 2);
  sum = mix(sum, (u8)x + ((u64)(u16)x << 8) + ((u64)(u32)x << 16));
  sum = mix(sum, (u64)(i16)(i8)(x >> 5) ^ (u32)(i16)(x >> 9) ^ (u32)(i8)(x >> 3));
  return mix(sum, (u64)((u32)x * (u64)(u32)(x >> 32)) ^ (u64)((i64)(i32)x * (i32)(x >> 32)));
}

void division(void) {
  static const u64 edges[] = {0, 1, 2, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
                              0x100000000ull, 0x7fffffffffffffffull, 0x8000000000000000ull, 0xffffffffffffffffull};
  u64 sum = 0;
  for (unsigned i = 0; i < COUNT(edges); i++)
    for (unsigned j = 0; j < COUNT(edges); j++) {
      sum = by8((u8)edges[i], (u8)edges[j], sum);
      sum = by16((u16)edges[i], (u16)edges[j], sum);
      sum = by32((u32)edges[i], (u32)edges[j], sum);
      sum = by64(edges[i], edges[j], sum);
    }
  print("edges %lx\n", sum);
  for (int i = 0; i < 100; i++) {
    u64 x = random64() >> (random64() & 63), y = random64() >> (random64() & 63);
    sum = widen(x, by64(x, y, by32((u32)x, (u32)y, by16((u16)x, (u16)y, by8((u8)x, (u8)y, sum)))));
  }
  print("random %lx\n", sum);
}
