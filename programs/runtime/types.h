/** Numbers and sizes, as a freestanding program has them. */
#ifndef TYPES_H
#define TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul
#define CACHE_LINE 64

#define ROUND_UP(value, unit) (((value) + (unit) - 1) / (unit) * (unit))
#define ROUND_DOWN(value, unit) ((value) / (unit) * (unit))

#endif
