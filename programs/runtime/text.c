/** Text out and arguments in. */
#include "text.h"

#include "memory.h"
#include "system.h"

enum { LINE_SIZE = 256, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct line {
  char text[LINE_SIZE];
  size_t length;
};

static void put(struct line *line, char byte) {
  if (line->length < LINE_SIZE - 1) line->text[line->length++] = byte;
}

static void put_number(struct line *line, unsigned long value, unsigned base, int digits) {
  char reversed[32];
  int count = 0;
  do reversed[count++] = "0123456789abcdef"[value % base];
  while ((value /= base) != 0 || count < digits);
  while (count > 0) put(line, reversed[--count]);
}

static void write_line(const char *format, va_list values) {
  struct line line;
  line.length = 0;
  for (; *format != 0; format++) {
    if (*format != '%') {
      put(&line, *format);
      continue;
    }
    switch (*++format) {
      case 's':
        for (const char *text = va_arg(values, const char *); *text != 0; text++) put(&line, *text);
        break;
      case 'u': put_number(&line, va_arg(values, unsigned long), 10, 1); break;
      case 'x': put_number(&line, va_arg(values, unsigned long), 16, 16); break;
      default: put(&line, *format);
    }
  }
  line.text[line.length++] = '\n';
  // One call, so that lines of several threads stay whole.
  system_call_3(SYS_WRITE, 1, (long)line.text, (long)line.length);
}

void print_line(const char *format, ...) {
  va_list values;
  va_start(values, format);
  write_line(format, values);
  va_end(values);
}

_Noreturn static void end(int status) {
  for (;;) system_call_3(SYS_EXIT_GROUP, status, 0, 0);
}

_Noreturn void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  write_line(format, values);
  va_end(values);
  end(STATUS_FAILED);
}

/** The number that `text` is, or ~0 when it is none. */
static unsigned long parse_number(const char *text) {
  unsigned long value = 0;
  if (*text == 0) return ~0ul;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || value > (~0ul - 10) / 10) return ~0ul;
    value = value * 10 + (unsigned long)(*text - '0');
  }
  return value;
}

static bool starts_with(const char *text, const char *name) { return memcmp(text, name, strlen(name)) == 0; }

static void read_argument(const char *given, const struct argument *known, size_t known_count) {
  for (size_t i = 0; i < known_count; i++) {
    const struct argument *one = &known[i];
    size_t length = strlen(one->name);
    if (strlen(given) <= length || !starts_with(given, one->name) || given[length] != '=') continue;
    unsigned long value = parse_number(given + length + 1);
    if (value == ~0ul || value < one->least || value > one->most) {
      print_line("%s: not a whole number from %u to %u", given, one->least, one->most);
      end(STATUS_USAGE);
    }
    *one->value = value;
    return;
  }
  print_line("%s: no such argument", given);
  end(STATUS_USAGE);
}

void read_arguments(int count, char **given, const struct argument *known, size_t known_count) {
  for (int i = 1; i < count; i++) read_argument(given[i], known, known_count);
}
