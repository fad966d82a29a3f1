// Conway's game of life on a torus.
#include <stdio.h>
#include <string.h>

#include "app.h"

enum { WIDTH = 32, HEIGHT = 16 };

typedef uint8_t grid[HEIGHT][WIDTH];

static int neighbours(grid cells, int y, int x) {
  int sum = 0;
  for (int dy = HEIGHT - 1; dy <= HEIGHT + 1; dy++)
    for (int dx = WIDTH - 1; dx <= WIDTH + 1; dx++) sum += cells[(y + dy) % HEIGHT][(x + dx) % WIDTH];
  return sum - cells[y][x];
}

static int step(grid from, grid to) {
  int alive = 0;
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      int sum = neighbours(from, y, x);
      alive += to[y][x] = sum == 3 || (sum == 2 && from[y][x]);
    }
  return alive;
}

int main(int argc, char **argv) {
  static grid now, next;
  static const int r_pentomino[][2] = {{0, 1}, {0, 2}, {1, 0}, {1, 1}, {2, 1}};
  int generations = work_size(argc, argv, 10), alive = 5;
  for (int i = 0; i < 5; i++) now[6 + r_pentomino[i][0]][15 + r_pentomino[i][1]] = 1;
  for (int i = 0; i < generations; i++) {
    alive = step(now, next);
    memcpy(now, next, sizeof now);
  }
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++) putchar(now[y][x] ? '#' : '.');
    putchar('\n');
  }
  printf("%d alive after %d generations\n", alive, generations);
  return 0;
}
