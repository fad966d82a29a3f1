// A register machine with switch dispatch, running a program that searches for the longest Collatz sequence.
#include <stdio.h>

#include "app.h"

enum op { SET, COPY, ADD, MULTIPLY, HALVE, AND, JUMP, JUMP_IF_ZERO, JUMP_IF_LESS, CALL, RETURN, PRINT, HALT };

enum reg { START, LIMIT, NUMBER, STEPS, BEST, BEST_START, ODD, ONE, THREE, REGISTERS };

/** `a` is the register written, tested or printed, `b` a register or constant, `target` the instruction jumped to. */
struct instruction {
  enum op op;
  int a, b, target;
};

// The instructions that are jumped to.
enum { SEARCH = 2, NO_RECORD = 6, COLLATZ = 11, TURN = 13, EVEN = 19, STEP = 20, END = 22 };

static const struct instruction program[] = {
    {SET, ONE, 1, 0},
    {SET, THREE, 3, 0},
    [SEARCH] = {CALL, 0, 0, COLLATZ},
    {JUMP_IF_LESS, STEPS, BEST, NO_RECORD},
    {COPY, BEST, STEPS, 0},
    {COPY, BEST_START, START, 0},
    [NO_RECORD] = {ADD, START, ONE, 0},
    {JUMP_IF_LESS, START, LIMIT, SEARCH},
    {PRINT, BEST_START, 0, 0},
    {PRINT, BEST, 0, 0},
    {HALT, 0, 0, 0},
    [COLLATZ] = {COPY, NUMBER, START, 0},
    {SET, STEPS, 0, 0},
    [TURN] = {COPY, ODD, NUMBER, 0},
    {AND, ODD, ONE, 0},
    {JUMP_IF_ZERO, ODD, 0, EVEN},
    {MULTIPLY, NUMBER, THREE, 0},
    {ADD, NUMBER, ONE, 0},
    {JUMP, 0, 0, STEP},
    [EVEN] = {HALVE, NUMBER, 0, 0},
    [STEP] = {ADD, STEPS, ONE, 0},
    {JUMP_IF_LESS, ONE, NUMBER, TURN},
    [END] = {RETURN, 0, 0, 0},
};

/** Runs from `at` until HALT or RETURN; returns the number of instructions executed. */
static long execute(long *registers, int at) {
  for (long executed = 1;; executed++) {
    const struct instruction *now = &program[at++];
    long *a = &registers[now->a], b = registers[now->b];
    switch (now->op) {
      case SET: *a = now->b; break;
      case COPY: *a = b; break;
      case ADD: *a += b; break;
      case MULTIPLY: *a *= b; break;
      case HALVE: *a /= 2; break;
      case AND: *a &= b; break;
      case JUMP: at = now->target; break;
      case JUMP_IF_ZERO: at = *a == 0 ? now->target : at; break;
      case JUMP_IF_LESS: at = *a < b ? now->target : at; break;
      case CALL: executed += execute(registers, now->target); break;
      case PRINT: printf("%ld\n", *a); break;
      case RETURN:
      case HALT: return executed;
    }
  }
}

int main(int argc, char **argv) {
  long registers[REGISTERS] = {[START] = 1, [LIMIT] = work_size(argc, argv, 60)};
  printf("%ld instructions\n", execute(registers, 0));
  return 0;
}
