// A backtracking matcher for patterns of literals . [a-z] ( | ) * + ? ^ $: its choices wait in the frames of the stack.
#include <stdio.h>
#include <string.h>

#include "app.h"

/** What remains to be matched after the current piece: a pattern up to `end`, then more; but not from `barred`. */
struct rest {
  const char *pattern, *end;
  const struct rest *then;
  const char *barred; // where a repetition began: one that matched nothing is not repeated again
};

static const char *match(const char *pattern, const char *end, const char *text, const struct rest *then);
static long steps;

static const char *atom_end(const char *pattern) {
  int depth = 0;
  if (*pattern == '[') return strchr(pattern, ']') + 1;
  do {
    depth += *pattern == '(';
    depth -= *pattern == ')';
    pattern++;
  } while (depth > 0);
  return pattern;
}

static int class_holds(const char *class, char letter) {
  for (class ++; *class != ']'; class ++) {
    if (class[1] == '-' && letter >= class[0] && letter <= class[2]) return 1;
    if (*class == letter) return 1;
  }
  return 0;
}

static const char *match_rest(const struct rest *rest, const char *text) {
  if (!rest) return text;
  return text == rest->barred ? NULL : match(rest->pattern, rest->end, text, rest->then);
}

static const char *match_choice(const char *pattern, const char *end, const char *text, const struct rest *then) {
  for (const char *piece = pattern; piece < end; piece = atom_end(piece)) {
    if (*piece != '|') continue;
    const char *found = match(pattern, piece, text, then);
    return found ? found : match_choice(piece + 1, end, text, then);
  }
  return match(pattern, end, text, then);
}

static const char *match_atom(const char *pattern, const char *end, const char *text, const struct rest *then) {
  if (*pattern == '(') return match_choice(pattern + 1, end - 1, text, then);
  if (!*text) return NULL;
  int same = *pattern == '[' ? class_holds(pattern, *text) : *pattern == '.' || *pattern == *text;
  return same ? match_rest(then, text + 1) : NULL;
}

static const char *match(const char *pattern, const char *end, const char *text, const struct rest *then) {
  steps++;
  if (pattern == end) return match_rest(then, text);
  if (*pattern == '$') return *text ? NULL : match(pattern + 1, end, text, then);
  const char *next = atom_end(pattern), *found = NULL;
  char repeat = next < end ? *next : 0;
  if (!repeat || !strchr("*+?", repeat)) return match_atom(pattern, next, text, &(struct rest){next, end, then, NULL});
  struct rest after = {next + 1, end, then, NULL}, again = {pattern, end, then, text};
  if (repeat != '?') found = match_atom(pattern, next, text, &again);
  if (!found && repeat != '*') found = match_atom(pattern, next, text, &after);
  return found || repeat == '+' ? found : match_rest(&after, text);
}

static void search(const char *pattern, const char *text) {
  const char *end = pattern + strlen(pattern);
  int anchored = *pattern == '^';
  steps = 0;
  for (const char *from = text;; from++) {
    const char *found = match_choice(pattern + anchored, end, from, NULL);
    if (found) {
      printf("%-18s %-28.28s [%.*s] after %ld steps\n", pattern, text, (int)(found - from), from, steps);
      return;
    }
    if (anchored || !*from) break;
  }
  printf("%-18s %-28.28s no match after %ld steps\n", pattern, text, steps);
}

int main(int argc, char **argv) {
  int length = work_size(argc, argv, 7);
  char text[64];
  search("c[aou]t", "a cut above");
  search("(ab|cd)+e", "xxabcdabe");
  search("^(a|b)*$", "abbaabab");
  search("^(a|b)*$", "abbacabab");
  search("colou?r", "the color red");
  search("[0-9]+-[0-9]+", "call 0049-89-1234 now");
  memset(text, 'a', (size_t)length);
  text[length] = 0;
  search("^(a*)*b$", text);
  return 0;
}
