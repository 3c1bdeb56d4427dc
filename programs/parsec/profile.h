/** What one program does, in numbers. Rates are per million units of work, of each thread; 0 leaves a thing out. */
#ifndef PROFILE_H
#define PROFILE_H

#include "../runtime/types.h"

struct profile {
  unsigned long threads;
  /** Units of work of each thread. */
  unsigned long units;
  /** Steps of computing in a unit, and how many places of the thread's own memory and of the shared memory it looks at meanwhile. */
  unsigned long work;
  unsigned long hot_kilobytes;
  unsigned long hot_touches;
  unsigned long cold_kilobytes;
  unsigned long cold_touches;
  /** A mapping is made, every page of it written, and it is unmapped. */
  unsigned long map_rate;
  unsigned long map_pages;
  /** Pages of the thread's arena are written, and given back by madvise. */
  unsigned long trim_rate;
  unsigned long trim_pages;
  /** The thread's arena grows by some pages: mprotect, and they are written. */
  unsigned long grow_rate;
  unsigned long grow_pages;
  /** One of `locks` mutexes is held for `lock_hold` steps. */
  unsigned long lock_rate;
  unsigned long lock_hold;
  unsigned long locks;
  /** All threads meet after so many units each. */
  unsigned long barrier_units;
  /** 0: threads share the work from the start. Otherwise a pipeline with so many stages of `threads` threads, between one that reads and one that
   * writes; an item is `item_units` units of work in each. */
  unsigned long stages;
  unsigned long item_units;
  unsigned long seed;
};

#endif
