// A tree of directories: made, walked in sorted order, renamed, partly removed, walked again.
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

enum { PATH_LIMIT = 256, ENTRY_LIMIT = 64 };

static void make_tree(const char *path, int depth, int width) {
  char child[PATH_LIMIT];
  for (int i = 0; i < width; i++) {
    snprintf(child, sizeof child, "%s/%c%d", path, depth ? 'd' : 'f', i);
    if (depth > 0) {
      mkdir(child, 0777);
      make_tree(child, depth - 1, width);
      continue;
    }
    FILE *file = fopen(child, "w");
    for (int k = 0; k <= i; k++) fprintf(file, "%s line %d\n", child, k);
    fclose(file);
  }
}

static int compare_names(const void *a, const void *b) {
  return strcmp(a, b);
}

static int sorted_names(const char *path, char names[ENTRY_LIMIT][16]) {
  DIR *directory = opendir(path);
  int count = 0;
  for (struct dirent *entry; directory && count < ENTRY_LIMIT && (entry = readdir(directory));)
    if (entry->d_name[0] != '.') snprintf(names[count++], 16, "%s", entry->d_name);
  if (directory) closedir(directory);
  qsort(names, (size_t)count, sizeof names[0], compare_names);
  return count;
}

static long walk(const char *path, uint32_t *sum, int *entries) {
  char names[ENTRY_LIMIT][16], child[PATH_LIMIT];
  int count = sorted_names(path, names);
  long bytes = 0;
  for (int i = 0; i < count; i++) {
    struct stat status;
    snprintf(child, sizeof child, "%s/%s", path, names[i]);
    if (stat(child, &status) != 0) return perror(child), -1;
    for (char *c = child; *c; c++) *sum = fold(*sum, (uint8_t)*c);
    ++*entries;
    bytes += S_ISDIR(status.st_mode) ? walk(child, sum, entries) : (long)status.st_size;
  }
  return bytes;
}

static void report(const char *label) {
  uint32_t sum = 0;
  int entries = 0;
  long bytes = walk("/data/tree", &sum, &entries);
  printf("%s: %d entries, %ld bytes, sum %08x\n", label, entries, bytes, sum);
}

int main(int argc, char **argv) {
  int depth = work_size(argc, argv, 2);
  mkdir("/data/tree", 0777);
  make_tree("/data/tree", depth, 2);
  report("made");
  rename("/data/tree/d0", "/data/tree/moved");
  report("renamed");
  printf("rmdir of a full directory: %d\n", rmdir("/data/tree/moved"));
  unlink("/data/tree/d1/d0/f0");
  unlink("/data/tree/d1/d0/f1");
  printf("rmdir of an empty directory: %d\n", rmdir("/data/tree/d1/d0"));
  report("removed");
  return 0;
}
