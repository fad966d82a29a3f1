// Planets in their own gravity: f64 with square roots and divisions. A unit of work is 100 steps.
#include "bench.h"

enum { BODIES = 5 };

struct body {
  double x, y, z, vx, vy, vz, mass;
};

NOINLINE static void advance(struct body *bodies, int count, double seconds) {
  for (int i = 0; i < count; i++)
    for (int j = i + 1; j < count; j++) {
      struct body *a = &bodies[i], *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z, square = dx * dx + dy * dy + dz * dz;
      double strength = seconds / (square * __builtin_sqrt(square));
      a->vx -= dx * b->mass * strength, a->vy -= dy * b->mass * strength, a->vz -= dz * b->mass * strength;
      b->vx += dx * a->mass * strength, b->vy += dy * a->mass * strength, b->vz += dz * a->mass * strength;
    }
  for (struct body *body = bodies; body < bodies + count; body++)
    body->x += seconds * body->vx, body->y += seconds * body->vy, body->z += seconds * body->vz;
}

int32_t run(int32_t size) {
  struct body bodies[BODIES];
  for (int i = 0; i < BODIES; i++)
    bodies[i] = (struct body){i * 3.1 + 0.1, i * -1.7, i * 0.3, 0.01 * i, 0.02 * (4 - i), 0.003 * i, 1.0 / (i + 1)};
  for (int32_t i = 0; i < size * 100; i++) advance(bodies, BODIES, 0.001);
  return (int32_t)(bodies[0].x * 1e6);
}

BENCH_MAIN(4)
