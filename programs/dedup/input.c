/** Files of 4 to 64 KB. Four in ten are copies of one of the last 64, as in a set of backups. */
#include "input.h"

#include "../runtime/random.h"

enum { SHARED_IN_TEN = 4, RECENT = 64, SMALLEST = 4096, SPREAD = 60 * 1024, VOCABULARY = 1024 };

void input_open(struct input *input, uint64_t seed, size_t bytes) {
  input->seed = seed;
  input->left = bytes;
  input->file_left = 0;
  input->files = 0;
}

/** The number of the file whose contents file `number` has: its own, or an earlier one's. */
static unsigned long original_of(uint64_t seed, unsigned long number) {
  for (;;) {
    uint64_t choice = mix(seed ^ mix(number));
    if (number == 0 || choice % 10 >= SHARED_IN_TEN) return number;
    unsigned long back = 1 + (choice >> 8) % RECENT;
    number = back > number ? 0 : number - back;
  }
}

static void next_file(struct input *input) {
  uint64_t random = random_start(input->seed * 31 + original_of(input->seed, input->files++));
  input->file_left = SMALLEST + random_below(&random, SPREAD);
  input->random = random;
}

/** Writes a word of 2 to 9 letters and a space: the low numbers are frequent words. Returns its length. */
static size_t put_word(uint64_t *random, uint8_t *word) {
  uint64_t draw = random_next(random);
  uint32_t number = (uint32_t)(draw % VOCABULARY) >> (draw >> 32) % 8;
  uint64_t letters = mix(number);
  size_t length = 2 + letters % 8;
  for (size_t i = 0; i < length; i++) word[i] = (uint8_t)('a' + (letters >> (8 + 5 * i)) % 26);
  word[length] = ' ';
  return length + 1;
}

size_t input_read(struct input *input, uint8_t *into, size_t room) {
  size_t done = 0;
  while (done < room && input->left > 0) {
    if (input->file_left == 0) next_file(input);
    uint8_t word[16];
    size_t length = put_word(&input->random, word);
    if (length > input->file_left) length = input->file_left;
    if (length > input->left) length = input->left;
    // A word that does not fit is cut, here and everywhere: a file's text depends on where it is cut into buffers as little as possible.
    if (length > room - done) length = room - done;
    for (size_t i = 0; i < length; i++) into[done + i] = word[i];
    done += length;
    input->file_left -= length;
    input->left -= length;
  }
  return done;
}
