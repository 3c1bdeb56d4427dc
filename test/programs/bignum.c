/* Numbers of many words: carries, 128-bit products and quotients, powers modulo a number, decimal output. */
#include "runtime/program.h"

#define WORDS 40
typedef struct { u64 word[WORDS]; } Big;

static void add(Big *a, const Big *b) {
  unsigned long long carry = 0;
  for (int i = 0; i < WORDS; i++) {
    u64 sum;
    unsigned long long c1 = __builtin_add_overflow(a->word[i], b->word[i], &sum);
    unsigned long long c2 = __builtin_add_overflow(sum, carry, &a->word[i]);
    carry = c1 | c2;
  }
}

static void multiply_small(Big *a, u64 factor) {
  u64 carry = 0;
  for (int i = 0; i < WORDS; i++) {
    u128 product = (u128)a->word[i] * factor + carry;
    a->word[i] = (u64)product;
    carry = (u64)(product >> 64);
  }
}

static u64 divide_small(Big *a, u64 divisor) {
  u128 rest = 0;
  for (int i = WORDS - 1; i >= 0; i--) {
    u128 part = rest << 64 | a->word[i];
    u64 quotient, remainder;
    asm("divq %4" : "=a"(quotient), "=d"(remainder) : "a"((u64)part), "d"((u64)(part >> 64)), "r"(divisor) : "cc");
    a->word[i] = quotient;
    rest = remainder;
  }
  return (u64)rest;
}

static void print_decimal(Big a) {
  u64 parts[WORDS * 2];
  int count = 0;
  for (;;) {
    parts[count++] = divide_small(&a, 1000000000000000000ull);
    int zero = 1;
    for (int i = 0; i < WORDS; i++) zero &= a.word[i] == 0;
    if (zero) break;
  }
  print("%lu", parts[--count]);
  while (count-- > 0)
    for (u64 unit = 100000000000000000ull; unit > 0; unit /= 10) print("%lu", parts[count] / unit % 10);
  print("\n");
}

static void multiply(Big *result, const Big *a, const Big *b) {
  memset(result, 0, sizeof *result);
  for (int i = 0; i < WORDS; i++) {
    u64 carry = 0;
    for (int j = 0; i + j < WORDS; j++) {
      u128 sum = (u128)a->word[i] * b->word[j] + result->word[i + j] + carry;
      result->word[i + j] = (u64)sum;
      carry = (u64)(sum >> 64);
    }
  }
}

static u64 power_modulo(u64 base, u64 exponent, u64 modulus) {
  u64 result = 1;
  for (base %= modulus; exponent > 0; exponent >>= 1) {
    /* The modulus fits in 63 bits, so that the quotient fits, too. */
    if (exponent & 1) result = (u64)((u128)result * base % modulus);
    base = (u64)((u128)base * base % modulus);
  }
  return result;
}

/* Adds chains with the carry flag itself, which the compiler keeps out of sight. */
static u64 carry_chain(u64 *a, const u64 *b, int rounds) {
  u64 sum = 0;
  while (rounds-- > 0) {
    u8 carry;
    asm("addq %q5, %0\n adcq %q6, %1\n adcq %q7, %2\n adcq $-1, %3\n setc %4"
        : "+r"(a[0]), "+r"(a[1]), "+r"(a[2]), "+r"(a[3]), "=r"(carry)
        : "r"(b[0]), "m"(b[1]), "r"(b[2])
        : "cc");
    asm("subq %4, %0\n sbbq $0x12345, %1\n sbbq %5, %2\n sbbq %6, %3"
        : "+r"(a[0]), "+r"(a[1]), "+r"(a[2]), "+r"(a[3])
        : "r"(b[3]), "m"(b[0]), "r"(b[1])
        : "cc");
    sum = mix(sum, a[0] ^ a[1] ^ a[2] ^ a[3] ^ carry);
  }
  return sum;
}

void bignum(void) {
  static Big a, b, c;
  memset(&a, 0, sizeof a);
  a.word[0] = 1;
  for (u64 i = 2; i <= 60; i++) multiply_small(&a, i);
  print_decimal(a);
  memset(&b, 0, sizeof b);
  memset(&c, 0, sizeof c);
  b.word[0] = 1;
  for (int i = 0; i < 300; i++) {
    Big t = b;
    add(&b, &c);
    c = t;
  }
  print_decimal(b);
  multiply(&c, &a, &b);
  u64 sum = 0;
  for (int i = 0; i < WORDS; i++) sum = mix(sum, c.word[i]);
  print("product %lx\n", sum);
  const u64 prime = 0x7fffffffffffffe7ull;
  for (int i = 0; i < 6; i++) {
    u64 x = random64() % prime;
    u64 inverse = power_modulo(x, prime - 2, prime);
    print("%lx %lx\n", inverse, (u64)((u128)x * inverse % prime));
  }
  for (int i = 0; i < 40; i++) {
    u128 x = (u128)random64() << 64 | random64();
    u128 y = ((u128)random64() << 64 | random64()) >> (random64() & 127);
    if (y == 0) y = 1;
    u128 q = x / y, r = x % y;
    __int128 sq = (__int128)x / (__int128)(y | 1), sr = (__int128)x % (__int128)(y | 1);
    sum = mix(sum, (u64)q ^ (u64)(q >> 64) ^ (u64)r ^ (u64)(r >> 64));
    sum = mix(sum, (u64)sq ^ (u64)(sq >> 64) ^ (u64)sr ^ (u64)(sr >> 64));
    sum = mix(sum, (u64)((x << (y & 127)) >> 64) ^ (u64)((__int128)x >> (y & 127)));
  }
  print("128 bits %lx\n", sum);
  u64 chain[4] = {random64(), random64(), random64(), random64()}, other[4] = {random64(), random64(), random64(), random64()};
  print("carries %lx\n", carry_chain(chain, other, 300));
}
