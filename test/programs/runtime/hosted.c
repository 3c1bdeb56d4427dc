/* Under an operating system: standard output. */
#include <stdio.h>

void put_char(int c) { putchar(c); }
