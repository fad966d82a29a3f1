// Planets in their own gravity: f64 arithmetic whose last bit depends on every step before.
#include <math.h>
#include <stdio.h>

#include "app.h"

enum { BODIES = 5 };

struct body {
  double at[3], speed[3], mass;
};

static void pull(struct body *a, struct body *b, double seconds) {
  double d[3], square = 0;
  for (int k = 0; k < 3; k++) {
    d[k] = a->at[k] - b->at[k];
    square += d[k] * d[k];
  }
  double strength = seconds / (square * sqrt(square));
  for (int k = 0; k < 3; k++) {
    a->speed[k] -= d[k] * b->mass * strength;
    b->speed[k] += d[k] * a->mass * strength;
  }
}

__attribute__((noinline)) static void advance(struct body *bodies, double seconds) {
  for (int i = 0; i < BODIES; i++)
    for (int j = i + 1; j < BODIES; j++) pull(&bodies[i], &bodies[j], seconds);
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) bodies[i].at[k] += seconds * bodies[i].speed[k];
}

static double energy(const struct body *bodies) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    const double *v = bodies[i].speed;
    sum += 0.5 * bodies[i].mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int j = i + 1; j < BODIES; j++) {
      const double *a = bodies[i].at, *b = bodies[j].at;
      sum -= bodies[i].mass * bodies[j].mass / sqrt(pow(a[0] - b[0], 2) + pow(a[1] - b[1], 2) + pow(a[2] - b[2], 2));
    }
  }
  return sum;
}

int main(int argc, char **argv) {
  int steps = work_size(argc, argv, 300);
  struct body bodies[BODIES];
  for (int i = 0; i < BODIES; i++)
    bodies[i] = (struct body){{i * 3.1, i * -1.7, i * 0.3}, {0.01 * i, 0.02 * (4 - i), 0.003 * i}, 1.0 / (i + 1)};
  printf("energy %.15f\n", energy(bodies));
  for (int i = 0; i < steps; i++) advance(bodies, 0.001);
  printf("energy %.15f after %d steps\n", energy(bodies), steps);
  printf("first body at %.12f %.12f %.12f\n", bodies[0].at[0], bodies[0].at[1], bodies[0].at[2]);
  return 0;
}
