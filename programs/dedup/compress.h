/** A compressor of the Lempel-Ziv family: literals, and copies of what came before. */
#ifndef COMPRESS_H
#define COMPRESS_H

#include "../runtime/types.h"

/** Most bytes that `bytes` bytes can become. */
#define COMPRESSED_ROOM(bytes) ((bytes) + (bytes) / 127 + 16)

/** Returns the size of the result. `bytes` is at most 64 KB. */
size_t compress(const uint8_t *from, size_t bytes, uint8_t *to);
/** Returns the size of the result, or ~0 when `from` is nothing that `compress` has made, or has no room in `to`. */
size_t expand(const uint8_t *from, size_t bytes, uint8_t *to, size_t room);

#endif
