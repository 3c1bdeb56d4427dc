/** Starting and joining threads. */
#include "thread.h"

#include "allocator.h"
#include "system.h"
#include "text.h"

/** Deviation: smaller than the 8 MB that the usual C library maps, which are not touched either. */
#define STACK_SIZE (64 * 1024ul)

enum {
  CLONE_VM = 0x100,
  CLONE_FS = 0x200,
  CLONE_FILES = 0x400,
  CLONE_SIGHAND = 0x800,
  CLONE_THREAD = 0x10000,
  CLONE_SYSVSEM = 0x40000,
  CLONE_CHILD_CLEARTID = 0x200000,
};
#define CLONE_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID)

/** The new thread's stack starts with a pointer to its record. */
long clone_thread(long flags, void *stack, int *cleared);
__asm__(
    ".globl clone_thread\n"
    "clone_thread:\n"
    "  movq %rdx, %r10\n"
    "  xorl %edx, %edx\n"
    "  xorl %r8d, %r8d\n"
    "  movl $56, %eax\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  jz 1f\n"
    "  ret\n"
    "1: xorl %ebp, %ebp\n"
    "  movq (%rsp), %rdi\n"
    "  call thread_begin\n"
    "  ud2\n");

/** The first thing that a new thread does. */
_Noreturn __attribute__((used)) void thread_begin(struct thread *thread) {
  system_call_3(SYS_ARCH_PRCTL, ARCH_SET_FS, (long)thread, 0);
  thread->run(thread->argument);
  arena_leave();
  for (;;) system_call_3(SYS_EXIT, 0, 0, 0);
}

/** The record lies at the top of the stack, with the room that the stack starts from below it. */
struct thread *thread_start(void (*run)(void *), void *argument) {
  char *stack = map_pages(STACK_SIZE, PROT_READ | PROT_WRITE);
  if (is_error(stack)) fail("no memory for a thread's stack");
  struct thread *thread = (struct thread *)(stack + STACK_SIZE - ROUND_UP(sizeof(struct thread), CACHE_LINE));
  thread->self = thread;
  thread->running = 1;
  thread->arena = NULL;
  thread->run = run;
  thread->argument = argument;
  struct thread **top = (struct thread **)thread - 2;
  *top = thread;
  long tid = clone_thread(CLONE_FLAGS, top, &thread->running);
  if (tid < 0) fail("clone: error %u", (unsigned long)-tid);
  return thread;
}

void thread_join(struct thread *thread) {
  while (__atomic_load_n(&thread->running, __ATOMIC_ACQUIRE) != 0) {
    // The kernel wakes it as a word shared between processes: no private flag.
    system_call(SYS_FUTEX, (long)&thread->running, 0, 1, 0, 0, 0);
  }
  char *end = (char *)thread + ROUND_UP(sizeof(struct thread), CACHE_LINE);
  system_call_3(SYS_MUNMAP, (long)(end - STACK_SIZE), (long)STACK_SIZE, 0);
}

unsigned long processors(void) {
  uint64_t set[16] = {0};
  long bytes = system_call_3(SYS_SCHED_GETAFFINITY, 0, sizeof set, (long)set);
  if (bytes <= 0) fail("sched_getaffinity: error %u", (unsigned long)-bytes);
  unsigned long count = 0;
  for (size_t i = 0; i < 16; i++)
    for (uint64_t left = set[i]; left != 0; left &= left - 1) count++;
  return count;
}

void run_threads(unsigned long count, void (*run)(void *)) {
  struct thread **threads = allocate(count * sizeof *threads);
  for (unsigned long i = 0; i < count; i++) threads[i] = thread_start(run, (void *)i);
  for (unsigned long i = 0; i < count; i++) thread_join(threads[i]);
  release(threads);
}
