/*
 * Runs short pieces of code on the processor at hand, in 64-, 32- or 16-bit code, each from a given state to its first exception.
 * Reads cases from standard input and writes outcomes to standard output, little-endian (the records are processor.ts's).
 *
 * The code page is full of HLT, which raises #GP at level 3: so every case ends in an exception, and the kernel's signal frame shows the
 * registers, the flags, the trap number, the error code and CR2. Code and data lie at fixed low addresses, the harness itself at high ones,
 * so that a wild pointer of a case meets the same unmapped memory here as in the model.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x20000
#define WRITABLE 0x2000
#define DATA_SIZE 0x3000
#define CODE 0x40000
#define CODE_SIZE 0x1000
#define HLT 0xf4
#define PAGE_FOLLOWS 0xffff
#define TIMED_OUT 255
#define MOST_CHANGES 64
#define NO_TABLES 8
#define LOST 9
#define FS_BASE 0x20100
#define GS_BASE 0x20000

struct descriptor {
  uint32_t base, limit;
  uint32_t big, contents, read_only, in_pages, absent;
};

struct header {
  uint32_t descriptors, templates;
  struct descriptor descriptor[16];
};

struct patch {
  uint64_t address, value;
};

/* With PAGE_FOLLOWS in `cs` it is none: behind it comes the page that the code of the cases after it stands in. */
struct test_case {
  uint16_t cs, ss, ds, es, fs, gs;
  uint16_t patches, unused;
  uint32_t rip, flags, data_template, reserved;
  uint64_t gpr[16];
  struct patch patch[8];
};

struct result {
  uint32_t vector, error;
  uint64_t cr2, rip, flags;
  uint64_t gpr[16];
  uint16_t cs, ss, ds, es, fs, gs;
  uint32_t changes;
  uint64_t fs_base, gs_base;
};

/* Register images, the frame that IRETQ takes, and what is kept of the host meanwhile. */
uint64_t image_fs_base = FS_BASE, image_gs_base = GS_BASE;
uint64_t image_gpr[16], image_frame[5], host_rsp, host_fs_base;
uint16_t image_ds, image_es, image_fs, image_gs;
void enter_test(void), leave_test(void), signal_entry(int, siginfo_t *, void *), tick_entry(int, siginfo_t *, void *);

__asm__(
  ".text\n"
  ".globl enter_test\n"
  "enter_test:\n"
  "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
  "  mov %rsp, host_rsp(%rip)\n"
  "  mov image_ds(%rip), %ds; mov image_es(%rip), %es; mov image_fs(%rip), %fs; mov image_gs(%rip), %gs\n"
  "  cmpw $0, image_fs(%rip); jne 1f\n"
  "  mov image_fs_base(%rip), %rax; wrfsbase %rax; mov image_gs_base(%rip), %rax; wrgsbase %rax\n"
  "1:\n"
  "  lea image_frame(%rip), %rsp\n"
  "  mov image_gpr(%rip), %rax; mov image_gpr+8(%rip), %rcx; mov image_gpr+16(%rip), %rdx; mov image_gpr+24(%rip), %rbx\n"
  "  mov image_gpr+40(%rip), %rbp; mov image_gpr+48(%rip), %rsi; mov image_gpr+56(%rip), %rdi\n"
  "  mov image_gpr+64(%rip), %r8; mov image_gpr+72(%rip), %r9; mov image_gpr+80(%rip), %r10; mov image_gpr+88(%rip), %r11\n"
  "  mov image_gpr+96(%rip), %r12; mov image_gpr+104(%rip), %r13; mov image_gpr+112(%rip), %r14; mov image_gpr+120(%rip), %r15\n"
  "  iretq\n"
  ".globl leave_test\n"
  "leave_test:\n"
  "  xor %eax, %eax; mov %eax, %fs; mov %eax, %gs; mov %eax, %ds; mov %eax, %es\n"
  "  mov host_fs_base(%rip), %rax; wrfsbase %rax\n"
  "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
  "  ret\n"
  /* The kernel leaves AC and NT as they were; compiled code is not always aligned, and IRETQ does not like NT. */
  ".globl signal_entry\n"
  "signal_entry:\n"
  "  pushfq; andl $~0x44400, (%rsp); popfq\n"
  "  jmp on_signal\n"
  ".globl tick_entry\n"
  "tick_entry:\n"
  "  pushfq; andl $~0x44400, (%rsp); popfq\n"
  "  jmp on_tick\n");

static struct result result;
static volatile uint64_t case_number;
static uint64_t ticked_case;
static volatile int inside;

static const int REGISTERS[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* No TLS in here: FS is the case's. */
__attribute__((used)) void on_signal(int number, siginfo_t *info, void *context) {
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  (void)info;
  /* Not a case's doing: the harness has lost its place, and would fault again and again. Its cases are run once more then. */
  if (!inside) _exit(LOST);
  result.vector = number == SIGALRM ? TIMED_OUT : r[REG_TRAPNO];
  result.error = r[REG_ERR];
  result.cr2 = r[REG_CR2];
  result.rip = r[REG_RIP];
  result.flags = r[REG_EFL];
  for (int i = 0; i < 16; i++) result.gpr[i] = r[REGISTERS[i]];
  result.cs = r[REG_CSGSFS];
  result.ss = (uint64_t)r[REG_CSGSFS] >> 48;
  __asm__ volatile("mov %%ds, %0" : "=r"(result.ds));
  __asm__ volatile("mov %%es, %0" : "=r"(result.es));
  __asm__ volatile("mov %%fs, %0" : "=r"(result.fs));
  __asm__ volatile("mov %%gs, %0" : "=r"(result.gs));
  __asm__ volatile("rdfsbase %0" : "=r"(result.fs_base));
  __asm__ volatile("rdgsbase %0" : "=r"(result.gs_base));
  inside = 0;
  r[REG_RIP] = (greg_t)leave_test;
  r[REG_RSP] = host_rsp;
  r[REG_EFL] = 0x202;
  r[REG_CSGSFS] = 0x33 | (0x2bULL << 48);
}

/* A case that is still there at the second tick does not end by itself. */
__attribute__((used)) void on_tick(int number, siginfo_t *info, void *context) {
  if (inside && ticked_case == case_number) on_signal(number, info, context);
  else ticked_case = case_number;
}

static void *map(uintptr_t address, size_t size, int protection) {
  void *p = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) {
    perror("mmap");
    exit(3);
  }
  return p;
}

