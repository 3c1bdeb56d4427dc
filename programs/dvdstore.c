/**
 * dvdstore: a shop's database in miniature: sessions that think, and transactions that lock, look up, change, and wait for the log.
 *
 * A session sleeps for its think time, then does one transaction: it logs in (a look-up in an index), browses (more look-ups, and a result built in
 * fresh memory), and in three of ten cases buys: it locks the stock of up to three titles in ascending order, takes from them, and hands the order
 * to the log, which writes several at once and wakes their sessions. Sessions are clients: each has a connection, a pair of sockets, to a thread of the database of
 * its own, which does its steps one by one, as MySQL has a thread for each connection and the shop a call for each step. What it does to a kernel: sleeping
 * and waking, sockets, timers, futexes with a few waiters, memory that comes and goes, all at a middling rate. Every title sold is accounted for at the end.
 *
 * Arguments: sessions, transactions (of each session), think (mean microseconds), titles, work (steps of computing for each look-up), seed, clients (0: sessions do
 * their steps themselves, without connections).
 */
#include "runtime/allocator.h"
#include "runtime/marks.h"
#include "runtime/memory.h"
#include "runtime/random.h"
#include "runtime/sync.h"
#include "runtime/system.h"
#include "runtime/text.h"
#include "runtime/thread.h"

enum { LOOK_UPS = 4, RESULT_ROWS = 400, MOST_TITLES_BOUGHT = 3, BUYING_IN_TEN = 3 };

static unsigned long sessions = 8, transactions = 50, think = 500, titles = 1000, work = 500, seed = 1, clients = 1;

struct title {
  struct mutex mutex;
  uint32_t stock;
  uint32_t sold;
};
static struct title *stock;
static uint64_t checksum;
static unsigned long bought, orders;

/** The log: orders come in, and are safe once a number not below theirs has been written. */
static struct {
  struct mutex mutex;
  struct condition arrived;
  struct condition written;
  unsigned long last;
  unsigned long safe;
  bool closed;
  unsigned long batches;
  uint64_t content;
} journal;

static void sleep_microseconds(unsigned long microseconds) {
  long span[2] = {(long)(microseconds / 1000000), (long)(microseconds % 1000000 * 1000)};
  long result = system_call_3(SYS_NANOSLEEP, (long)span, 0, 0);
  if (result != 0) fail("dvdstore: nanosleep: error %u", (unsigned long)-result);
}

/** Writes what has come in, all at once, until the log is closed. */
static void write_log(void *unused) {
  (void)unused;
  mutex_lock(&journal.mutex);
  for (;;) {
    while (journal.last == journal.safe && !journal.closed) condition_wait(&journal.arrived, &journal.mutex);
    unsigned long last = journal.last;
    if (last == journal.safe) break;
    mutex_unlock(&journal.mutex);
    // The time that a write takes, whether of one order or of several.
    uint64_t content = journal.content;
    for (unsigned long i = 0; i < 4 * work; i++) content = mix(content ^ i);
    mutex_lock(&journal.mutex);
    journal.content = content;
    journal.safe = last;
    journal.batches++;
    condition_broadcast(&journal.written);
  }
  mutex_unlock(&journal.mutex);
}

static void log_order(void) {
  mutex_lock(&journal.mutex);
  unsigned long number = ++journal.last;
  condition_signal(&journal.arrived);
  while (journal.safe < number) condition_wait(&journal.written, &journal.mutex);
  mutex_unlock(&journal.mutex);
}

static uint64_t look_up(uint64_t key) {
  for (unsigned long i = 0; i < work; i++) key = mix(key);
  return key;
}

/** A result of some rows, put together, read, and dropped. */
static uint64_t browse(uint64_t *random) {
  unsigned long rows = 1 + random_below(random, RESULT_ROWS);
  uint64_t(*result)[16] = allocate(rows * sizeof *result);
  for (unsigned long row = 0; row < rows; row++) result[row][0] = random_next(random);
  uint64_t sum = 0;
  for (unsigned long row = 0; row < rows; row++) sum += result[row][0];
  release(result);
  return sum;
}

/** One copy of each of some different titles: locked in ascending order, so that nobody waits in a circle. */
static uint64_t buy(uint64_t *random) {
  uint32_t count = 1 + random_below(random, MOST_TITLES_BOUGHT), first = random_below(random, (uint32_t)titles), chosen[MOST_TITLES_BOUGHT];
  // The popular ones are bought more often.
  first >>= random_below(random, 4);
  for (uint32_t i = 0; i < count; i++) chosen[i] = first + i * 7;
  while (count > 1 && chosen[count - 1] >= titles) count--;
  for (uint32_t i = 0; i < count; i++) mutex_lock(&stock[chosen[i]].mutex);
  for (uint32_t i = 0; i < count; i++) {
    stock[chosen[i]].stock--;
    stock[chosen[i]].sold++;
  }
  uint64_t done = look_up(first);
  for (uint32_t i = count; i-- > 0;) mutex_unlock(&stock[chosen[i]].mutex);
  log_order();
  __atomic_fetch_add(&bought, count, __ATOMIC_RELAXED);
  __atomic_fetch_add(&orders, 1, __ATOMIC_RELAXED);
  return done + count;
}

enum step { LOG_IN, BROWSE, BUY };

