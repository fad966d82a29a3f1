// Allocation in recursion: trees of 2^13 - 1 nodes, built, counted and freed.
#include "bench.h"

struct tree {
  struct tree *left, *right;
};

NOINLINE static struct tree *grow(int depth) {
  struct tree *tree = malloc(sizeof *tree);
  tree->left = depth > 0 ? grow(depth - 1) : NULL;
  tree->right = depth > 0 ? grow(depth - 1) : NULL;
  return tree;
}

NOINLINE static int count(const struct tree *tree) {
  return tree->left ? 1 + count(tree->left) + count(tree->right) : 1;
}

NOINLINE static void fell(struct tree *tree) {
  if (tree->left) {
    fell(tree->left);
    fell(tree->right);
  }
  free(tree);
}

int32_t run(int32_t size) {
  int32_t nodes = 0;
  for (int32_t i = 0; i < size; i++) {
    struct tree *tree = grow(12);
    nodes += count(tree);
    fell(tree);
  }
  return nodes;
}

BENCH_MAIN(1)
