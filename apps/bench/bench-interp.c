// An interpreter loop: a stack machine that mixes numbers into an array. A unit of work is 1,000 turns of its program.
#include "bench.h"

enum op { PUSH, LOAD, STORE, ADD, MULTIPLY, LESS, AND, XOR, SHIFT, FETCH, PUT, COPY, JUMP, JUMP_IF_ZERO, HALT };

enum { I, SUM, LIMIT, VARIABLES, CELLS = 1024, TOP = 0, END = 44 };

static int32_t cells[CELLS];

// while (i < limit) { cells[i] = cells[i] + (sum >> 3); sum = (sum ^ i * i) + (cells[i] & 255); i = i + 1; }
static const int32_t program[] = {
    LOAD, I, LOAD, LIMIT, LESS, JUMP_IF_ZERO, END,
    LOAD, I, LOAD, I, FETCH, LOAD, SUM, PUSH, 3, SHIFT, ADD, PUT,
    LOAD, SUM, LOAD, I, COPY, MULTIPLY, XOR, LOAD, I, FETCH, PUSH, 255, AND, ADD, STORE, SUM,
    LOAD, I, PUSH, 1, ADD, STORE, I, JUMP, TOP,
    [END] = HALT,
};

NOINLINE static int32_t execute(const int32_t *code, int32_t *variables) {
  int32_t stack[16], *top = stack;
  for (int at = 0;;) {
    switch ((enum op)code[at++]) {
      case PUSH: *top++ = code[at++]; break;
      case LOAD: *top++ = variables[code[at++]]; break;
      case STORE: variables[code[at++]] = *--top; break;
      case ADD: top--, top[-1] = (int32_t)((uint32_t)top[-1] + (uint32_t)*top); break;
      case MULTIPLY: top--, top[-1] = (int32_t)((uint32_t)top[-1] * (uint32_t)*top); break;
      case LESS: top--, top[-1] = top[-1] < *top; break;
      case AND: top--, top[-1] &= *top; break;
      case XOR: top--, top[-1] ^= *top; break;
      case SHIFT: top--, top[-1] = (int32_t)((uint32_t)top[-1] >> (*top & 31)); break;
      case FETCH: top[-1] = cells[top[-1] & (CELLS - 1)]; break;
      case PUT: top -= 2, cells[top[0] & (CELLS - 1)] = top[1]; break;
      case COPY: *top = top[-1], top++; break;
      case JUMP: at = code[at]; break;
      case JUMP_IF_ZERO: at = *--top ? at + 1 : code[at]; break;
      case HALT: return variables[SUM];
    }
  }
}

int32_t run(int32_t size) {
  int32_t variables[VARIABLES] = {[LIMIT] = size * 1000};
  for (int i = 0; i < CELLS; i++) cells[i] = i;
  return execute(program, variables);
}

BENCH_MAIN(1)
