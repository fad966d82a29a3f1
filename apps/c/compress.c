// A small LZ77: finds matches through hash chains, writes tokens, expands them again and compares.
// A control byte below 128 announces that many + 1 literals; one above it a match of (control - 128 + 3) bytes, whose
// distance follows in two bytes.
#include <stdio.h>
#include <string.h>

#include "app.h"

enum { HASH_SIZE = 1024, MIN_MATCH = 3, MAX_MATCH = 130, MAX_DISTANCE = 65535, MAX_LITERALS = 128, MAX_TRIES = 16 };

struct match {
  int length, distance;
};

static int last_with_hash[HASH_SIZE];

static unsigned hash3(const uint8_t *bytes) {
  return (bytes[0] * 2654435761u ^ bytes[1] * 40503u ^ bytes[2] * 97u) % HASH_SIZE;
}

static struct match longest_match(const uint8_t *in, int size, int at, const int *previous) {
  struct match best = {0, 0};
  int tries = MAX_TRIES;
  for (int from = last_with_hash[hash3(in + at)]; from >= 0 && at - from <= MAX_DISTANCE && tries-- > 0;
       from = previous[from]) {
    int length = 0;
    while (length < MAX_MATCH && at + length < size && in[from + length] == in[at + length]) length++;
    if (length > best.length) best = (struct match){length, at - from};
  }
  return best;
}

static void flush_literals(uint8_t **out, const uint8_t *literals, int count) {
  while (count > 0) {
    int run = count < MAX_LITERALS ? count : MAX_LITERALS;
    *(*out)++ = (uint8_t)(run - 1);
    memcpy(*out, literals, (size_t)run);
    *out += run;
    literals += run;
    count -= run;
  }
}

static int compress(const uint8_t *in, int size, uint8_t *out) {
  const uint8_t *begin = out;
  int *previous = malloc(sizeof(int) * (size_t)size), literals = 0, at = 0;
  memset(last_with_hash, -1, sizeof last_with_hash);
  while (at < size) {
    struct match match = at + MIN_MATCH <= size ? longest_match(in, size, at, previous) : (struct match){0, 0};
    int step = match.length >= MIN_MATCH ? match.length : 1;
    if (step > 1) {
      flush_literals(&out, in + at - literals, literals);
      *out++ = (uint8_t)(128 + match.length - MIN_MATCH);
      *out++ = (uint8_t)(match.distance >> 8);
      *out++ = (uint8_t)match.distance;
    }
    literals = step > 1 ? 0 : literals + 1;
    for (int end = at + step; at < end; at++) {
      if (at + MIN_MATCH > size) continue;
      unsigned slot = hash3(in + at);
      previous[at] = last_with_hash[slot];
      last_with_hash[slot] = at;
    }
  }
  flush_literals(&out, in + at - literals, literals);
  free(previous);
  return (int)(out - begin);
}

static int expand(const uint8_t *in, int size, uint8_t *out) {
  const uint8_t *begin = out, *end = in + size;
  while (in < end) {
    int control = *in++;
    if (control < 128) {
      memcpy(out, in, (size_t)control + 1);
      out += control + 1;
      in += control + 1;
    } else {
      int distance = in[0] << 8 | in[1];
      in += 2;
      for (int i = control - 128 + MIN_MATCH; i > 0; i--, out++) *out = out[-distance];
    }
  }
  return (int)(out - begin);
}

int main(int argc, char **argv) {
  static const char *const words[] = {
      "the ", "frozen ", "thread ", "waits ", "while ", "its ", "pages ", "are copied. "};
  int size = work_size(argc, argv, 1500);
  uint8_t *text = malloc((size_t)size + 16), *packed = malloc((size_t)size * 2), *again = malloc((size_t)size);
  uint32_t state = 362436069u;
  for (int at = 0; at < size; at += (int)strlen((char *)text + at))
    strcpy((char *)text + at, words[next_number(&state) % 8]);
  int packed_size = compress(text, size, packed), expanded = expand(packed, packed_size, again);
  uint32_t sum = 0;
  for (int i = 0; i < packed_size; i++) sum = fold(sum, packed[i]);
  printf("%d -> %d -> %d bytes, %s, sum %08x\n", size, packed_size, expanded,
         memcmp(text, again, (size_t)size) == 0 ? "equal" : "different", sum);
  return 0;
}
