/* Five ways to sort, and binary search. */
#include "runtime/program.h"

#define N 160
static i64 source[N], work[N], room[N];

static void insertion(i64 *a, int n) {
  for (int i = 1; i < n; i++) {
    i64 x = a[i];
    int j = i;
    for (; j > 0 && a[j - 1] > x; j--) a[j] = a[j - 1];
    a[j] = x;
  }
}

static void quick(i64 *a, int low, int high) {
  while (low < high) {
    i64 pivot = a[(low + high) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        i64 t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    quick(a, low, j);
    low = i;
  }
}
static void quick_all(i64 *a, int n) { quick(a, 0, n - 1); }

static void heap(i64 *a, int n) {
  for (int start = n / 2 - 1, end = n; end > 1;) {
    if (start >= 0) start--;
    else {
      i64 t = a[--end];
      a[end] = a[0];
      a[0] = t;
    }
    for (int root = start < 0 ? 0 : start, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && a[child] < a[child + 1]) child++;
      if (a[root] >= a[child]) break;
      i64 t = a[root];
      a[root] = a[child];
      a[child] = t;
    }
  }
  insertion(a, n);
}

static void merge(i64 *a, int n) {
  for (int width = 1; width < n; width *= 2) {
    for (int i = 0; i < n; i += 2 * width) {
      int middle = i + width < n ? i + width : n, end = i + 2 * width < n ? i + 2 * width : n;
      for (int k = i, left = i, right = middle; k < end; k++)
        room[k] = left < middle && (right >= end || a[left] <= a[right]) ? a[left++] : a[right++];
    }
    memcpy(a, room, (size_t)n * sizeof *a);
  }
}

static void radix(i64 *a, int n) {
  for (int shift = 0; shift < 64; shift += 8) {
    int count[257] = {0};
    for (int i = 0; i < n; i++) count[((u64)a[i] >> shift & 255) + 1]++;
    for (int i = 0; i < 256; i++) count[i + 1] += count[i];
    for (int i = 0; i < n; i++) room[count[(u64)a[i] >> shift & 255]++] = a[i];
    memcpy(a, room, (size_t)n * sizeof *a);
  }
  /* Negative numbers came out last. */
  int first = 0;
  while (first < n && a[first] >= 0) first++;
  for (int i = 0; i < n; i++) room[i] = a[(first + i) % n];
  memcpy(a, room, (size_t)n * sizeof *a);
}

static int find(const i64 *a, int n, i64 key) {
  int low = 0, high = n;
  while (low < high) {
    int middle = (int)(((unsigned)low + (unsigned)high) >> 1);
    if (a[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

void sorting(void) {
  void (*const ways[])(i64 *, int) = {insertion, quick_all, heap, merge, radix};
  for (int i = 0; i < N; i++) source[i] = (i64)random64() >> (random64() & 63);
  for (unsigned way = 0; way < COUNT(ways); way++) {
    memcpy(work, source, sizeof work);
    ways[way](work, N);
    u64 sum = 0;
    for (int i = 0; i < N; i++) sum = mix(sum, (u64)work[i]);
    print("%u: %lx, least %ld, greatest %ld\n", way, sum, work[0], work[N - 1]);
  }
  u64 places = 0;
  for (int i = 0; i < N; i++) places = mix(places, (u64)find(work, N, source[i] + (i & 1)));
  print("places %lx\n", places);
}
