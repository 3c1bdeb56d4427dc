/*
 * Runs single instructions on the processor at hand, with state that FXRSTOR64 loads and FXSAVE64 stores. Reads cases from standard input, writes
 * outcomes to standard output; both are sequences of fixed-size little-endian records. Code, data and register images live at fixed low addresses,
 * so that an instruction sees the same addresses here and in the model.
 *
 * The file that includes this one has defined DATA_SIZE and `struct state`, the part of a record between the flags and the data.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x20000
#define CODE 0x40000
#define IMAGE 0x50000

/* Offsets from IMAGE are written out in the assembly below: FXSAVE images at 0x200 and 0x400. */
struct image {
  uint64_t gpr[16];
  uint64_t flags;
  uint64_t host_rsp;
  uint8_t unused[0x200 - 18 * 8];
  uint8_t before[512];
  uint8_t after[512];
};

struct test_case {
  uint8_t code[64];
  uint64_t gpr[16];
  uint64_t flags;
  struct state state;
  uint8_t data[DATA_SIZE];
};

struct result {
  uint64_t fault; /* 0, or the signal number. */
  uint64_t gpr[16];
  uint64_t flags;
  struct state state;
  uint8_t data[DATA_SIZE];
};

/* What the including file says: an FXSAVE64 image has this state; this state is what the image has. */
static void put_state(uint8_t *image, const struct state *state);
static void take_state(struct state *state, const uint8_t *image);

void enter_test(void);
void leave_test(void);

/* Absolute 32-bit addresses need no base register, and MOV changes no flags. */
__asm__(
  ".text\n"
  ".globl enter_test\n"
  "enter_test:\n"
  "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
  "  mov %rsp, 0x50088\n"
  "  fxrstor64 0x50200\n"
  "  pushq 0x50080; popfq\n"
  "  mov 0x50000, %rax; mov 0x50008, %rcx; mov 0x50010, %rdx; mov 0x50018, %rbx\n"
  "  mov 0x50020, %rsp; mov 0x50028, %rbp; mov 0x50030, %rsi; mov 0x50038, %rdi\n"
  "  mov 0x50040, %r8; mov 0x50048, %r9; mov 0x50050, %r10; mov 0x50058, %r11\n"
  "  mov 0x50060, %r12; mov 0x50068, %r13; mov 0x50070, %r14; mov 0x50078, %r15\n"
  "  jmpq *go\n"
  ".globl leave_test\n"
  "leave_test:\n"
  "  mov %rax, 0x50000; mov %rcx, 0x50008; mov %rdx, 0x50010; mov %rbx, 0x50018\n"
  "  mov %rsp, 0x50020; mov %rbp, 0x50028; mov %rsi, 0x50030; mov %rdi, 0x50038\n"
  "  mov %r8, 0x50040; mov %r9, 0x50048; mov %r10, 0x50050; mov %r11, 0x50058\n"
  "  mov %r12, 0x50060; mov %r13, 0x50068; mov %r14, 0x50070; mov %r15, 0x50078\n"
  "  mov 0x50088, %rsp\n"
  "  pushfq; popq 0x50080\n"
  "  fxsave64 0x50400\n"
  "  fninit\n"
  "  ldmxcsr plain_mxcsr\n"
  "  cld\n"
  "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
  "  ret\n"
  ".data\n"
  "go: .quad 0x40000\n"
  ".globl leave_pointer\n"
  "leave_pointer: .quad leave_test\n"
  "plain_mxcsr: .long 0x1f80\n"
  ".text\n");

static sigjmp_buf recover;
static volatile int caught;
static struct _libc_fpstate at_fault;

static void on_signal(int number, siginfo_t *information, void *context) {
  (void)information;
  caught = number;
  at_fault = *((ucontext_t *)context)->uc_mcontext.fpregs;
  __asm__ volatile("cld");
  siglongjmp(recover, 1);
}

static void *map(uintptr_t address, size_t size, int protection) {
  void *p = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (p == MAP_FAILED) {
    perror("mmap");
    _exit(3);
  }
  return p;
}

int main(void) {
  uint8_t *data = map(DATA, 0x1000, PROT_READ | PROT_WRITE);
  uint8_t *code = map(CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
  struct image *image = map(IMAGE, 0x1000, PROT_READ | PROT_WRITE);
  /* Where the code goes when it is done: the stub jumps through this word. */
  extern uint64_t leave_pointer;
  memcpy((uint8_t *)IMAGE + 0xf00, &leave_pointer, 8);
  static uint8_t signal_stack[65536];
  stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
  int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);

  struct test_case test;
  while (fread(&test, sizeof test, 1, stdin) == 1) {
    struct result result;
    memset(&result, 0, sizeof result);
    memcpy(code, test.code, sizeof test.code);
    memcpy(data, test.data, sizeof test.data);
    memcpy(image->gpr, test.gpr, sizeof test.gpr);
    image->flags = test.flags;
    __asm__ volatile("fxsave64 %0" : "=m"(image->before));
    put_state(image->before, &test.state);
    caught = 0;
    if (sigsetjmp(recover, 1) == 0) enter_test();
    uint32_t plain = 0x1f80;
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(plain));
    result.fault = caught;
    const uint8_t *after = caught ? (const uint8_t *)&at_fault : image->after;
    take_state(&result.state, after);
    memcpy(result.gpr, image->gpr, sizeof result.gpr);
    result.flags = image->flags;
    memcpy(result.data, data, sizeof result.data);
    fwrite(&result, sizeof result, 1, stdout);
  }
  return 0;
}
