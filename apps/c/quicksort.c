// Sorting through function pointers: an own quicksort over any element size, the library's qsort and bsearch.
#include <stdio.h>
#include <string.h>

#include "app.h"

typedef int compare_fn(const void *, const void *);

struct person {
  char name[12];
  int age;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct person *)a)->name, ((const struct person *)b)->name);
}

static int by_age(const void *a, const void *b) {
  const struct person *p = a, *q = b;
  return p->age != q->age ? p->age - q->age : by_name(a, b);
}

static int by_age_down(const void *a, const void *b) {
  return by_age(b, a);
}

static void swap(char *a, char *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    char byte = a[i];
    a[i] = b[i];
    b[i] = byte;
  }
}

static void quicksort(void *base, size_t count, size_t size, compare_fn *compare) {
  char *items = base;
  while (count > 1) {
    size_t split = 0;
    swap(items, items + count / 2 * size, size);
    for (size_t i = 1; i < count; i++)
      if (compare(items + i * size, items) < 0) swap(items + ++split * size, items + i * size, size);
    swap(items, items + split * size, size);
    quicksort(items, split, size, compare);
    items += (split + 1) * size;
    count -= split + 1;
  }
}

static void fill(struct person *people, int count) {
  uint32_t state = 88172645u;
  for (int i = 0; i < count; i++) {
    for (int k = 0; k < 6; k++) people[i].name[k] = (char)('a' + next_number(&state) % 26);
    people[i].name[6] = 0;
    people[i].age = (int)(next_number(&state) % 90);
  }
}

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 60);
  compare_fn *orders[] = {by_name, by_age, by_age_down};
  struct person *mine = malloc(sizeof *mine * (size_t)count), *library = malloc(sizeof *library * (size_t)count);
  for (int i = 0; i < 3; i++) {
    fill(mine, count);
    fill(library, count);
    quicksort(mine, (size_t)count, sizeof *mine, orders[i]);
    qsort(library, (size_t)count, sizeof *library, orders[i]);
    int equal = 0;
    for (int k = 0; k < count; k++) equal += orders[i](&mine[k], &library[k]) == 0;
    printf("order %d: %s %d ... %s %d, %d of %d equal\n", i, mine[0].name, mine[0].age, mine[count - 1].name,
           mine[count - 1].age, equal, count);
    struct person *found = bsearch(&mine[count / 3], library, (size_t)count, sizeof *library, orders[i]);
    printf("found at %d\n", found ? (int)(found - library) : -1);
  }
  free(mine);
  free(library);
  return 0;
}
