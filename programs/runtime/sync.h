/** Mutexes, condition variables and barriers over futexes. All are ready for use when they are zero. */
#ifndef SYNC_H
#define SYNC_H

#include "types.h"

struct mutex {
  /** 0 free, 1 held, 2 held and somebody may be waiting. */
  int state;
};

void mutex_wait(struct mutex *mutex);
void mutex_wake(struct mutex *mutex);

/** The calling thread holds the mutex. It sleeps while another does; like the usual C library's mutex it does not spin first. */
static inline void mutex_lock(struct mutex *mutex) {
  int free = 0;
  if (!__atomic_compare_exchange_n(&mutex->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) mutex_wait(mutex);
}

static inline void mutex_unlock(struct mutex *mutex) {
  if (__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2) mutex_wake(mutex);
}

struct condition {
  int signals;
  /** How many are waiting: a signal to nobody costs no system call. Guarded by the mutex that goes with it. */
  int waiting;
};

/** Gives up the mutex, sleeps until a signal, and holds the mutex again. May return without a signal. */
void condition_wait(struct condition *condition, struct mutex *mutex);
/** One of those who wait goes on; the mutex is held. */
void condition_signal(struct condition *condition);
/** All who wait go on; the mutex is held. */
void condition_broadcast(struct condition *condition);

struct barrier {
  int arrived;
  int rounds;
};

/** Returns when `threads` threads have called it. */
void barrier_wait(struct barrier *barrier, int threads);

#endif
