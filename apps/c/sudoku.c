// Sudoku by backtracking with bit masks, choosing the cell with the fewest candidates.
#include <stdio.h>

#include "app.h"

struct board {
  uint16_t rows[9], columns[9], boxes[9]; // bit n: digit n + 1 is used
  char cells[81];
};

static long tried;

static int box_of(int cell) {
  return cell / 27 * 3 + cell % 9 / 3;
}

static void toggle(struct board *board, int cell, int digit) {
  uint16_t bit = (uint16_t)(1 << digit);
  board->rows[cell / 9] ^= bit;
  board->columns[cell % 9] ^= bit;
  board->boxes[box_of(cell)] ^= bit;
}

static int candidates(const struct board *board, int cell) {
  return 511 & ~(board->rows[cell / 9] | board->columns[cell % 9] | board->boxes[box_of(cell)]);
}

static int solve(struct board *board) {
  int best = -1, fewest = 10;
  for (int cell = 0; cell < 81; cell++) {
    if (board->cells[cell] != '.') continue;
    int count = __builtin_popcount((unsigned)candidates(board, cell));
    if (count < fewest) {
      fewest = count;
      best = cell;
    }
  }
  if (best < 0) return 1;
  for (int digit = 0, possible = candidates(board, best); digit < 9; digit++) {
    if (!(possible >> digit & 1)) continue;
    tried++;
    toggle(board, best, digit);
    board->cells[best] = (char)('1' + digit);
    if (solve(board)) return 1;
    board->cells[best] = '.';
    toggle(board, best, digit);
  }
  return 0;
}

int main(int argc, char **argv) {
  static const char *const puzzles[] = {
      "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
      "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9",
  };
  int count = work_size(argc, argv, 1);
  for (int i = 0; i < count && i < 2; i++) {
    struct board board = {.cells = ""};
    tried = 0;
    for (int cell = 0; cell < 81; cell++) {
      board.cells[cell] = puzzles[i][cell];
      if (puzzles[i][cell] != '.') toggle(&board, cell, puzzles[i][cell] - '1');
    }
    int solved = solve(&board);
    printf("%s, %ld tried\n%.81s\n", solved ? "solved" : "no solution", tried, board.cells);
  }
  return 0;
}
