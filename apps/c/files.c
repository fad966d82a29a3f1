// A file of fixed records: written in order, patched through seeks, read backwards, truncated, appended to.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

enum { RECORD = 24 };

static const char *const path = "/data/records.txt";

static void write_record(FILE *file, int index, uint32_t value) {
  char record[RECORD + 1];
  snprintf(record, sizeof record, "%6d %08x %6s\n", index, value, "ok");
  fseek(file, (long)index * RECORD, SEEK_SET);
  fwrite(record, 1, strlen(record), file);
}

static uint32_t sum_backwards(FILE *file, int count) {
  uint32_t sum = 0;
  for (int i = count - 1; i >= 0; i--) {
    unsigned value;
    int index;
    fseek(file, (long)i * RECORD, SEEK_SET);
    if (fscanf(file, "%d %x", &index, &value) == 2 && index == i) sum = fold(sum, value);
  }
  return sum;
}

static long size_of(const char *name) {
  struct stat status;
  return stat(name, &status) == 0 ? (long)status.st_size : -1;
}

static void truncate_and_append(int count) {
  int descriptor = open(path, O_WRONLY | O_APPEND);
  ftruncate(descriptor, (off_t)count / 2 * RECORD);
  for (int i = 0; i < 3; i++) write(descriptor, "appended line\n", 14);
  off_t end = lseek(descriptor, 0, SEEK_CUR);
  close(descriptor);
  printf("truncated and appended: offset %ld, size %ld\n", (long)end, size_of(path));
}

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 60);
  uint32_t state = 314159265u, line_sum = 0;
  char line[64];
  FILE *file = fopen(path, "w+");
  if (!file) return perror(path), 1;
  for (int i = 0; i < count; i++) write_record(file, i, next_number(&state));
  for (int i = 0; i < count; i += 3) write_record(file, i, (uint32_t)i);
  printf("sum %08x\n", sum_backwards(file, count));
  fclose(file);
  printf("size %ld\n", size_of(path));
  truncate_and_append(count);
  file = fopen(path, "r");
  while (fgets(line, sizeof line, file))
    for (char *c = line; *c; c++) line_sum = fold(line_sum, (uint8_t)*c);
  fclose(file);
  printf("lines %08x\n", line_sum);
  rename(path, "/data/renamed.txt");
  printf("old name: %ld, new name: %ld\n", size_of(path), size_of("/data/renamed.txt"));
  return 0;
}
