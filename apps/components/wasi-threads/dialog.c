// A conversation over standard input and output, both one terminal: says a line, waits for the answer, repeats it to
// standard error. Each third line is longer than what a terminal takes at once.
//
//   dialog [TURNS]
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Until there is something to read, or the end; looks up from it each millisecond. */
static void wait_for_input(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (poll(&input, 1, 1) == 0) {
  }
}

/** Repeats an answer. @returns whether there was one */
static int repeat(void) {
  char line[400];
  wait_for_input();
  if (!fgets(line, sizeof line, stdin)) return 0;
  fprintf(stderr, "%s", line);
  return 1;
}

int main(int argc, char **argv) {
  const int turns = argc > 1 ? atoi(argv[1]) : 6;
  fprintf(stderr, "input is %s terminal\n", isatty(STDIN_FILENO) ? "a" : "no");
  setvbuf(stdin, NULL, _IONBF, 0);
  for (int turn = 0; turn < turns; turn++) {
    printf("line %d", turn);
    for (int i = 0; turn % 3 == 2 && i < 20; i++) printf(" and %d", i);
    printf("\n");
    fflush(stdout);
    if (!repeat()) return 1;
  }
  printf("bye\n");
  fflush(stdout);
  if (!repeat() || repeat()) return 1;
  fprintf(stderr, "end of input: %d, write: %d\n", feof(stdin) != 0, (int)write(STDOUT_FILENO, "x", 1));
  return 0;
}
