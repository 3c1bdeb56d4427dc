/** Threads: clone with a stack of their own, the FS base as the pointer to what a thread knows of itself. */
#ifndef THREAD_H
#define THREAD_H

#include "types.h"

struct arena;

struct thread {
  /** Points to itself, so that FS:0 is the thread. */
  struct thread *self;
  /** The kernel clears it, and wakes who waits for it, when the thread has ended. */
  int running;
  /** Where the thread's small allocations come from; NULL until the first. */
  struct arena *arena;
  void (*run)(void *);
  void *argument;
};

static inline struct thread *this_thread(void) {
  struct thread *self;
  __asm__("movq %%fs:0, %0" : "=r"(self));
  return self;
}

/** Processors that this program may run on. */
unsigned long processors(void);

/** A thread that runs `run(argument)` and ends. Ends the program when there is no memory for it. */
struct thread *thread_start(void (*run)(void *), void *argument);
/** The thread has ended, and its stack is given back. */
void thread_join(struct thread *thread);
/** `run(0)` to `run(count - 1)` have been run, each by a thread of its own, all at once. */
void run_threads(unsigned long count, void (*run)(void *));

#endif
