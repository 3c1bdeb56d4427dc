/** A queue of pointers with room for a number of them: what the stages of a pipeline hand over to each other. */
#ifndef QUEUE_H
#define QUEUE_H

#include "sync.h"

enum { QUEUE_ROOM = 64 };

struct queue {
  struct mutex mutex;
  struct condition not_empty;
  struct condition not_full;
  /** Those who may still put something in. */
  int producers;
  unsigned first;
  unsigned count;
  void *items[QUEUE_ROOM];
};

/** The queue is empty, and `producers` threads are going to fill it. */
void queue_init(struct queue *queue, int producers);
/** Sleeps while the queue is full. */
void queue_put(struct queue *queue, void *item);
/** Sleeps while the queue is empty. NULL when it is and nobody will fill it any more. */
void *queue_take(struct queue *queue);
/** One producer less. */
void queue_close(struct queue *queue);

#endif
