/**
 * dedup: a parallel, deduplicating compressor, as a pipeline: the kin of PARSEC's program of that name.
 *
 *   read ──> refine (n) ──> deduplicate (n) ──> compress (n) ──> write
 *                                   └──── known contents ────────┘
 *
 * `read` makes buffers of the input, `refine` cuts them into chunks by their contents, `deduplicate` names each by its SHA-1 and asks
 * whether the contents are known, `compress` packs those that are not, `write` puts everything back into order and into the output: for
 * contents that come the first time, in the order of the input, the packed chunk, for the others the name. The output is checked by
 * unpacking it again; only its checksum and size are kept. Buffers and chunks are released in other threads than they were allocated in.
 *
 * Arguments: threads (of each stage with n; 0: one for each processor), kilobytes (of input), buffer (kilobytes of each buffer), seed.
 */
#include "dedup/chunks.h"
#include "dedup/compress.h"
#include "dedup/input.h"
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/queue.h"
#include "runtime/random.h"
#include "runtime/text.h"
#include "runtime/thread.h"

enum { STAGES = 3 };

static unsigned long threads = 0, kilobytes = 4096, buffer_kilobytes = 256, seed = 1;
static struct queue to_refine, to_deduplicate, to_compress, to_write;

struct buffer {
  unsigned long number;
  size_t size;
  uint8_t data[];
};

static void read_input(void *unused) {
  (void)unused;
  struct input input;
  input_open(&input, seed, kilobytes * 1024);
  for (unsigned long number = 0;; number++) {
    struct buffer *buffer = allocate(sizeof *buffer + buffer_kilobytes * 1024);
    buffer->number = number;
    buffer->size = input_read(&input, buffer->data, buffer_kilobytes * 1024);
    if (buffer->size == 0) {
      release(buffer);
      break;
    }
    queue_put(&to_refine, buffer);
  }
  queue_close(&to_refine);
}

static void refine(void *unused) {
  (void)unused;
  for (struct buffer *buffer; (buffer = queue_take(&to_refine)) != NULL; release(buffer)) {
    size_t at = 0;
    for (unsigned long index = 0; at < buffer->size; index++) {
      struct chunk *chunk = allocate(sizeof *chunk);
      chunk->buffer = buffer->number;
      chunk->index = index;
      chunk->size = chunk_length(buffer->data + at, buffer->size - at);
      chunk->data = allocate(chunk->size);
      memcpy(chunk->data, buffer->data + at, chunk->size);
      chunk->packed = NULL;
      chunk->packed_size = 0;
      at += chunk->size;
      chunk->last = at == buffer->size;
      queue_put(&to_deduplicate, chunk);
    }
  }
  queue_close(&to_deduplicate);
}

static void deduplicate(void *unused) {
  (void)unused;
  for (struct chunk *chunk; (chunk = queue_take(&to_deduplicate)) != NULL;) {
    chunk->digest = sha1(chunk->data, chunk->size);
    queue_put(contents_enter(&chunk->digest) ? &to_compress : &to_write, chunk);
  }
  queue_close(&to_compress);
  queue_close(&to_write);
}

static void pack(struct chunk *chunk) {
  uint8_t *packed = allocate(COMPRESSED_ROOM(chunk->size));
  chunk->packed_size = compress(chunk->data, chunk->size, packed);
  chunk->packed = resize(packed, chunk->packed_size);
}

static void compress_chunks(void *unused) {
  (void)unused;
  for (struct chunk *chunk; (chunk = queue_take(&to_compress)) != NULL; queue_put(&to_write, chunk)) pack(chunk);
  queue_close(&to_write);
}

/** The output: how large it is, and a number that every byte of it in its order goes into. */
static struct {
  unsigned long bytes;
  unsigned long chunks;
  unsigned long originals;
  unsigned long input_bytes;
  uint64_t checksum;
} output;

static void put(const void *data, size_t bytes) {
  const uint8_t *byte = data;
  uint64_t sum = output.checksum;
  for (size_t i = 0; i < bytes; i++) sum = (sum ^ byte[i]) * 0x100000001b3;
  output.checksum = sum;
  output.bytes += bytes;
}

/** What has been packed unpacks to what it was. */
static void verify(const struct chunk *chunk) {
  static uint8_t unpacked[CHUNK_MOST];
  size_t size = expand(chunk->packed, chunk->packed_size, unpacked, sizeof unpacked);
  if (size != chunk->size || memcmp(unpacked, chunk->data, size) != 0)
    fail("dedup: chunk %u of buffer %u does not unpack to what it was", chunk->index, chunk->buffer);
}

/** Contents whose packed form has been written, by the last digits of their name: a set, open-addressed, of digests. */
struct written {
  struct digest *digests;
  bool *used;
  size_t room;
  size_t count;
};

static bool written_add(struct written *written, const struct digest *digest);

