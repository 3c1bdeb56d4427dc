/* No operating system: the direct 64-bit entry of Parapet (src/arch/platform.ts) and the debug-exit port. */
#include "program.h"

int main(void);

static u8 stack[1 << 20] __attribute__((aligned(64), used));

asm(".globl _start\n"
    "_start:\n"
    "  mov %cr0, %rax\n" /* SSE: CR0.EM = 0, CR0.MP = 1; CR4.OSFXSR and CR4.OSXMMEXCPT */
    "  and $~4, %rax\n"
    "  or $2, %rax\n"
    "  mov %rax, %cr0\n"
    "  mov %cr4, %rax\n"
    "  or $0x600, %rax\n"
    "  mov %rax, %cr4\n"
    "  lea stack+(1<<20)(%rip), %rsp\n"
    "  xor %ebp, %ebp\n"
    "  call main\n"
    "  mov $0xf4, %dx\n"
    "  out %eax, %dx\n"
    "1: hlt\n"
    "  jmp 1b\n");
