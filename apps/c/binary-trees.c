// Trees of many small blocks: malloc and free with short and long lives side by side.
#include <stdio.h>

#include "app.h"

struct tree {
  struct tree *left, *right;
};

static struct tree *grow(int depth) {
  struct tree *tree = malloc(sizeof *tree);
  *tree = depth > 0 ? (struct tree){grow(depth - 1), grow(depth - 1)} : (struct tree){NULL, NULL};
  return tree;
}

static int count(const struct tree *tree) {
  return tree ? 1 + count(tree->left) + count(tree->right) : 0;
}

static void fell(struct tree *tree) {
  if (!tree) return;
  fell(tree->left);
  fell(tree->right);
  free(tree);
}

int main(int argc, char **argv) {
  int depth = work_size(argc, argv, 7);
  struct tree *long_lived = grow(depth);
  for (int d = 2; d <= depth; d += 2) {
    int nodes = 0, trees = 1 << (depth - d);
    for (int i = 0; i < trees; i++) {
      struct tree *tree = grow(d);
      nodes += count(tree);
      fell(tree);
    }
    printf("%d trees of depth %d: %d nodes\n", trees, d, nodes);
  }
  printf("long-lived tree: %d nodes\n", count(long_lived));
  fell(long_lived);
  return 0;
}
