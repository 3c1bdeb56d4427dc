/* What every program may use, on the machine without an operating system as under one. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 u128;
#endif

/* %d %u %x (32 bits), %ld %lu %lx (64 bits), %c, %s, %f (six decimals), %b (the bits of a double). */
void print(const char *format, ...);
/* The one thing that differs: where a byte goes. */
void put_char(int c);

/* A generator that no compiler can see through. */
extern volatile u64 random_state;
u64 random64(void);

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPAQUE __attribute__((noinline, noclone))

static inline u64 mix(u64 sum, u64 value) { return (sum ^ value) * 0x9e3779b97f4a7c15ull + (sum >> 29); }
