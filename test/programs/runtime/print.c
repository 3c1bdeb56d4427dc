/* Formatted output, the same under either runtime. */
#include "program.h"

volatile u64 random_state = 88172645463325252ull;

u64 random64(void) {
  u64 x = random_state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return random_state = x;
}

static void put_number(u64 value, unsigned base) {
  char digits[64];
  int count = 0;
  do digits[count++] = "0123456789abcdef"[value % base];
  while ((value /= base) != 0);
  while (count > 0) put_char(digits[--count]);
}

static void put_signed(i64 value) {
  if (value < 0) put_char('-');
  put_number(value < 0 ? 0 - (u64)value : (u64)value, 10);
}

static void put_text(const char *text) {
  while (*text) put_char(*text++);
}

static void put_double(double value) {
  union { double d; u64 u; } bits = {value};
  if (bits.u >> 63) put_char('-');
  if (value != value) return put_text("nan");
  if (value < 0) value = -value;
  if (value > 1e18) return value > 1.7976931348623157e308 ? put_text("inf") : (put_double(value / 1e18), put_text("e18"));
  u64 whole = (u64)value;
  u64 millionths = (u64)((value - (double)whole) * 1e6 + 0.5);
  if (millionths >= 1000000) whole++, millionths -= 1000000;
  put_number(whole, 10);
  put_char('.');
  for (u64 unit = 100000; unit > 0; unit /= 10) put_char('0' + (int)(millionths / unit % 10));
}

void print(const char *format, ...) {
  va_list list;
  va_start(list, format);
  for (; *format; format++) {
    if (*format != '%') {
      put_char(*format);
      continue;
    }
    int wide = *++format == 'l';
    if (wide) format++;
    switch (*format) {
      case 'd': put_signed(wide ? va_arg(list, i64) : va_arg(list, int)); break;
      case 'u': put_number(wide ? va_arg(list, u64) : va_arg(list, unsigned), 10); break;
      case 'x': put_number(wide ? va_arg(list, u64) : va_arg(list, unsigned), 16); break;
      case 'c': put_char(va_arg(list, int)); break;
      case 's': put_text(va_arg(list, const char *)); break;
      case 'f': put_double(va_arg(list, double)); break;
      case 'b': {
        union { double d; u64 u; } bits = {va_arg(list, double)};
        put_number(bits.u, 16);
        break;
      }
      default: put_char(*format);
    }
  }
  va_end(list);
}
