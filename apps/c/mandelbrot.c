// The Mandelbrot set as text: an inner loop over doubles that ends in two ways.
#include <stdio.h>

#include "app.h"

static int escape_time(double re, double im, int limit) {
  double x = 0, y = 0;
  for (int i = 0; i < limit; i++) {
    double next = x * x - y * y + re;
    y = 2 * x * y + im;
    x = next;
    if (x * x + y * y > 4) return i;
  }
  return limit;
}

int main(int argc, char **argv) {
  int height = work_size(argc, argv, 16), width = 2 * height, limit = 40;
  for (int row = 0; row < height; row++) {
    for (int column = 0; column < width; column++) {
      int time = escape_time(3.0 * column / width - 2.2, 2.4 * row / height - 1.2, limit);
      putchar(time == limit ? '#' : " .:-=+*"[time * 7 / limit]);
    }
    putchar('\n');
  }
  return 0;
}
