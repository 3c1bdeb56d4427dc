/** Waiting, by futex. */
#include "sync.h"

#include "system.h"

enum { EVERYBODY = 0x7fffffff };

void mutex_wait(struct mutex *mutex) {
  // From here on the state says that somebody waits; at worst that is one needless wake-up.
  while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) futex_wait(&mutex->state, 2);
}

void mutex_wake(struct mutex *mutex) { futex_wake(&mutex->state, 1); }

void condition_wait(struct condition *condition, struct mutex *mutex) {
  int seen = __atomic_load_n(&condition->signals, __ATOMIC_RELAXED);
  condition->waiting++;
  mutex_unlock(mutex);
  futex_wait(&condition->signals, seen);
  // Others may be waiting for the mutex, too, woken by the same broadcast.
  mutex_wait(mutex);
  condition->waiting--;
}

static void signal_some(struct condition *condition, int count) {
  if (condition->waiting == 0) return;
  __atomic_fetch_add(&condition->signals, 1, __ATOMIC_RELAXED);
  futex_wake(&condition->signals, count);
}

void condition_signal(struct condition *condition) { signal_some(condition, 1); }

void condition_broadcast(struct condition *condition) { signal_some(condition, EVERYBODY); }

void barrier_wait(struct barrier *barrier, int threads) {
  int round = __atomic_load_n(&barrier->rounds, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == threads) {
    __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
    __atomic_fetch_add(&barrier->rounds, 1, __ATOMIC_RELEASE);
    futex_wake(&barrier->rounds, EVERYBODY);
    return;
  }
  while (__atomic_load_n(&barrier->rounds, __ATOMIC_ACQUIRE) == round) futex_wait(&barrier->rounds, round);
}
