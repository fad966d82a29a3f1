// Strings: the printf family over every kind of argument, a buffer that grows, splitting, sorting, reversing.
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

struct text {
  char *bytes;
  size_t length, capacity;
};

static void append(struct text *text, const char *format, ...) {
  for (;;) {
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(text->bytes + text->length, text->capacity - text->length, format, args);
    va_end(args);
    if (text->length + (size_t)needed < text->capacity) {
      text->length += (size_t)needed;
      return;
    }
    text->capacity = (text->length + (size_t)needed + 1) * 2;
    text->bytes = realloc(text->bytes, text->capacity);
  }
}

static int compare_words(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void reverse(char *word) {
  for (size_t i = 0, k = strlen(word); i + 1 < k; i++) {
    char letter = word[i];
    word[i] = word[--k];
    word[k] = letter;
  }
}

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 40), words = 0;
  struct text text = {NULL, 0, 0};
  for (int i = 0; i < count; i++) append(&text, "%03x %s%d %c ", i * 37, i % 2 ? "odd" : "even", i, 'a' + i % 26);
  append(&text, "%+.3e %g %.10f %" PRId64 " %" PRIu64, 12345.678, 0.1, 2.0 / 3, INT64_MIN, UINT64_MAX);
  char **list = malloc(sizeof *list * text.length);
  for (char *word = strtok(text.bytes, " "); word; word = strtok(NULL, " ")) list[words++] = word;
  for (int i = 0; i < words; i++) {
    if (i % 3 == 0) reverse(list[i]);
    for (char *c = list[i]; i % 5 == 0 && *c; c++) *c = (char)toupper(*c);
  }
  qsort(list, (size_t)words, sizeof *list, compare_words);
  for (int i = 0; i < words; i += words / 12 + 1) printf("%4d %-22s|%8.3s|\n", i, list[i], list[i]);
  printf("%d words, %zu bytes\n", words, text.length);
  free(list);
  free(text.bytes);
  return 0;
}
