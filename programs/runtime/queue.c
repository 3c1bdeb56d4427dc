/** A bounded queue under a mutex, with a condition for each end. */
#include "queue.h"

#include "memory.h"

void queue_init(struct queue *queue, int producers) {
  memset(queue, 0, sizeof *queue);
  queue->producers = producers;
}

void queue_put(struct queue *queue, void *item) {
  mutex_lock(&queue->mutex);
  while (queue->count == QUEUE_ROOM) condition_wait(&queue->not_full, &queue->mutex);
  queue->items[(queue->first + queue->count++) % QUEUE_ROOM] = item;
  condition_signal(&queue->not_empty);
  mutex_unlock(&queue->mutex);
}

void *queue_take(struct queue *queue) {
  void *item = NULL;
  mutex_lock(&queue->mutex);
  while (queue->count == 0 && queue->producers > 0) condition_wait(&queue->not_empty, &queue->mutex);
  if (queue->count > 0) {
    item = queue->items[queue->first];
    queue->first = (queue->first + 1) % QUEUE_ROOM;
    queue->count--;
    condition_signal(&queue->not_full);
  }
  mutex_unlock(&queue->mutex);
  return item;
}

void queue_close(struct queue *queue) {
  mutex_lock(&queue->mutex);
  if (--queue->producers == 0) condition_broadcast(&queue->not_empty);
  mutex_unlock(&queue->mutex);
}
