// Variable arguments of every type, structures passed and returned by value, callbacks that take them.
#include <stdarg.h>
#include <stdio.h>

#include "app.h"

struct vector {
  double x, y, z;
};

struct mixed {
  int8_t small;
  int64_t large;
  float single;
  struct vector at;
};

typedef struct vector map_fn(struct vector, int);

__attribute__((noinline)) static struct vector sum(int count, ...) {
  struct vector total = {0, 0, 0};
  va_list args;
  va_start(args, count);
  for (int i = 0; i < count; i++) {
    struct vector next = va_arg(args, struct vector);
    total = (struct vector){total.x + next.x, total.y + next.y, total.z + next.z};
  }
  va_end(args);
  return total;
}

__attribute__((noinline)) static double evaluate(const char *kinds, ...) {
  double total = 0;
  va_list args;
  va_start(args, kinds);
  for (; *kinds; kinds++) {
    switch (*kinds) {
      case 'i': total += va_arg(args, int); break;
      case 'l': total += (double)va_arg(args, int64_t); break;
      case 'd': total += va_arg(args, double); break;
      case 's': total += va_arg(args, char *)[0]; break;
      case 'm': total += va_arg(args, struct mixed).at.y; break;
    }
  }
  va_end(args);
  return total;
}

static struct vector turn(struct vector v, int i) {
  return i % 2 ? (struct vector){v.y, v.z, v.x} : (struct vector){v.z, v.x, v.y};
}

static struct vector grow(struct vector v, int i) {
  return (struct vector){v.x + i, v.y * 1.5, -v.z};
}

__attribute__((noinline)) static struct mixed make(int i, map_fn *map) {
  struct vector v = {i, i * 0.5, i * 0.25};
  for (int k = 0; k < 3; k++) v = map(v, i + k);
  return (struct mixed){(int8_t)(i * 77), (int64_t)i << 33, (float)i / 3, v};
}

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 250);
  map_fn *const maps[] = {turn, grow};
  struct vector total = {0, 0, 0};
  double value = 0;
  for (int i = 0; i < count; i++) {
    struct mixed a = make(i, maps[i % 2]), b = make(i + 1, maps[i % 3 == 0]);
    total = sum(3, total, a.at, b.at);
    value += evaluate("ildsm", (int)a.small, a.large >> 30, (double)b.single, "xyz", b);
  }
  printf("%.3f %.3f %.3f, %.6f\n", total.x, total.y, total.z, value);
  return 0;
}
