/* What generated programs are made of beside C itself. */
#pragma once
#include "../../runtime/program.h"

#ifdef __SIZEOF_INT128__
typedef __int128 wide;
typedef unsigned __int128 uwide;
#else
typedef long long wide;
typedef unsigned long long uwide;
#endif
#define WIDE_BITS ((int)sizeof(wide) * 8)

typedef i32 v4i __attribute__((vector_size(16)));
typedef u16 v8h __attribute__((vector_size(16)));
typedef u8 v16b __attribute__((vector_size(16)));
typedef i64 v2l __attribute__((vector_size(16)));
typedef float v4f __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));

/* Division traps for 0, and for the least number by -1. */
#define DIVISOR(type, value) ({ type d_ = (type)(value); d_ == 0 || d_ == (type)-1 ? (type)3 : d_; })

#define POPCOUNT(x) __builtin_popcountll((u64)(x))
#define LEADING_ZEROS(x) __builtin_clz((u32)(x) | 1)
#define TRAILING_ZEROS(x) __builtin_ctzll((u64)(x) | 1ull << 63)
#define FIND_FIRST(x) __builtin_ffsll((i64)(x))
#define PARITY(x) __builtin_parity((u32)(x))
#define SWAP16(x) __builtin_bswap16((u16)(x))
#define SWAP32(x) __builtin_bswap32((u32)(x))
#define SWAP64(x) __builtin_bswap64((u64)(x))
#define ABSOLUTE(x) ({ i64 a_ = (i64)(x); a_ < 0 ? -a_ : a_; })
#define ROTATE(type, bits, x, n) ({ type v_ = (type)(x); unsigned n_ = (unsigned)(n) & (bits - 1); (type)(v_ << n_ | v_ >> (-n_ & (bits - 1))); })
#define ROTATE8(x, n) ROTATE(u8, 8, x, n)
#define ROTATE16(x, n) ROTATE(u16, 16, x, n)
#define ROTATE32(x, n) ROTATE(u32, 32, x, n)
#define ROTATE64(x, n) ROTATE(u64, 64, x, n)
#define ADD_OVERFLOWS(x, y) ({ i32 r_; bool_ o_ = __builtin_add_overflow((i32)(x), (i32)(y), &r_); (i64)r_ * 2 + o_; })
#define SUB_OVERFLOWS(x, y) ({ u64 r_; bool_ o_ = __builtin_sub_overflow((u64)(x), (u64)(y), &r_); r_ ^ o_; })
#define MUL_OVERFLOWS(x, y) ({ i16 r_; bool_ o_ = __builtin_mul_overflow((i16)(x), (i16)(y), &r_); r_ * 2 + o_; })
#define HIGH_PRODUCT(x, y) ((u64)((uwide)(u64)(x) * (u64)(y) >> (WIDE_BITS / 2)))
typedef _Bool bool_;

#define SUFFIXED(name, type, ...) __builtin_choose_expr(sizeof(type) == 4, name##f((float)__VA_ARGS__), __builtin_choose_expr(sizeof(type) == 8, name((double)__VA_ARGS__), name##l((long double)__VA_ARGS__)))
#define SQUARE_ROOT(type, x) SUFFIXED(__builtin_sqrt, type, (x))
#define MAGNITUDE(type, x) SUFFIXED(__builtin_fabs, type, (x))
#define WITH_SIGN(type, x, y) ((type)__builtin_copysign((double)(x), (double)(y)))
#define LESSER(type, x, y) ({ type a_ = (type)(x), b_ = (type)(y); a_ < b_ ? a_ : b_; })
#define GREATER(type, x, y) ({ type a_ = (type)(x), b_ = (type)(y); a_ > b_ ? a_ : b_; })
/* Without ROUNDSD these are calls of a library that is not there. */
#ifdef __SSE4_1__
#define FLOOR(type, x) ((type)__builtin_floor((double)(x)))
#define CEIL(type, x) ((type)__builtin_ceilf((float)(x)))
#define TRUNC(type, x) ((type)__builtin_trunc((double)(x)))
#define RINT(type, x) ((type)__builtin_rint((double)(x)))
#else
#define FLOOR(type, x) ((type)(i64)(double)(x))
#define CEIL(type, x) ((type)(i32)(float)(x))
#define TRUNC(type, x) ((type)(u32)(double)(x))
#define RINT(type, x) ((type)(u64)(float)(x))
#endif

/* The sum that a unit prints. */
extern u64 checksum;
static inline void note(u64 value) { checksum = mix(checksum, value); }
static inline void note_wide(uwide value) { note((u64)value), note((u64)(value >> (WIDE_BITS / 2))); }
static inline void note_float(float value) { u32 bits; __builtin_memcpy(&bits, &value, 4); note(bits); }
static inline void note_double(double value) { u64 bits; __builtin_memcpy(&bits, &value, 8); note(bits); }
static inline void note_long_double(long double value) { u64 bits[2] = {0, 0}; __builtin_memcpy(bits, &value, 10); note(bits[0]), note(bits[1]); }
#define NOTE(x) _Generic((x), float: note_float, double: note_double, long double: note_long_double, wide: note_wide, uwide: note_wide, default: note)(x)
