/* Functions on strings and memory, the compiler's own moves of every size, and the processor's string instructions. */
#include "runtime/program.h"

static OPAQUE char *find_text(const char *in, const char *what) {
  size_t length = strlen(what);
  for (; *in; in++)
    if (memcmp(in, what, length) == 0) return (char *)in;
  return length == 0 ? (char *)in : NULL;
}

static OPAQUE int compare(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}

static OPAQUE i64 to_number(const char *text) {
  i64 value = 0;
  int negative = *text == '-';
  for (text += negative; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  return negative ? -value : value;
}

static OPAQUE void reverse(char *text) {
  for (char *end = text + strlen(text) - 1; text < end; text++, end--) {
    char c = *text;
    *text = *end;
    *end = c;
  }
}

static OPAQUE int edit_distance(const char *a, const char *b) {
  int row[64];
  for (int j = 0; j <= (int)strlen(b); j++) row[j] = j;
  for (int i = 1; a[i - 1]; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; b[j - 1]; j++) {
      int best = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[strlen(b)];
}

static u64 sum_of(const u8 *data, size_t size) {
  u64 sum = 0;
  for (size_t i = 0; i < size; i++) sum = mix(sum, data[i]);
  return sum;
}

/* A move of a size the compiler knows: it picks the registers. */
#define MOVE(n) __builtin_memcpy(to + n % 7, from + n % 5, n); __builtin_memset(to + 200, n, n % 23)

static OPAQUE void moves(u8 *to, const u8 *from) {
  MOVE(1); MOVE(2); MOVE(3); MOVE(5); MOVE(7); MOVE(8); MOVE(11); MOVE(15); MOVE(16); MOVE(17);
  MOVE(31); MOVE(33); MOVE(48); MOVE(63); MOVE(64); MOVE(65); MOVE(100); MOVE(127); MOVE(128); MOVE(129);
}

static u64 instructions(u8 *a, u8 *b) {
  u64 sum = 0;
  for (u64 size = 0; size < 70; size += 3) {
    u64 count = size;
    u8 *s = a, *d = b;
    asm volatile("rep movsw" : "+S"(s), "+D"(d), "+c"(count)::"memory");
    sum = mix(sum, (u64)(s - a) * 131 + (u64)(d - b));
    count = size;
    d = b;
    asm volatile("repne scasb" : "+D"(d), "+c"(count) : "a"((u8)(size * 5)) : "memory", "cc");
    sum = mix(sum, (u64)(d - b) * 257 + count);
    count = size;
    s = a + 1;
    d = b + 1;
    u8 below;
    asm volatile("cmp %%rax, %%rax\n repe cmpsb\n setb %3" : "+S"(s), "+D"(d), "+c"(count), "=r"(below)::"memory", "cc");
    sum = mix(sum, (u64)(d - b) * 3 + below + count);
    count = size;
    d = b + 199;
    asm volatile("std\n rep stosb\n cld" : "+D"(d), "+c"(count) : "a"((u8)size) : "memory");
    sum = mix(sum, sum_of(b, 256));
    b[size] ^= 1;
  }
  return sum;
}

void strings(void) {
  static u8 a[512], b[512];
  static char text[64] = "the quick brown fox jumps over the lazy dog";
  print("%s %ld\n", find_text(text, "brown"), (i64)(find_text(text, "z") - text));
  print("%d %d %d\n", compare("abc", "abd"), compare("\xff", "a"), compare("same", "same"));
  print("%ld %ld\n", to_number("-9223372036854775807"), to_number("1234567890123x"));
  reverse(text);
  print("%s\n", text);
  print("%d %d\n", edit_distance("kitten", "sitting"), edit_distance("a long sentence of words", "another sentence with words"));
  for (size_t i = 0; i < sizeof a; i++) a[i] = (u8)random64();
  moves(b, a);
  print("moves %lx\n", sum_of(b, sizeof b));
  print("string instructions %lx\n", instructions(a, b));
  for (size_t shift = 0; shift < 20; shift += 3) memmove(b + shift, b + 9, 300), memmove(b + 9, b + shift, 290);
  print("overlaps %lx\n", sum_of(b, sizeof b));
}
