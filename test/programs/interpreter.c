/* A stack machine whose dispatch is a jump table, running three programs; and the same dispatch by addresses of labels. */
#include "runtime/program.h"

enum { PUSH, ADD, SUB, MUL, DIV, MOD, LESS, JUMP, JUMP_ZERO, LOAD, STORE, DUP, SWAP, DROP, PEEK, POKE, PRINT, HALT };

static i64 memory[256];

static OPAQUE u64 run(const i16 *code) {
  i64 stack[32], variables[8] = {0}, *top = stack;
  u64 steps = 0;
  for (const i16 *ip = code;; steps++) {
    switch (*ip++) {
      case PUSH: *++top = *ip++; break;
      case ADD: top--; top[0] += top[1]; break;
      case SUB: top--; top[0] -= top[1]; break;
      case MUL: top--; top[0] *= top[1]; break;
      case DIV: top--; top[0] /= top[1]; break;
      case MOD: top--; top[0] %= top[1]; break;
      case LESS: top--; top[0] = top[0] < top[1]; break;
      case JUMP: ip = code + *ip; break;
      case JUMP_ZERO: ip = *top-- == 0 ? code + *ip : ip + 1; break;
      case LOAD: *++top = variables[*ip++]; break;
      case STORE: variables[*ip++] = *top--; break;
      case DUP: top[1] = top[0]; top++; break;
      case SWAP: { i64 t = top[0]; top[0] = top[-1]; top[-1] = t; break; }
      case DROP: top--; break;
      case PEEK: *top = memory[*top & 255]; break;
      case POKE: memory[top[0] & 255] = top[-1]; top -= 2; break;
      case PRINT: print("%ld ", *top--); break;
      case HALT: return steps;
    }
  }
}

/* Steps of the Collatz sequence of 27. */
static const i16 collatz[] = {
    PUSH, 27, STORE, 0, PUSH, 0, STORE, 1,
    /* 8 */ PUSH, 1, LOAD, 0, LESS, JUMP_ZERO, 48,
    /* 15 */ LOAD, 0, PUSH, 2, MOD, JUMP_ZERO, 32,
    /* 22 */ LOAD, 0, PUSH, 3, MUL, PUSH, 1, ADD, JUMP, 37,
    /* 32 */ LOAD, 0, PUSH, 2, DIV,
    /* 37 */ STORE, 0, LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 8,
    /* 48 */ LOAD, 1, PRINT, HALT,
};

/* The sum of i * i % 97 for i below 300, written into memory on the way. */
static const i16 sums[] = {
    /* 0 */ LOAD, 0, DUP, MUL, PUSH, 97, MOD, DUP, LOAD, 0, POKE,
    /* 11 */ LOAD, 1, ADD, STORE, 1, LOAD, 0, PUSH, 1, ADD, DUP, STORE, 0,
    /* 24 */ PUSH, 300, LESS, JUMP_ZERO, 31, JUMP, 0,
    /* 31 */ LOAD, 1, PRINT, PUSH, 299, PEEK, PRINT, HALT,
};

/* Threaded: the program is a list of addresses. */
static OPAQUE u64 threaded(int rounds) {
  static const void *const program[] = {&&twist, &&shift, &&twist, &&count, &&fold, &&again};
  const void *const *ip = program;
  u64 x = 0x0123456789abcdefull, counter = 0;
  goto **ip++;
twist:
  x ^= x << 13;
  goto **ip++;
shift:
  x ^= x >> 7;
  goto **ip++;
count:
  counter += x & 1;
  goto **ip++;
fold:
  x += counter;
  goto **ip++;
again:
  ip = program;
  if (--rounds > 0) goto **ip++;
  return x;
}

static OPAQUE const char *name_of(int n) {
  switch (n) {
    case -3: return "minus three";
    case 0: return "zero";
    case 1: case 2: case 3: return "few";
    case 100: return "hundred";
    case 1000000: return "million";
    default: return n < 0 ? "negative" : "many";
  }
}

void interpreter(void) {
  u64 steps = run(collatz);
  print("in %lu steps\n", steps);
  steps = run(sums);
  print("in %lu steps\n", steps);
  print("threaded %lx\n", threaded(500));
  for (int n = -4; n < 6; n++) print("%s, ", name_of(n));
  print("%s, %s\n", name_of(100), name_of(1000000));
}
