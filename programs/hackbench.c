/**
 * hackbench: groups of senders and receivers; every sender of a group writes messages into the socket of every receiver of it.
 *
 * What it does to a kernel: wake-ups, run queues, the locks of sockets and the caches that messages come from, and hardly anything else. Like the program of
 * that name with threads (`hackbench -T`, with pipes `-p`): messages of 100 bytes, all threads waiting for a start together. Each
 * message carries who sent it and which it is, and receivers check that none is missing, doubled or torn.
 *
 * Arguments: groups, fan (senders, and receivers, of each group), loops (messages from each sender to each receiver), pipes (1: pipes, not sockets).
 */
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/random.h"
#include "runtime/sync.h"
#include "runtime/system.h"
#include "runtime/text.h"
#include "runtime/thread.h"

enum { MESSAGE = 100 };

static unsigned long groups = 1, fan = 10, loops = 50, pipes = 0;
static struct barrier start;
static uint64_t checksum;

/** Each receiver's: where it reads, and where its senders write. */
static int (*ends)[2];

struct message {
  uint32_t sender;
  uint32_t number;
  uint8_t rest[MESSAGE - 8];
};

static void all_of(long (*call)(int, void *, size_t), int file, void *data, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    long some = call(file, (char *)data + done, bytes - done);
    if (some <= 0) fail("hackbench: read or write: error %u", (unsigned long)-some);
    done += (size_t)some;
  }
}

static long read_some(int file, void *data, size_t bytes) { return system_call_3(SYS_READ, file, (long)data, (long)bytes); }
static long write_some(int file, void *data, size_t bytes) { return system_call_3(SYS_WRITE, file, (long)data, (long)bytes); }

static uint8_t pattern(uint32_t sender, uint32_t number) { return (uint8_t)mix((uint64_t)sender << 32 | number); }

static void send(unsigned long group, uint32_t sender) {
  struct message message = {.sender = sender};
  for (uint32_t number = 0; number < loops; number++) {
    message.number = number;
    memset(message.rest, pattern(sender, number), sizeof message.rest);
    for (unsigned long receiver = 0; receiver < fan; receiver++)
      all_of(write_some, ends[group * fan + receiver][1], &message, sizeof message);
  }
}

static void receive(unsigned long group, unsigned long receiver) {
  uint32_t *expected = allocate(fan * sizeof *expected);
  memset(expected, 0, fan * sizeof *expected);
  uint64_t sum = 0;
  for (unsigned long left = fan * loops; left > 0; left--) {
    struct message message;
    all_of(read_some, ends[group * fan + receiver][0], &message, sizeof message);
    // The messages of one sender come in its order; those of several in any.
    if (message.sender >= fan || message.number != expected[message.sender]++) fail("hackbench: a message is missing");
    uint8_t wanted = pattern(message.sender, message.number);
    for (size_t i = 0; i < sizeof message.rest; i++)
      if (message.rest[i] != wanted) fail("hackbench: a message is torn");
    sum += mix((group * fan + receiver) << 40 ^ (uint64_t)message.sender << 20 ^ message.number);
  }
  release(expected);
  __atomic_fetch_add(&checksum, sum, __ATOMIC_RELAXED);
}

static void work(void *argument) {
  unsigned long number = (unsigned long)argument, group = number / (2 * fan), place = number % (2 * fan);
  barrier_wait(&start, (int)(groups * 2 * fan));
  if (place < fan) send(group, (uint32_t)place);
  else receive(group, place - fan);
}

int program(int count, char **arguments) {
  const struct argument known[] = {{"groups", &groups, 1, 64}, {"fan", &fan, 1, 64}, {"loops", &loops, 1, 1000000}, {"pipes", &pipes, 0, 1}};
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  ends = allocate(groups * fan * sizeof *ends);
  for (unsigned long i = 0; i < groups * fan; i++) {
    long result = pipes ? system_call_3(SYS_PIPE, (long)ends[i], 0, 0) : system_call(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)ends[i], 0, 0);
    if (result != 0) fail("hackbench: pair %u of %u: error %u", i + 1, groups * fan, (unsigned long)-result);
  }

  MARK(MARK_ROI_BEGIN);
  uint64_t begin = cycles();
  run_threads(groups * 2 * fan, work);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);

  unsigned long messages = groups * fan * fan * loops;
  mark_figure(0, end - begin);
  mark_figure(1, messages);
  mark_figure(2, checksum);
  print_line("hackbench: %u messages in %u cycles", messages, end - begin);
  print_line("checksum: %x", checksum);
  return 0;
}
