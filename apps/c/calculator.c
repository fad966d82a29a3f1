// A calculator for lines of standard input: recursive descent, one function for each precedence.
#include <ctype.h>
#include <math.h>
#include <stdio.h>

static const char *at;
static const char *problem;

static double sum(void);

static char peek(void) {
  while (isspace((unsigned char)*at)) at++;
  return *at;
}

static int take(char wanted) {
  if (peek() != wanted) return 0;
  at++;
  return 1;
}

static double number(void) {
  double value = 0, scale = 1;
  if (!isdigit((unsigned char)peek())) problem = "a number is missing";
  while (isdigit((unsigned char)*at)) value = value * 10 + (*at++ - '0');
  if (*at == '.')
    for (at++; isdigit((unsigned char)*at); at++) value += (*at - '0') * (scale /= 10);
  return value;
}

static double factor(void) {
  if (take('-')) return -factor();
  if (!take('(')) return number();
  double value = sum();
  if (!take(')')) problem = "a bracket is missing";
  return value;
}

static double power(void) {
  double base = factor();
  return take('^') ? pow(base, power()) : base;
}

static double product(void) {
  double value = power();
  for (;;) {
    if (take('*')) {
      value *= power();
    } else if (take('/')) {
      double divisor = power();
      if (divisor == 0) problem = "division by zero";
      value /= divisor;
    } else {
      return value;
    }
  }
}

static double sum(void) {
  double value = product();
  for (;;) {
    if (take('+')) {
      value += product();
    } else if (take('-')) {
      value -= product();
    } else {
      return value;
    }
  }
}

int main(void) {
  char line[256];
  int lines = 0, problems = 0;
  for (; fgets(line, sizeof line, stdin); lines++) {
    at = line;
    problem = NULL;
    double value = sum();
    if (!problem && peek()) problem = "something follows the expression";
    problems += problem != NULL;
    if (problem) {
      printf("error: %s at column %d\n", problem, (int)(at - line) + 1);
    } else {
      printf("%.10g\n", value);
    }
  }
  printf("%d lines, %d problems\n", lines, problems);
  return 0;
}
