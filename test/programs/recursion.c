/* Calls that go deep: Ackermann, N queens, towers of Hanoi, permutations, mutual recursion, a tree. */
#include "runtime/program.h"

static OPAQUE unsigned ackermann(unsigned m, unsigned n) {
  if (m == 0) return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static OPAQUE int queens(int n, u32 columns, u32 left, u32 right) {
  u32 all = (1u << n) - 1;
  if (columns == all) return 1;
  int count = 0;
  for (u32 free = all & ~(columns | left | right); free; free &= free - 1) {
    u32 place = free & -free;
    count += queens(n, columns | place, (left | place) << 1, (right | place) >> 1);
  }
  return count;
}

static u64 moves;
static OPAQUE void hanoi(int n, int from, int to, int via) {
  if (n == 0) return;
  hanoi(n - 1, from, via, to);
  moves = mix(moves, (u64)(n * 16 + from * 4 + to));
  hanoi(n - 1, via, to, from);
}

static u64 seen;
static OPAQUE void permute(char *text, int from, int n) {
  if (from == n) {
    for (int i = 0; i < n; i++) seen = mix(seen, (u64)text[i]);
    return;
  }
  for (int i = from; i < n; i++) {
    char c = text[from];
    text[from] = text[i];
    text[i] = c;
    permute(text, from + 1, n);
    text[i] = text[from];
    text[from] = c;
  }
}

static OPAQUE int is_odd(unsigned n);
static OPAQUE int is_even(unsigned n) { return n == 0 ? 1 : is_odd(n - 1); }
static OPAQUE int is_odd(unsigned n) { return n == 0 ? 0 : is_even(n - 1); }

typedef struct Node {
  struct Node *left, *right;
  u64 key;
} Node;
static Node pool[500];
static int used;

static OPAQUE Node *insert(Node *root, u64 key) {
  if (root == NULL) {
    pool[used] = (Node){NULL, NULL, key};
    return &pool[used++];
  }
  if (key < root->key) root->left = insert(root->left, key);
  else if (key > root->key) root->right = insert(root->right, key);
  return root;
}

static OPAQUE u64 walk(const Node *root, u64 sum, int *depth) {
  int left = 0, right = 0;
  if (root == NULL) return sum;
  sum = walk(root->left, sum, &left);
  sum = walk(root->right, mix(sum, root->key), &right);
  *depth = 1 + (left > right ? left : right);
  return sum;
}

void recursion(void) {
  print("ackermann %u %u\n", ackermann(2, 20), ackermann(3, 3));
  for (int n = 4; n <= 7; n++) print("queens %d: %d\n", n, queens(n, 0, 0, 0));
  hanoi(9, 0, 2, 1);
  print("hanoi %lx\n", moves);
  char text[] = "abcdef";
  permute(text, 0, 6);
  print("permutations %lx\n", seen);
  print("parity %d %d\n", is_even(301), is_odd(301));
  Node *root = NULL;
  for (int i = 0; i < 300; i++) root = insert(root, random64() >> 40);
  int depth = 0;
  u64 sum = walk(root, 0, &depth);
  print("tree %lx, depth %d\n", sum, depth);
}
