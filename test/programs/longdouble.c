/* Extended precision: what compilers make of long double, and x87 instructions that only assembly names. */
#include "runtime/program.h"

typedef long double f80;

static void show(const char *name, f80 value) {
  union {
    f80 value;
    struct {
      u64 significand;
      u16 exponent;
    } bits;
  } u = {.value = value};
  print("%s %x:%lx\n", name, (u32)u.bits.exponent, u.bits.significand);
}

OPAQUE static f80 horner(f80 x, const f80 *c, int n) {
  f80 sum = 0;
  for (int i = 0; i < n; i++) sum = sum * x + c[i];
  return sum;
}

OPAQUE static f80 power(f80 base, int n) {
  f80 result = 1;
  for (; n > 0; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return result;
}

OPAQUE static f80 root(f80 x) {
  f80 r;
  __asm__("fsqrt" : "=t"(r) : "0"(x));
  return r;
}

OPAQUE static f80 remainder_of(f80 a, f80 b) {
  f80 r;
  u16 status;
  do {
    __asm__("fprem1; fnstsw %1" : "=t"(r), "=a"(status) : "0"(a), "u"(b));
    a = r;
  } while (status & 0x400);
  return r;
}

OPAQUE static f80 split(f80 x, f80 *exponent) {
  f80 significand;
  __asm__("fxtract" : "=t"(significand), "=u"(*exponent) : "0"(x));
  return significand;
}

OPAQUE static f80 rounded(f80 x, u16 mode) {
  u16 old, now;
  f80 r;
  __asm__ volatile("fnstcw %0" : "=m"(old));
  now = (old & ~0xc00) | mode << 10;
  __asm__ volatile("fldcw %2; frndint; fldcw %3" : "=t"(r) : "0"(x), "m"(now), "m"(old));
  return r;
}

OPAQUE static const char *order(f80 a, f80 b) { return a < b ? "<" : a > b ? ">" : a == b ? "=" : "?"; }

/* Digits of a number from 1 to 10, by repeated multiplication. */
static void digits(f80 x) {
  for (int i = 0; i < 20; i++) {
    int digit = (int)x;
    put_char('0' + digit);
    x = (x - digit) * 10;
  }
  put_char('\n');
}

void longdouble(void) {
  f80 c[12];
  for (int i = 0; i < 12; i++) c[i] = (f80)(i64)random64() / 3.0L;
  for (int i = 0; i < 6; i++) show("horner", horner((f80)(i - 3) / 7, c, 12));
  for (int i = 1; i < 8; i++) show("power", power(1.0L + 1.0L / i, 20 * i));
  for (int i = 2; i < 8; i++) show("root", root(i));
  for (int i = 0; i < 8; i++) {
    f80 a = (f80)(i64)random64(), b = (f80)(i64)(random64() >> (i * 6));
    show("remainder", remainder_of(a, b));
    f80 exponent, significand = split(a / b, &exponent);
    show("significand", significand);
    show("exponent", exponent);
    for (u16 mode = 0; mode < 4; mode++) show("rounded", rounded(a / b, mode));
    print("%ld %lu %d %b\n", (i64)(a / (1ll << 40)), (u64)(i64)(b < 0 ? -b : b), (int)(a / 1e13L), (double)(a * b));
    show("float", (f80)(float)a + (f80)(double)b);
    print("%s %s %s\n", order(a, b), order(b, a), order(a, a));
  }
  f80 zero = 0 * c[0], infinity = 1 / (zero < 0 ? -zero : zero), nan = infinity - infinity;
  print("%s %s %s\n", order(nan, 1), order(infinity, c[1]), order(-infinity, nan));
  show("infinity", infinity);
  show("unsigned", (f80)0xffffffffffffffffull);
  show("tiny", power(0.5L, 16400));
  digits(root(2));
  digits(power(1.0L + 0x1p-30L, 1 << 30));
  f80 pi, ln2, log2e;
  __asm__("fldpi" : "=t"(pi));
  __asm__("fldln2" : "=t"(ln2));
  __asm__("fldl2e" : "=t"(log2e));
  digits(pi);
  digits(ln2 + 1);
  digits(log2e);
}