static uint64_t do_step(enum step step, uint64_t *random) {
  uint64_t sum = 0;
  switch (step) {
    case LOG_IN:
      for (int n = 0; n < LOOK_UPS; n++) sum += look_up(random_next(random));
      return sum;
    case BROWSE: return browse(random);
    case BUY: return buy(random);
  }
  fail("dvdstore: no such step");
}

/** What goes over a connection: a call with its arguments, and a result of some rows. The sizes are assumed, not known. */
struct request {
  enum step step;
  uint64_t random;
  uint8_t arguments[112];
};
struct reply {
  uint64_t sum;
  uint64_t random;
  uint8_t rows[1008];
};

/** The connection of each session: the client's end, and the database's. */
static int (*connections)[2];

/** All of it, or, where nothing more comes, false. */
static bool transfer(int call, int file, void *data, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    long some = system_call_3(call, file, (long)((char *)data + done), (long)(bytes - done));
    if (some == 0 && call == SYS_READ && done == 0) return false;
    if (some <= 0) fail("dvdstore: a connection broke: error %u", (unsigned long)-some);
    done += (size_t)some;
  }
  return true;
}

static uint64_t ask(uint64_t number, enum step step, uint64_t *random) {
  if (!clients) return do_step(step, random);
  struct request request = {.step = step, .random = *random};
  struct reply reply;
  transfer(SYS_WRITE, connections[number][0], &request, sizeof request);
  if (!transfer(SYS_READ, connections[number][0], &reply, sizeof reply)) fail("dvdstore: the database has gone");
  *random = reply.random;
  return reply.sum;
}

/** A thread of the database: what its client asks for, until that hangs up. */
static void serve(uint64_t number) {
  struct request request;
  struct reply reply = {0};
  while (transfer(SYS_READ, connections[number][1], &request, sizeof request)) {
    reply.random = request.random;
    reply.sum = do_step(request.step, &reply.random);
    transfer(SYS_WRITE, connections[number][1], &reply, sizeof reply);
  }
}

static void session(uint64_t number) {
  uint64_t random = random_start(seed * 1000003 + number), sum = 0;
  for (unsigned long i = 0; i < transactions; i++) {
    if (think > 0) sleep_microseconds(1 + random_below(&random, (uint32_t)(2 * think)));
    sum += ask(number - 1, LOG_IN, &random);
    sum += ask(number - 1, BROWSE, &random);
    if (random_below(&random, 10) < BUYING_IN_TEN) sum += ask(number - 1, BUY, &random);
  }
  if (clients) system_call_3(SYS_CLOSE, connections[number - 1][0], 0, 0);
  __atomic_fetch_add(&checksum, mix(sum ^ number), __ATOMIC_RELAXED);
}

static struct mutex open_mutex;
static unsigned long open_sessions;

/** Thread 0 is the log's; the last session closes it. The database's threads come last. */
static void work_as(void *argument) {
  unsigned long number = (unsigned long)argument;
  if (number == 0) {
    write_log(NULL);
    return;
  }
  if (number > sessions) {
    serve(number - 1 - sessions);
    return;
  }
  session(number);
  mutex_lock(&open_mutex);
  bool last = --open_sessions == 0;
  mutex_unlock(&open_mutex);
  if (!last) return;
  mutex_lock(&journal.mutex);
  journal.closed = true;
  condition_broadcast(&journal.arrived);
  mutex_unlock(&journal.mutex);
}

int program(int count, char **arguments) {
  const unsigned long many = 1000000000;
  const struct argument known[] = {
      {"sessions", &sessions, 1, 200},  {"transactions", &transactions, 1, many}, {"think", &think, 0, 1000000},
      {"titles", &titles, 1, 1000000}, {"work", &work, 0, many},                 {"seed", &seed, 0, ~0ul >> 1},
      {"clients", &clients, 0, 1},
  };
  read_arguments(count, arguments, known, sizeof known / sizeof known[0]);
  const uint32_t plenty = 1000000000;
  stock = allocate(titles * sizeof *stock);
  for (unsigned long i = 0; i < titles; i++) stock[i] = (struct title){.stock = plenty};
  open_sessions = sessions;
  connections = allocate(sessions * sizeof *connections);
  for (unsigned long i = 0; clients && i < sessions; i++) {
    long result = system_call(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)connections[i], 0, 0);
    if (result != 0) fail("dvdstore: connection %u of %u: error %u", i + 1, sessions, (unsigned long)-result);
  }

  MARK(MARK_ROI_BEGIN);
  uint64_t begin = cycles();
  run_threads(1 + sessions * (clients ? 2 : 1), work_as);
  uint64_t end = cycles();
  MARK(MARK_ROI_END);

  unsigned long sold = 0;
  for (unsigned long i = 0; i < titles; i++) {
    sold += stock[i].sold;
    if (stock[i].stock + stock[i].sold != plenty) fail("dvdstore: copies of title %u are lost", i);
  }
  if (sold != bought || journal.safe != orders) fail("dvdstore: %u sold, %u bought, %u orders, %u of them logged", sold, bought, orders, journal.safe);
  mark_figure(0, end - begin);
  mark_figure(1, sessions * transactions);
  mark_figure(2, checksum);
  print_line("dvdstore: %u transactions in %u cycles, %u orders of %u titles", sessions * transactions, end - begin, orders, sold);
  print_line("checksum: %x", checksum);
  return 0;
}
