/* Integers of 128 bits: products, quotients, shifts, comparisons, and what is printed of them. */
#include "runtime/program.h"

typedef __int128 i128;

static void show(u128 value) {
  char text[40];
  int n = 0;
  do text[n++] = '0' + (int)(value % 10), value /= 10;
  while (value != 0);
  while (n > 0) put_char(text[--n]);
  put_char(' ');
}

static void show_signed(i128 value) {
  if (value < 0) put_char('-');
  show(value < 0 ? -(u128)value : (u128)value);
}

OPAQUE static u128 factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

OPAQUE static u128 power_modulo(u128 base, u128 exponent, u64 modulus) {
  u128 result = 1;
  for (base %= modulus; exponent != 0; exponent >>= 1, base = base * base % modulus)
    if (exponent & 1) result = result * base % modulus;
  return result;
}

OPAQUE static u128 gcd(u128 a, u128 b) {
  while (b != 0) {
    u128 r = a % b;
    a = b;
    b = r;
  }
  return a;
}

void wideint(void) {
  for (int n = 20; n <= 34; n += 2) show(factorial(n));
  print("\n");
  for (int i = 0; i < 12; i++) {
    u128 a = (u128)random64() << 64 | random64(), b = (u128)(random64() >> (i * 5)) << (i & 1 ? 40 : 0) | 1;
    show(a / b);
    show(a % b);
    show_signed((i128)a / -(i128)b);
    show_signed((i128)a % (i128)b);
    show(a << (i * 11) | a >> (128 - 11 * (i + 1) % 128));
    show_signed((i128)a >> (i * 9));
    print("%d%d%d\n", a < b, (i128)a < (i128)b, a * b > a + b);
  }
  show(power_modulo(3, factorial(30), 1000000007));
  show(power_modulo(random64(), random64(), 0xffffffffffffffc5ull));
  show(gcd(factorial(31), factorial(17) * 12345678910111213ull));
  u64 carry = 0, sum[4], x[4], y[4];
  for (int i = 0; i < 4; i++) x[i] = ~0ull - (i == 2), y[i] = random64();
  for (int i = 0; i < 4; i++) {
    u128 s = (u128)x[i] + y[i] + carry;
    sum[i] = s;
    carry = s >> 64;
  }
  print("%lx %lx %lx %lx %lu\n", sum[0], sum[1], sum[2], sum[3], carry);
  print("%f %f\n", (double)factorial(20), (double)(i128)-5);
}
