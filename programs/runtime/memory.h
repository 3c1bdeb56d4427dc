/** What the compiler expects to find, and may call by itself. */
#ifndef MEMORY_H
#define MEMORY_H

#include "types.h"

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);
size_t strlen(const char *text);

#endif
