// A hash map with string keys and chains: inserts, updates, deletions, and a table that grows under them.
#include <stdio.h>
#include <string.h>

#include "app.h"

struct entry {
  struct entry *next;
  int value;
  char key[];
};

struct map {
  struct entry **chains;
  uint32_t chain_count, entry_count;
};

static uint32_t hash(const char *key) {
  uint32_t sum = 2166136261u;
  while (*key) sum = fold(sum, (uint8_t)*key++);
  return sum;
}

static struct entry **find(struct map *map, const char *key) {
  struct entry **at = &map->chains[hash(key) % map->chain_count];
  while (*at && strcmp((*at)->key, key) != 0) at = &(*at)->next;
  return at;
}

static void rehash(struct map *map, uint32_t chain_count) {
  struct map larger = {calloc(chain_count, sizeof(struct entry *)), chain_count, map->entry_count};
  for (uint32_t i = 0; i < map->chain_count; i++) {
    for (struct entry *entry = map->chains[i], *next; entry; entry = next) {
      next = entry->next;
      struct entry **at = find(&larger, entry->key);
      entry->next = NULL;
      *at = entry;
    }
  }
  free(map->chains);
  *map = larger;
}

static int *value_of(struct map *map, const char *key) {
  struct entry **at = find(map, key);
  if (!*at) {
    if (map->entry_count >= map->chain_count * 3 / 4) {
      rehash(map, map->chain_count * 2);
      at = find(map, key);
    }
    *at = calloc(1, sizeof **at + strlen(key) + 1);
    strcpy((*at)->key, key);
    map->entry_count++;
  }
  return &(*at)->value;
}

static int erase(struct map *map, const char *key) {
  struct entry **at = find(map, key), *entry = *at;
  if (!entry) return 0;
  *at = entry->next;
  free(entry);
  map->entry_count--;
  return 1;
}

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 200), erased = 0;
  struct map map = {NULL, 0, 0};
  uint32_t state = 521288629u, sum = 0;
  char key[16];
  rehash(&map, 4);
  for (int i = 0; i < count; i++) {
    snprintf(key, sizeof key, "key-%u", next_number(&state) % (uint32_t)(count / 2));
    *value_of(&map, key) += i;
    if (i % 5 == 4) {
      snprintf(key, sizeof key, "key-%u", next_number(&state) % (uint32_t)(count / 2));
      erased += erase(&map, key);
    }
  }
  for (uint32_t i = 0; i < map.chain_count; i++)
    for (struct entry *entry = map.chains[i]; entry; entry = entry->next)
      sum += hash(entry->key) ^ (uint32_t)entry->value;
  printf("%u entries in %u chains, %d erased, sum %08x\n", map.entry_count, map.chain_count, erased, sum);
  return 0;
}
