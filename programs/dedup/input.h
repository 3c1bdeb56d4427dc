/** The input of dedup: a stream of files, made of words; some files are there more than once. A function of the seed. */
#ifndef INPUT_H
#define INPUT_H

#include "../runtime/types.h"

struct input {
  uint64_t seed;
  /** Bytes still to come. */
  size_t left;
  /** The file that is being read: the random state that makes it, and its bytes still to come. */
  uint64_t random;
  size_t file_left;
  unsigned long files;
};

void input_open(struct input *input, uint64_t seed, size_t bytes);
/** The next up to `room` bytes; 0 at the end. */
size_t input_read(struct input *input, uint8_t *into, size_t room);

#endif
