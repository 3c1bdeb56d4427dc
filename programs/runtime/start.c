/** Where a program starts: the stack holds the number of arguments and the arguments, as every Linux process finds them. */
#include "system.h"
#include "thread.h"

int program(int count, char **arguments);

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xorl %ebp, %ebp\n"
    "  movq (%rsp), %rdi\n"
    "  leaq 8(%rsp), %rsi\n"
    "  andq $-16, %rsp\n"
    "  call begin\n"
    "  ud2\n");

static struct thread first_thread;

_Noreturn __attribute__((used)) void begin(long count, char **arguments) {
  first_thread.self = &first_thread;
  system_call_3(SYS_ARCH_PRCTL, ARCH_SET_FS, (long)&first_thread, 0);
  int status = program((int)count, arguments);
  for (;;) system_call_3(SYS_EXIT_GROUP, status, 0, 0);
}
