/** Lines of text out, `key=value` arguments in, and the end of a program that cannot go on. */
#ifndef TEXT_H
#define TEXT_H

#include "types.h"

/** Prints one line: %s text, %u unsigned long, %x 16 hexadecimal digits, %% itself; a newline follows. Raises nothing: what does not fit is cut. */
void print_line(const char *format, ...);

/** Prints the line and ends the whole program with status 1. */
_Noreturn void fail(const char *format, ...);

/** An argument `name=number` that a program understands. */
struct argument {
  const char *name;
  unsigned long *value;
  unsigned long least;
  unsigned long most;
};

/** Every argument given has set its value. Ends the program with status 2 for an unknown name, for what is no number, and out of range. */
void read_arguments(int count, char **given, const struct argument *known, size_t known_count);

#endif