static void written_grow(struct written *written) {
  struct written larger = {.room = written->room == 0 ? 1024 : written->room * 2};
  larger.digests = allocate(larger.room * sizeof *larger.digests);
  larger.used = allocate(larger.room * sizeof *larger.used);
  memset(larger.used, 0, larger.room * sizeof *larger.used);
  for (size_t i = 0; i < written->room; i++)
    if (written->used[i]) written_add(&larger, &written->digests[i]);
  release(written->digests);
  release(written->used);
  *written = larger;
}

/** True the first time. */
static bool written_add(struct written *written, const struct digest *digest) {
  if (written->count * 2 >= written->room) written_grow(written);
  size_t i = digest->words[1] % written->room;
  for (; written->used[i]; i = (i + 1) % written->room)
    if (memcmp(&written->digests[i], digest, sizeof *digest) == 0) return false;
  written->used[i] = true;
  written->digests[i] = *digest;
  written->count++;
  return true;
}

/**
 * Who packed contents was who saw them first, and need not be the first in the input: then the packed form waits here for the first in the
 * input, or that one, finding nothing, packs it again. So the output is the same whoever was faster.
 */
static void write_chunk(struct written *written, struct chunk *chunk) {
  if (chunk->packed != NULL) verify(chunk);
  if (written_add(written, &chunk->digest)) {
    if (chunk->packed == NULL) pack(chunk);
    uint32_t size = (uint32_t)chunk->packed_size;
    put(&size, sizeof size);
    put(chunk->packed, chunk->packed_size);
    output.originals++;
  } else {
    put(&chunk->digest, sizeof chunk->digest);
  }
  output.chunks++;
  output.input_bytes += chunk->size;
  release(chunk->packed);
  release(chunk->data);
  release(chunk);
}

enum { WAITING_BUCKETS = 1024 };

static inline unsigned waiting_bucket(unsigned long buffer, unsigned long index) { return (unsigned)mix(buffer << 20 ^ index) % WAITING_BUCKETS; }

/** The chunk with that place, out of the lists of those that came early; NULL when it is not there. */
static struct chunk *take_waiting(struct chunk **waiting, unsigned long buffer, unsigned long index) {
  for (struct chunk **link = &waiting[waiting_bucket(buffer, index)]; *link != NULL; link = &(*link)->next) {
    struct chunk *chunk = *link;
    if (chunk->buffer != buffer || chunk->index != index) continue;
    *link = chunk->next;
    return chunk;
  }
  return NULL;
}

static void write_output(void *unused) {
  (void)unused;
  static struct chunk *waiting[WAITING_BUCKETS];
  struct written written = {0};
  unsigned long buffer = 0, index = 0;
  output.checksum = 0xcbf29ce484222325;
  for (struct chunk *chunk; (chunk = queue_take(&to_write)) != NULL;) {
    struct chunk **bucket = &waiting[waiting_bucket(chunk->buffer, chunk->index)];
    chunk->next = *bucket;
    *bucket = chunk;
    while ((chunk = take_waiting(waiting, buffer, index)) != NULL) {
      buffer += chunk->last;
      index = chunk->last ? 0 : index + 1;
      write_chunk(&written, chunk);
    }
  }
  release(written.digests);
  release(written.used);
}

/** The threads of the pipeline: reader, writer, and n of each stage between them. */
static void stage(void *argument) {
  static void (*const stages[STAGES])(void *) = {refine, deduplicate, compress_chunks};
  unsigned long number = (unsigned long)argument;
  if (number == 0) read_input(NULL);
  else if (number == 1) write_output(NULL);
  else stages[(number - 2) / threads](NULL);
}

int program(int count, char **arguments) {
  const struct argument known[] = {
      {"threads", &threads, 0, 64},
      {"kilobytes", &kilobytes, 1, 1 << 30},
      {"buffer", &buffer_kilobytes, 16, 1 << 16},
      {"seed", &seed, 0, ~0ul >> 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  if (threads == 0) threads = processors();
  int n = (int)threads;
  queue_init(&to_refine, 1);
  queue_init(&to_deduplicate, n);
  queue_init(&to_compress, n);
  queue_init(&to_write, 2 * n);
  contents_init();

  MARK(MARK_ROI_BEGIN);
  uint64_t start = cycles();
  run_threads(2 + STAGES * threads, stage);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);

  if (output.input_bytes != kilobytes * 1024) fail("dedup: %u bytes of input came out", output.input_bytes);
  if (output.originals != contents_count()) fail("dedup: %u contents written, %u seen", output.originals, contents_count());
  mark_figure(0, end - start);
  mark_figure(1, output.checksum);
  print_line("dedup: %u bytes in %u chunks, %u different, packed into %u bytes", output.input_bytes, output.chunks, output.originals,
             output.bytes);
  print_line("checksum: %x", output.checksum);
  return 0;
}
