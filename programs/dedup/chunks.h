/** Chunks of the input, and the table of those that have been seen. */
#ifndef CHUNKS_H
#define CHUNKS_H

#include "sha1.h"

/** Chunks are cut where the contents say so, so that an insertion moves no more than one border. */
enum { CHUNK_LEAST = 1024, CHUNK_MOST = 16 * 1024 };

/** A chunk's length, of the `bytes` bytes that are left. */
size_t chunk_length(const uint8_t *data, size_t bytes);

struct chunk {
  /** Its place in the input: which buffer, which chunk of that, and whether it is the last of them. */
  unsigned long buffer;
  unsigned long index;
  bool last;
  size_t size;
  uint8_t *data;
  struct digest digest;
  /** Compressed, by whoever saw the contents first; NULL for the others. */
  uint8_t *packed;
  size_t packed_size;
  struct chunk *next;
};

/** Makes the table of the contents that are known. */
void contents_init(void);
/** True the first time that these contents are entered. */
bool contents_enter(const struct digest *digest);
/** How many different ones there are. */
unsigned long contents_count(void);

#endif
