/**
 * System calls, by Linux's numbers and registers for x86-64: RAX = number; RDI, RSI, RDX, R10, R8, R9; RAX = result, or minus an error
 * number. These are all that the programs use.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "types.h"

enum {
  SYS_READ = 0,
  SYS_WRITE = 1,
  SYS_CLOSE = 3,
  SYS_MMAP = 9,
  SYS_MPROTECT = 10,
  SYS_MUNMAP = 11,
  SYS_PIPE = 22,
  SYS_SCHED_YIELD = 24,
  SYS_MADVISE = 28,
  SYS_NANOSLEEP = 35,
  SYS_GETPID = 39,
  SYS_SOCKETPAIR = 53,
  SYS_CLONE = 56,
  SYS_EXIT = 60,
  SYS_ARCH_PRCTL = 158,
  SYS_GETTID = 186,
  SYS_FUTEX = 202,
  SYS_SCHED_GETAFFINITY = 204,
  SYS_EXIT_GROUP = 231,
};

enum {
  PROT_NONE = 0,
  PROT_READ = 1,
  PROT_WRITE = 2,
  MAP_PRIVATE = 0x02,
  MAP_ANONYMOUS = 0x20,
  MAP_NORESERVE = 0x4000,
  MADV_DONTNEED = 4,
  ARCH_SET_FS = 0x1002,
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAKE_PRIVATE = 129,
  AF_UNIX = 1,
  SOCK_STREAM = 1,
};

static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static inline long system_call_3(long number, long a, long b, long c) { return system_call(number, a, b, c, 0, 0, 0); }

/** A mapping of whole pages of zeros; a number from -4095 to -1 in its place is an error. */
static inline void *map_pages(size_t bytes, int protection) {
  return (void *)system_call(SYS_MMAP, 0, (long)bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static inline bool is_error(const void *result) { return (unsigned long)result > -4096ul; }

/** Waits until somebody wakes the word, unless it is no longer `seen`. May return for no reason. */
static inline long futex_wait(const int *word, int seen) {
  return system_call(SYS_FUTEX, (long)word, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
}

/** Wakes up to `count` of those who wait for the word. */
static inline long futex_wake(const int *word, int count) {
  return system_call(SYS_FUTEX, (long)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

#endif
