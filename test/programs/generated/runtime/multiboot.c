/* No operating system, 32 bits: a Multiboot entry in protected mode and the debug-exit port. */
#include "../../runtime/program.h"

int main(void);

static u8 stack[1 << 18] __attribute__((aligned(64), used));

asm(".section .init, \"ax\"\n" /* The default linker script has it before everything else. */
    "  .align 4\n"
    "  .long 0x1badb002, 0, -0x1badb002\n"
    ".text\n"
    ".globl _start\n"
    "_start:\n"
    "  mov %cr0, %eax\n" /* x87 and SSE: CR0.EM = 0, CR0.MP = 1; CR4.OSFXSR and CR4.OSXMMEXCPT */
    "  and $~4, %eax\n"
    "  or $2, %eax\n"
    "  mov %eax, %cr0\n"
    "  mov %cr4, %eax\n"
    "  or $0x600, %eax\n"
    "  mov %eax, %cr4\n"
    "  fninit\n"
    "  mov $stack+(1<<18), %esp\n"
    "  xor %ebp, %ebp\n"
    "  call main\n"
    "  out %eax, $0xf4\n"
    "1: hlt\n"
    "  jmp 1b\n");
