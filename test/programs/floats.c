/* Corners of floating point: NaNs, infinities, denormals, signed zeros, rounding modes, exception flags, conversions that do not fit. */
#include "runtime/program.h"
#include <xmmintrin.h>
#include <emmintrin.h>

static const u64 doubles[] = {
    0, 0x8000000000000000ull, 1, 0x800fffffffffffffull, 0x0010000000000000ull, 0x3ff0000000000000ull, 0xbff0000000000001ull,
    0x3fe5555555555555ull, 0x7fefffffffffffffull, 0x7ff0000000000000ull, 0xfff0000000000000ull, 0x7ff8000000000000ull,
    0xfff8000000001234ull, 0x7ff0000000000001ull, 0x41dfffffffe00000ull, 0x41e0000000000000ull, 0x43dfffffffffffffull, 0x43e0000000000000ull,
    0xc1e0000000200000ull, 0x3fdfffffffffffffull, 0x4004000000000000ull, 0x36a0000000000000ull, 0x47efffffefffffffull,
};

static double double_of(u64 bits) {
  double d;
  memcpy(&d, &bits, 8);
  return d;
}
static u64 bits_of(double d) {
  u64 bits;
  memcpy(&bits, &d, 8);
  return bits;
}
static u32 bits_of_float(float f) {
  u32 bits;
  memcpy(&bits, &f, 4);
  return bits;
}

/* The flags so far, which are cleared. */
static u64 flags(void) {
  u32 csr = _mm_getcsr();
  _mm_setcsr(csr & ~0x3fu);
  return csr & 0x3f;
}

/* The compiler must not move an operation across a change of MXCSR: everything goes through volatile. */
static OPAQUE u64 pairs(volatile double *x, volatile double *y, u64 sum) {
  volatile double r;
#define STEP(expression) r = (expression), sum = mix(mix(sum, bits_of(r)), flags())
  STEP(*x + *y);
  STEP(*x - *y);
  STEP(*x * *y);
  STEP(*x / *y);
  STEP(_mm_cvtsd_f64(_mm_min_sd(_mm_set_sd(*x), _mm_set_sd(*y))));
  STEP(_mm_cvtsd_f64(_mm_max_sd(_mm_set_sd(*x), _mm_set_sd(*y))));
  sum = mix(sum, (u64)(*x < *y) | (u64)(*x <= *y) << 1 | (u64)(*x == *y) << 2 | (u64)(*x != *y) << 3 | (u64)(*x > *y) << 4 | flags() << 8);
  sum = mix(sum, (u64)__builtin_isless(*x, *y) | (u64)__builtin_isunordered(*x, *y) << 1 | flags() << 8);
  return sum;
}

static OPAQUE u64 singles(volatile double *x, u64 sum) {
  volatile double r;
  volatile float f;
  STEP(_mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(0), _mm_set_sd(*x))));
  f = (float)*x;
  sum = mix(mix(sum, bits_of_float(f)), flags());
  STEP((double)f);
  volatile float g = f * 1.1f, h = f / 3.0f;
  sum = mix(mix(mix(sum, bits_of_float(g)), bits_of_float(h)), flags());
  sum = mix(mix(sum, (u64)_mm_cvtsd_si64(_mm_set_sd(*x))), flags());
  sum = mix(mix(sum, (u64)_mm_cvttsd_si64(_mm_set_sd(*x))), flags());
  sum = mix(mix(sum, (u64)_mm_cvtsd_si32(_mm_set_sd(*x))), flags());
  sum = mix(mix(sum, (u64)_mm_cvttss_si32(_mm_set_ss(f))), flags());
  volatile i64 i = (i64)bits_of(*x);
  STEP((double)i);
  f = (float)i;
  sum = mix(mix(sum, bits_of_float(f)), flags());
  return sum;
}

void floats(void) {
  static const char *const modes[] = {"nearest", "down", "up", "toward zero"};
  const u32 csr = _mm_getcsr();
  for (u32 mode = 0; mode < 8; mode++) {
    u64 sum = 0;
    /* The last four modes again with denormals taken and left as zeros. */
    _mm_setcsr(0x1f80 | (mode & 3) << 13 | (mode >= 4 ? 0x8040 : 0));
    for (unsigned i = 0; i < COUNT(doubles); i++) {
      volatile double x = double_of(doubles[i]);
      sum = singles(&x, sum);
      for (unsigned j = 0; j < COUNT(doubles); j++) {
        volatile double y = double_of(doubles[j]);
        /* Every pair in one or two of the modes. */
        if ((i + j + mode) % 6 != 0) continue;
        sum = pairs(&x, &y, sum);
      }
    }
    _mm_setcsr(csr);
    print("%s%s: %lx\n", modes[mode & 3], mode >= 4 ? ", without denormals" : "", sum);
  }
  volatile double x = 2, y = 0.1, zero = 0;
  for (int i = 0; i < 6; i++) x = x * x - y;
  print("%f %b %f %f %f %f\n", x, x, 1 / zero, -1 / zero, zero / zero, 1e300 * 10);
  double newton = 1;
  for (int i = 0; i < 8; i++) newton = (newton + 2 / newton) / 2;
  print("%f %b %b\n", newton, newton, __builtin_sqrt((double)(random64() >> 12)));
}
