/* The serial line of a PC, polled: for programs without an operating system, in 32- and 64-bit code. */
#include "program.h"

static inline void out8(u16 port, u8 value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

static inline u8 in8(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

void put_char(int c) {
  while ((in8(0x3fd) & 0x20) == 0);
  out8(0x3f8, (u8)c);
}
