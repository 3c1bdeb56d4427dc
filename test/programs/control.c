/* Ways to go: switch tables, computed jumps, calls through pointers, long jumps, arguments that vary. */
#include "runtime/program.h"

OPAQUE static int dense(int n) {
  switch (n) {
    case 0: return 17;
    case 1: return n * 3 + 1;
    case 2: return -n;
    case 3: return n << 7;
    case 4: return 0x7fffffff - n;
    case 5: return n ^ 0x55;
    case 6: return ~n;
    case 7: return 99;
    case 9: return 1000;
    case 11: return 12345;
    default: return -1;
  }
}

OPAQUE static int sparse(u64 n) {
  switch (n) {
    case 1ull << 40: return 1;
    case 0xdeadbeef: return 2;
    case 7: return 3;
    case ~0ull: return 4;
    default: return 5;
  }
}

/* A machine with computed jumps. */
OPAQUE static u64 threaded(const u8 *code) {
  static const void *const labels[] = {&&halt, &&twice, &&increase, &&square, &&rotate, &&back};
  u64 a = 3;
  int turns = 0;
  goto *labels[*code++];
twice:
  a *= 2;
  goto *labels[*code++];
increase:
  a++;
  goto *labels[*code++];
square:
  a = mix(a, a * a);
  goto *labels[*code++];
rotate:
  a = a << 13 | a >> 51;
  goto *labels[*code++];
back:
  if (turns++ < 5) code -= 4;
  goto *labels[*code++];
halt:
  return a;
}

OPAQUE static i64 sum_of(const char *kinds, va_list list) {
  i64 sum = 0;
  for (; *kinds; kinds++) {
    if (*kinds == 'i') sum += va_arg(list, int);
    else if (*kinds == 'l') sum += va_arg(list, i64);
    else if (*kinds == 'd') sum += (i64)(va_arg(list, double) * 16);
    else if (*kinds == 'x') sum += (i64)(va_arg(list, long double) * 256);
    else {
      struct pair {
        i64 a;
        double b;
      } p = va_arg(list, struct pair);
      sum += p.a + (i64)p.b;
    }
  }
  return sum;
}

OPAQUE static i64 varying(const char *kinds, ...) {
  va_list list, again;
  va_start(list, kinds);
  va_copy(again, list);
  i64 sum = sum_of(kinds, list) * 2 - sum_of(kinds, again);
  va_end(list);
  va_end(again);
  return sum;
}

static void *buffer[5];
OPAQUE static void deep(int n) {
  volatile char room[64];
  room[n & 63] = n;
  if (n == 0) __builtin_longjmp(buffer, 1);
  deep(n - 1);
  room[0]++;
}

OPAQUE static int catches(int n) {
  if (__builtin_setjmp(buffer) == 0) {
    deep(n);
    return -1;
  }
  return n;
}

OPAQUE static u32 ackermann(u32 m, u32 n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
static int even(u32 n);
OPAQUE static int odd(u32 n) { return n == 0 ? 0 : even(n - 1); }
OPAQUE static int even(u32 n) { return n == 0 ? 1 : odd(n - 1); }

typedef int (*step)(int);
OPAQUE static int add7(int n) { return n + 7; }
OPAQUE static int times3(int n) { return n * 3; }
OPAQUE static int negate(int n) { return -n; }
static int (*const volatile steps[])(int) = {add7, times3, negate, dense};

void control(void) {
  for (int n = -1; n < 13; n++) print("%d ", dense(n));
  print("\n%d %d %d %d %d\n", sparse(1ull << 40), sparse(0xdeadbeef), sparse(7), sparse(~0ull), sparse(8));
  static const u8 code[] = {1, 2, 3, 4, 5, 2, 0};
  print("%lx\n", threaded(code));
  struct pair {
    i64 a;
    double b;
  } pair = {5, 7.5};
  print("%ld\n", varying("iidlxdpiiilllddddddddxxp", 1, -2, 3.25, 1ll << 40, 2.5L, -8.0, pair, 4, 5, 6, 7ll, 8ll, 9ll, .5, 1.5, 2.5, 3.5, 4.5,
                         5.5, 6.5, 7.5, 1e3L, -1e2L, pair));
  print("%d %d\n", catches(3), catches(200));
  print("%u %d %d\n", ackermann(2, 60), even(501), odd(501));
  int value = 1;
  for (int i = 0; i < 40; i++) value = steps[(u32)(value ^ i) % 4](value) & 0xffff;
  print("%d\n", value);
}
