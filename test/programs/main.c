/* Runs the programs one after the other. */
#include "runtime/program.h"

void sorting(void), hashing(void), bignum(void), strings(void), matrix(void), recursion(void);
void interpreter(void), bits(void), structs(void), vectors(void), floats(void), division(void);
void longdouble(void), wideint(void), control(void), intrinsics(void), formatting(void);

static const struct {
  const char *name;
  void (*run)(void);
} programs[] = {
    {"sorting", sorting},     {"hashing", hashing},   {"bignum", bignum}, {"strings", strings},
    {"matrix", matrix},       {"recursion", recursion}, {"bits", bits},   {"structs", structs},
    {"interpreter", interpreter}, {"vectors", vectors}, {"floats", floats}, {"division", division},
    {"longdouble", longdouble}, {"wideint", wideint}, {"control", control}, {"intrinsics", intrinsics},
    {"formatting", formatting},
};

int main(void) {
  for (unsigned i = 0; i < COUNT(programs); i++) {
    random_state = 88172645463325252ull + i;
    print("== %s\n", programs[i].name);
    programs[i].run();
  }
  return 0;
}
