/* Decimal and binary: doubles printed exactly and read back, as C libraries do it, with large integers and none. */
#include "runtime/program.h"

#define LIMBS 90
#define DIGITS 1200

typedef struct {
  u32 limb[LIMBS];
  int used;
} big;

OPAQUE static void multiply(big *n, u32 by, u32 carry) {
  u64 sum = carry;
  for (int i = 0; i < n->used; i++) {
    sum += (u64)n->limb[i] * by;
    n->limb[i] = sum;
    sum >>= 32;
  }
  if (sum != 0) n->limb[n->used++] = sum;
}

OPAQUE static u32 divide(big *n, u32 by) {
  u64 rest = 0;
  for (int i = n->used - 1; i >= 0; i--) {
    rest = rest << 32 | n->limb[i];
    n->limb[i] = rest / by;
    rest %= by;
  }
  while (n->used > 0 && n->limb[n->used - 1] == 0) n->used--;
  return rest;
}

/* All digits of a double: its significand times a power of two, or of five with the point moved. */
static void show(double value) {
  u64 bits;
  memcpy(&bits, &value, 8);
  if (bits >> 63) put_char('-');
  int exponent = bits >> 52 & 0x7ff;
  u64 significand = (bits & 0xfffffffffffffull) | (exponent ? 1ull << 52 : 0);
  if (exponent == 0x7ff) {
    print(significand << 12 ? "nan\n" : "inf\n");
    return;
  }
  exponent = significand == 0 ? 0 : (exponent ? exponent : 1) - 1075;
  while (exponent < 0 && significand != 0 && (significand & 1) == 0) significand >>= 1, exponent++;
  big n = {{(u32)significand, (u32)(significand >> 32)}, significand >> 32 ? 2 : significand ? 1 : 0};
  for (int i = 0; i < exponent; i++) multiply(&n, 2, 0);
  for (int i = 0; i < -exponent; i++) multiply(&n, 5, 0);
  char text[DIGITS];
  int digits = 0;
  while (n.used > 0 && digits < DIGITS - 1) text[digits++] = '0' + divide(&n, 10);
  int point = exponent < 0 ? -exponent : 0;
  while (digits <= point) text[digits++] = '0';
  for (int i = digits - 1; i >= 0; i--) {
    put_char(text[i]);
    if (i == point && i > 0) put_char('.');
  }
  put_char('\n');
}

/* Reads a decimal number: exact for up to 15 digits and small exponents. */
OPAQUE static double parse(const char *text) {
  double value = 0, scale = 1;
  int negative = *text == '-', exponent = 0, sign = 1;
  for (text += negative; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0'), scale *= 10;
  if (*text == 'e') {
    if (*++text == '-') sign = -1, text++;
    for (; *text >= '0' && *text <= '9'; text++) exponent = exponent * 10 + (*text - '0');
  }
  for (; exponent > 0; exponent--) {
    if (sign > 0) value *= 10;
    else scale *= 10;
  }
  value /= scale;
  return negative ? -value : value;
}

void formatting(void) {
  static const char *const numbers[] = {"0.1", "3.14159265358979", "-2.5", "1e22", "123456789012345", "9.5e-7", "-0", "7e-3", "0.333333333333333"};
  for (u32 i = 0; i < COUNT(numbers); i++) show(parse(numbers[i]));
  for (int i = 0; i < 20; i++) {
    u64 bits = (random64() & 0x800fffffffffffffull) | (u64)(1023 - 60 + random64() % 120) << 52;
    double value;
    memcpy(&value, &bits, 8);
    show(value);
    show((float)value);
  }
  volatile double zero = 0;
  show(1 / zero);
  show(zero / zero);
  show(0x1p-1022 / 16 * 3);
  show(-1e200 * 1e150);
}
