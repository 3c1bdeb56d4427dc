/* A freestanding program for the full-weight kernel: pointers in data, bss, arguments, system calls by Linux's numbers. */
typedef unsigned long word;

static long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static void print(const char *text) {
  word length = 0;
  while (text[length] != 0) length++;
  call3(1, 1, (long)text, (long)length);
}

/* Addresses in data: what relocations are for. */
static const char *const words[] = {"one ", "two ", "three\n"};
static char buffer[3 * 4096];
int counter = 40;

__attribute__((used)) static void run(word *stack) {
  word count = stack[0];
  const char **arguments = (const char **)(stack + 1);
  for (word i = 0; i < count; i++) {
    print(arguments[i]);
    print("\n");
  }
  for (int i = 0; i < 3; i++) print(words[i]);
  for (word i = 0; i < sizeof buffer; i++) {
    if (buffer[i] != 0) call3(231, 2, 0, 0);
    buffer[i] = (char)i;
  }
  counter += 2;
  call3(231, counter, 0, 0);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");
