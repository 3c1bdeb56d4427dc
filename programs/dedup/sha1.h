/** SHA-1 (FIPS 180-4, "SHA-1"): the name by which a chunk is known. */
#ifndef SHA1_H
#define SHA1_H

#include "../runtime/types.h"

struct digest {
  uint32_t words[5];
};

struct digest sha1(const uint8_t *data, size_t bytes);

#endif
