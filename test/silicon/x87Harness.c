/* Single x87 and MMX instructions on the processor at hand: the whole image that FXSAVE64 stores. Records: see x87Silicon.ts. */
#include <stdint.h>

#define DATA_SIZE 1024

struct state {
  uint8_t area[512];
};

#include "stateHarness.h"

static void put_state(uint8_t *image, const struct state *state) {
  memcpy(image, state->area, sizeof state->area);
}

static void take_state(struct state *state, const uint8_t *image) {
  memcpy(state->area, image, sizeof state->area);
}
