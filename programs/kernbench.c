/**
 * kernbench: short lives, as a parallel build has them: always `jobs` at once, each with memory that is new, work that touches it bit by bit,
 * calls of all kinds, and an end that gives everything back.
 *
 * A job reads its source through a pipe that it fills itself, grows its memory by mprotect as it goes, builds a table of symbols in it, and
 * drops a part half-way. What a build spends in the disk and in programs' start-up is not in it; a job is a thread, and the jobs of one run share an
 * address space, unless the guest starts several of these programs.
 *
 * Arguments: jobs (at once; 0: one for each processor), files (to be compiled, in all), kilobytes (of memory that a job comes to use), work (steps of computing for
 * each page), seed.
 */
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/random.h"
#include "runtime/sync.h"
#include "runtime/system.h"
#include "runtime/text.h"
#include "runtime/thread.h"

enum { SOURCE = 512 };

static unsigned long jobs = 0, files = 32, kilobytes = 512, work = 2000, seed = 1;
static struct mutex next_mutex;
static unsigned long next_file;
static uint64_t checksum;

static long must(long result, const char *what) {
  if (result < 0) fail("kernbench: %s: error %u", what, (unsigned long)-result);
  return result;
}

/** The next file's number, or that of none. */
static unsigned long take_file(void) {
  mutex_lock(&next_mutex);
  unsigned long file = next_file;
  if (file < files) next_file++;
  mutex_unlock(&next_mutex);
  return file;
}

/** `source` is file `file`, after a way through the kernel. */
static void read_source(int source_pipe[2], unsigned long file, uint64_t *source) {
  uint64_t text[SOURCE / sizeof(uint64_t)];
  for (size_t i = 0; i < SOURCE / sizeof *text; i++) text[i] = mix(mix(seed) + mix(file << 16 | i));
  must(system_call_3(SYS_WRITE, source_pipe[1], (long)text, SOURCE), "write");
  for (long done = 0; done < SOURCE;) done += must(system_call_3(SYS_READ, source_pipe[0], (long)source + done, SOURCE - done), "read");
}

/** Symbols of a source, one page of them after the other. */
static uint64_t build_page(uint64_t *page, const uint64_t *source, uint64_t value) {
  for (unsigned long i = 0; i < work; i++) {
    value = value * 6364136223846793005 + source[i % (SOURCE / sizeof *source)];
    if (i % 16 == 0) page[value >> 55] += value;
  }
  page[0] = value;
  return value;
}

static void compile(int source_pipe[2], unsigned long file) {
  uint64_t source[SOURCE / sizeof(uint64_t)];
  read_source(source_pipe, file, source);
  size_t bytes = ROUND_UP(kilobytes * 1024, PAGE_SIZE), pages = bytes / PAGE_SIZE, dropped = pages / 2;
  char *memory = map_pages(bytes, PROT_NONE);
  if (is_error(memory)) fail("kernbench: no address space");
  uint64_t value = file;
  for (size_t page = 0; page < pages; page++) {
    // Grown by four pages at a time.
    if (page % 4 == 0) {
      size_t some = page + 4 < pages ? 4 : pages - page;
      must(system_call_3(SYS_MPROTECT, (long)(memory + page * PAGE_SIZE), (long)(some * PAGE_SIZE), PROT_READ | PROT_WRITE), "mprotect");
    }
    value = build_page((uint64_t *)(memory + page * PAGE_SIZE), source, value);
    if (page % 8 == 0) must(system_call_3(SYS_GETPID, 0, 0, 0), "getpid");
    if (page == dropped && dropped > 0) must(system_call_3(SYS_MADVISE, (long)memory, (long)(dropped * PAGE_SIZE), MADV_DONTNEED), "madvise");
  }
  // What was dropped is zero, what was kept is there.
  uint64_t sum = 0;
  for (size_t page = 0; page < pages; page++) {
    uint64_t first = *(uint64_t *)(memory + page * PAGE_SIZE);
    if ((first == 0) != (page < dropped)) fail("kernbench: page %u of %u of a job is not what it was", page, pages);
    sum += mix(first ^ page);
  }
  must(system_call_3(SYS_MUNMAP, (long)memory, (long)bytes, 0), "munmap");
  __atomic_fetch_add(&checksum, mix(sum ^ file), __ATOMIC_RELAXED);
}

/** One life for each file. */
static void job(void *file) {
  int source_pipe[2];
  must(system_call_3(SYS_PIPE, (long)source_pipe, 0, 0), "pipe");
  compile(source_pipe, (unsigned long)file);
  must(system_call_3(SYS_CLOSE, source_pipe[0], 0, 0), "close");
  must(system_call_3(SYS_CLOSE, source_pipe[1], 0, 0), "close");
}

/** As `make` keeps one of its jobs: a new thread as soon as the last has ended. */
static void supervise(void *unused) {
  (void)unused;
  for (unsigned long file; (file = take_file()) < files;) thread_join(thread_start(job, (void *)file));
}

int program(int count, char **arguments) {
  const struct argument known[] = {
      {"jobs", &jobs, 0, 28},       {"files", &files, 1, 1000000},     {"kilobytes", &kilobytes, 4, 1 << 16},
      {"work", &work, 1, 10000000}, {"seed", &seed, 0, ~0ul >> 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  if (jobs == 0) jobs = processors();
  MARK(MARK_ROI_BEGIN);
  uint64_t begin = cycles();
  run_threads(jobs, supervise);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);
  mark_figure(0, end - begin);
  mark_figure(1, files);
  mark_figure(2, checksum);
  print_line("kernbench: %u files in %u cycles", files, end - begin);
  print_line("checksum: %x", checksum);
  return 0;
}
