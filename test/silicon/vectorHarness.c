/* Single SSE instructions on the processor at hand: MXCSR and the XMM registers. Records: see vectorSilicon.ts. */
#include <stdint.h>

#define DATA_SIZE 512

struct state {
  uint64_t mxcsr;
  uint8_t xmm[256];
};

#include "stateHarness.h"

#define MXCSR_AT 24
#define XMM_AT 160

static void put_state(uint8_t *image, const struct state *state) {
  memcpy(image + MXCSR_AT, &state->mxcsr, 4);
  memcpy(image + XMM_AT, state->xmm, sizeof state->xmm);
}

static void take_state(struct state *state, const uint8_t *image) {
  memcpy(&state->mxcsr, image + MXCSR_AT, 4);
  memcpy(state->xmm, image + XMM_AT, sizeof state->xmm);
}