static void load(void *to, size_t size) {
  if (fread(to, size, 1, stdin) != 1) exit(4);
}

static void write_descriptor(int number, const struct descriptor *d) {
  struct user_desc u = {.entry_number = number, .base_addr = d->base, .limit = d->limit, .seg_32bit = d->big, .contents = d->contents,
                        .read_exec_only = d->read_only, .limit_in_pages = d->in_pages, .seg_not_present = d->absent};
  if (syscall(SYS_modify_ldt, 0x11, &u, sizeof u) != 0) {
    perror("modify_ldt");
    exit(5);
  }
}

/* With an argument every outcome is written at once: the last one tells which case ended the harness. */
int main(int argc, char **argv) {
  const int careful = argc > 1;
  (void)argv;
  static char output[1 << 20];
  setvbuf(stdout, output, _IOFBF, sizeof output);
  uint8_t *data = map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE);
  uint8_t *code = map(CODE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
  memset(code, HLT, CODE_SIZE);
  struct header header;
  load(&header, sizeof header);
  for (uint32_t i = 0; i < header.descriptors; i++) write_descriptor(i, &header.descriptor[i]);
  uint8_t *templates = malloc(header.templates * DATA_SIZE);
  load(templates, header.templates * DATA_SIZE);
  /* The third page is the same in all templates, and read-only. */
  memcpy(data + WRITABLE, templates + WRITABLE, DATA_SIZE - WRITABLE);
  if (mprotect(data + WRITABLE, DATA_SIZE - WRITABLE, PROT_READ) != 0) exit(6);

  __asm__ volatile("rdfsbase %0" : "=r"(host_fs_base));
  /* Not near image_frame: IRETQ to a small stack keeps the upper part of RSP, and what is on the signal stack already stays on it. */
  const size_t room = 1 << 18;
  uint8_t *signal_stack = mmap(0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (signal_stack == MAP_FAILED) exit(7);
  stack_t stack = {.ss_sp = signal_stack, .ss_size = room};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = signal_entry, .sa_flags = SA_ONSTACK | SA_SIGINFO | SA_RESTART};
  sigfillset(&action.sa_mask);
  int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  action.sa_sigaction = tick_entry;
  sigaction(SIGALRM, &action, 0);
  struct itimerval interval = {{0, 100000}, {0, 100000}};
  setitimer(ITIMER_REAL, &interval, 0);

  /* Whether local descriptors and 32-bit code are there: with neither, cases bring null selectors in FS and GS. */
  uint8_t tables, flat;
  __asm__ volatile("lar %1, %%eax; setz %0" : "=q"(tables) : "r"(0xf) : "eax", "cc");
  __asm__ volatile("lar %1, %%eax; setz %0" : "=q"(flat) : "r"(0x23) : "eax", "cc");
  int status = tables && flat ? 0 : NO_TABLES;

  static uint64_t before[WRITABLE / 8];
  static uint8_t page[CODE_SIZE];
  uint64_t *words = (uint64_t *)data;
  uint32_t current = UINT32_MAX;
  struct test_case test;
  while (fread(&test, sizeof test, 1, stdin) == 1) {
    if (test.cs == PAGE_FOLLOWS) {
      load(page, CODE_SIZE);
      memcpy(code, page, CODE_SIZE);
      continue;
    }
    if (test.data_template != current) {
      current = test.data_template;
      memcpy(before, templates + current * DATA_SIZE, WRITABLE);
      memcpy(data, before, WRITABLE);
    }
    for (int i = 0; i < test.patches; i++) memcpy((uint8_t *)test.patch[i].address, &test.patch[i].value, 8);
    uint64_t patched[WRITABLE / 8];
    memcpy(patched, data, WRITABLE);
    memset(&result, 0, sizeof result);
    memcpy(image_gpr, test.gpr, sizeof image_gpr);
    uint64_t frame[5] = {test.rip, test.cs, test.flags, test.gpr[4], test.ss};
    memcpy(image_frame, frame, sizeof frame);
    image_ds = test.ds;
    image_es = test.es;
    image_fs = test.fs;
    image_gs = test.gs;
    case_number++;
    inside = 1;
    enter_test();
    struct patch changes[MOST_CHANGES];
    for (uint32_t i = 0; i < WRITABLE / 8; i++) {
      if (words[i] != patched[i]) {
        if (result.changes < MOST_CHANGES) changes[result.changes] = (struct patch){DATA + 8 * i, words[i]};
        result.changes++;
      }
    }
    if (result.changes > MOST_CHANGES) result.changes = MOST_CHANGES;
    fwrite(&result, sizeof result, 1, stdout);
    fwrite(changes, sizeof *changes, result.changes, stdout);
    if (careful) fflush(stdout);
    if (memcmp(data, before, WRITABLE) != 0) memcpy(data, before, WRITABLE);
    /* Cases may have written anywhere in the page. Not when they have not: the processor would have to forget what it has decoded. */
    if (memcmp(code, page, CODE_SIZE) != 0) memcpy(code, page, CODE_SIZE);
  }
  return case_number == 0 ? status : 0;
}
