/**
 * Marks for an observer of the machine (src/arch/marks.ts): a NOP whose displacement carries a number, with RDI, RSI and RDX as its
 * arguments. Everywhere else it is the NOP that it is.
 */
#ifndef MARKS_H
#define MARKS_H

#include "types.h"

#define MARK_BASE 0x50410000
#define MARK_ROI_BEGIN 5
#define MARK_ROI_END 6
#define MARK_FIGURE 7

#define MARK(number) __asm__ volatile("nopl %c0(%%rax)" : : "i"(MARK_BASE + (number)) : "memory")

/** The figure of that number has this value. */
static inline void mark_figure(unsigned long figure, unsigned long value) {
  __asm__ volatile("nopl %c0(%%rax)" : : "i"(MARK_BASE + MARK_FIGURE), "D"(figure), "S"(value) : "memory");
}

/** Time-stamp counter. */
static inline uint64_t cycles(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

#endif
