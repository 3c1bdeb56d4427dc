/* Structures by value, variable arguments, pointers to functions, jumps out of functions, atomic operations, stack frames of unknown size. */
#include "runtime/program.h"

typedef struct { u8 bytes[3]; } Three;
typedef struct { double x, y; } Point;
typedef struct { u64 id; float weight; u16 kind; u8 name[13]; } Record;
typedef struct { u64 words[33]; } Large;
typedef struct { i32 a; double b; } Mixed;

static OPAQUE Three three(Three t, u8 add) {
  for (int i = 0; i < 3; i++) t.bytes[i] = (u8)(t.bytes[i] * 3 + add);
  return t;
}
static OPAQUE Point turn(Point p, double c, double s) { return (Point){p.x * c - p.y * s, p.x * s + p.y * c}; }
static OPAQUE Record record(const Record *from, int i) {
  Record r = *from;
  r.id += (u64)i * 0x100000001ull;
  r.weight = r.weight * 1.5f + (float)i;
  r.kind ^= (u16)(i << 3);
  r.name[i % 13] += (u8)i;
  return r;
}
static OPAQUE Large large(Large l, Large m, int n) {
  for (int i = 0; i < 33; i++) l.words[i] = l.words[i] * 3 ^ m.words[(i + n) % 33];
  return l;
}
static OPAQUE Mixed mixed(int a, double b, Mixed m, float f, u8 c) { return (Mixed){a + m.a + c, b * m.b - (double)f}; }

static OPAQUE double variable(int count, ...) {
  va_list list, copy;
  va_start(list, count);
  va_copy(copy, list);
  double sum = 0;
  for (int i = 0; i < count; i++) sum = sum * 0.5 + (i % 3 == 0 ? va_arg(list, double) : i % 3 == 1 ? (double)va_arg(list, int) : (double)va_arg(list, u64));
  sum += va_arg(copy, double);
  va_end(list);
  va_end(copy);
  return sum;
}

static void *place[5];
static OPAQUE void descend(int depth) {
  volatile u8 room[40];
  room[depth % 40] = (u8)depth;
  if (depth == 0) __builtin_longjmp(place, 1);
  descend(depth - 1);
  random_state += room[depth % 40];
}
static OPAQUE int jump(int depth) {
  if (__builtin_setjmp(place) == 0) {
    descend(depth);
    return -1;
  }
  return depth;
}

static OPAQUE u64 frame(u64 n) {
  u64 array[n];
  for (u64 i = 0; i < n; i++) array[i] = random64();
  u64 *more = __builtin_alloca((n & 15) * 8 + 8);
  for (u64 i = 0; i <= (n & 15); i++) more[i] = array[i % n] * i;
  u64 sum = 0;
  for (u64 i = 0; i < n; i++) sum = mix(sum, array[i] ^ more[i % ((n & 15) + 1)]);
  return sum;
}

static u64 atomics(void) {
  static u64 wide = 5;
  static u32 narrow = 7;
  static u8 byte = 9;
  u64 sum = 0;
  for (int i = 0; i < 50; i++) {
    sum = mix(sum, __atomic_fetch_add(&wide, 0x123456789ull * (u64)i, __ATOMIC_SEQ_CST));
    sum = mix(sum, __atomic_sub_fetch(&narrow, (u32)i, __ATOMIC_SEQ_CST));
    sum = mix(sum, __atomic_fetch_xor(&byte, (u8)i, __ATOMIC_SEQ_CST));
    sum = mix(sum, __atomic_fetch_and(&wide, ~(1ull << i), __ATOMIC_SEQ_CST));
    sum = mix(sum, __atomic_exchange_n(&narrow, narrow * 3, __ATOMIC_SEQ_CST));
    u64 expected = i & 1 ? wide : wide + 1;
    sum = mix(sum, __atomic_compare_exchange_n(&wide, &expected, wide + 99, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    sum = mix(sum, expected);
    sum = mix(sum, __atomic_fetch_or(&byte, (u8)(1 << (i & 7)), __ATOMIC_SEQ_CST));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
  return mix(sum, wide ^ narrow ^ byte);
}

void structs(void) {
  Three t = {{1, 2, 3}};
  Point p = {1, 0};
  Record r = {1, 0.25f, 3, "a record"};
  static Large l, m;
  Mixed x = {1, 2.5};
  for (int i = 0; i < 33; i++) l.words[i] = random64(), m.words[i] = random64();
  for (int i = 0; i < 24; i++) {
    t = three(t, (u8)i);
    p = turn(p, 0.96592582628906831, 0.25881904510252074);
    r = record(&r, i);
    l = large(l, m, i);
    x = mixed(i, 1.25, x, 0.5f, (u8)(250 + i));
  }
  print("%d %d %d, %f %f, %b\n", t.bytes[0], t.bytes[1], t.bytes[2], p.x, p.y, p.x);
  u64 sum = 0;
  for (int i = 0; i < 13; i++) sum = mix(sum, r.name[i]);
  print("%lx %f %x %lx\n", r.id, (double)r.weight, r.kind, sum);
  for (int i = 0; i < 33; i++) sum = mix(sum, l.words[i]);
  print("large %lx, mixed %d %f\n", sum, x.a, x.b);
  print("variable %f\n", variable(14, 1.5, 2, 3ull, 4.5, 5, 6ull, 7.5, 8, 9ull, 10.5, 11, 12ull, 13.5, 14));
  print("jumps %d %d\n", jump(3), jump(40));
  print("frames %lx %lx\n", frame(5), frame(100));
  print("atomics %lx\n", atomics());
}
