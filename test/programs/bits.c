/* Bits: counts, scans, rotates, fields, shifts of every width and count, saturations, overflow. */
#include "runtime/program.h"

static OPAQUE u64 reverse(u64 x) {
  x = (x >> 1 & 0x5555555555555555ull) | (x & 0x5555555555555555ull) << 1;
  x = (x >> 2 & 0x3333333333333333ull) | (x & 0x3333333333333333ull) << 2;
  x = (x >> 4 & 0x0f0f0f0f0f0f0f0full) | (x & 0x0f0f0f0f0f0f0f0full) << 4;
  return __builtin_bswap64(x);
}

static OPAQUE u64 deposit(u64 value, u64 mask) {
  u64 result = 0;
  for (u64 bit = 1; mask; bit <<= 1, mask &= mask - 1)
    if (value & bit) result |= mask & -mask;
  return result;
}

/* Everything that an integer type of some width can do. */
#define WIDTH(name, U, S, BITS)                                                                           \
  static OPAQUE u64 name(U x, U y, u64 sum) {                                                             \
    unsigned n = y & (BITS - 1);                                                                          \
    S sx = (S)x, sy = (S)y, s;                                                                            \
    U u;                                                                                                  \
    sum = mix(sum, (U)(x << n));                                                                          \
    sum = mix(sum, (U)(x >> n));                                                                          \
    sum = mix(sum, (u64)(sx >> n));                                                                       \
    sum = mix(sum, (U)(x << n | x >> (-n & (BITS - 1))));                                                 \
    sum = mix(sum, (U)(x >> n | x << (-n & (BITS - 1))));                                                 \
    sum = mix(sum, (u64)__builtin_add_overflow(x, y, &u) << 8 ^ u);                                       \
    sum = mix(sum, (u64)__builtin_sub_overflow(x, y, &u) << 8 ^ u);                                       \
    sum = mix(sum, (u64)__builtin_mul_overflow(x, y, &u) << 8 ^ u);                                       \
    sum = mix(sum, (u64)__builtin_add_overflow(sx, sy, &s) << 8 ^ (u64)s);                                \
    sum = mix(sum, (u64)__builtin_sub_overflow(sx, sy, &s) << 8 ^ (u64)s);                                \
    sum = mix(sum, (u64)__builtin_mul_overflow(sx, sy, &s) << 8 ^ (u64)s);                                \
    sum = mix(sum, (u64)(x < y) | (u64)(sx < sy) << 1 | (u64)(x <= y) << 2 | (u64)(sx <= sy) << 3);       \
    sum = mix(sum, (u64)(sx < 0 ? -sx : sx));                                                             \
    sum = mix(sum, (U)(x + y < x ? (U)~0 : x + y));                                                       \
    sum = mix(sum, (U)(x > y ? x - y : 0));                                                               \
    sum = mix(sum, (u64)(sx > sy ? sx : sy) ^ (x > y ? y : x));                                           \
    sum = mix(sum, (x >> n & 1) | (x & (U)((U)1 << n)) | (U)(x ^ (U)((U)1 << n)) | (U)(x & ~((U)1 << n))); \
    return sum;                                                                                           \
  }
WIDTH(width8, u8, i8, 8)
WIDTH(width16, u16, i16, 16)
WIDTH(width32, u32, i32, 32)
WIDTH(width64, u64, i64, 64)

struct Fields {
  unsigned a : 3;
  signed b : 5;
  u64 c : 33;
  i64 d : 20;
  unsigned e : 1;
};

static OPAQUE void fields(struct Fields *f, u64 x) {
  f->a += (unsigned)x;
  f->b ^= (int)(x >> 7);
  f->c -= x >> 11;
  f->d += f->b * f->a;
  f->e = !f->e;
}

void bits(void) {
  u64 sum = 0, counts = 0;
  struct Fields f = {0};
  static u32 set[32];
  for (int i = 0; i < 150; i++) {
    u64 x = random64(), y = random64() >> (random64() & 63);
    counts += (u64)__builtin_popcountll(y) + (u64)__builtin_popcount((u32)x) + (u64)__builtin_parityll(x);
    if (y) counts += (u64)__builtin_ctzll(y) * 3 + (u64)__builtin_clzll(y) * 5;
    if ((u32)y) counts += (u64)__builtin_ctz((u32)y) * 7 + (u64)__builtin_clz((u32)y) * 11;
    counts += (u64)__builtin_ffsll((i64)y);
    sum = mix(sum, reverse(x) ^ __builtin_bswap32((u32)y) ^ __builtin_bswap16((u16)x));
    sum = mix(sum, deposit(x, y) ^ (x ^ x >> 1));
    sum = width8((u8)x, (u8)y, sum);
    sum = width16((u16)x, (u16)y, sum);
    sum = width32((u32)x, (u32)y, sum);
    sum = width64(x, y, sum);
    fields(&f, x);
    sum = mix(sum, f.a ^ (u64)f.b << 3 ^ f.c << 8 ^ (u64)f.d << 41 ^ f.e);
    /* Bit strings in memory, by the instructions that take any offset. */
    u64 place = x & 1023;
    u8 before;
    asm volatile("btc %2, %0\n setc %1" : "+m"(set), "=r"(before) : "r"(place) : "cc", "memory");
    sum = mix(sum, before);
    asm volatile("bts %2, %0\n setc %1" : "+m"(set), "=r"(before) : "r"((u32)y & 1023) : "cc", "memory");
    sum = mix(sum, before);
    u64 shifted = x;
    asm("shld %b2, %1, %0" : "+r"(shifted) : "r"(y), "c"(i) : "cc");
    sum = mix(sum, shifted);
    u32 narrow = (u32)x;
    asm("shrd %b2, %1, %0" : "+r"(narrow) : "r"((u32)y), "c"(i) : "cc");
    sum = mix(sum, narrow);
    u64 old = y;
    asm("stc\n rclq %b2, %0\n rcrl $3, %k1" : "+r"(shifted), "+r"(old) : "c"(i) : "cc");
    sum = mix(sum, shifted ^ old);
  }
  for (int i = 0; i < 32; i++) sum = mix(sum, set[i]);
  print("counts %lu\nsum %lx\n", counts, sum);
}
