// What the compiler and every source expect of a C library.
#include "rtcr/base.h"

extern "C" {

// The builtins become instructions of bulk memory; without `noinline` they would call themselves.
void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes) {
  __asm__ volatile("local.get %0\n local.get %1\n local.get %2\n memory.copy 0, 0" : : "r"(to), "r"(from), "r"(bytes) : "memory");
  return to;
}

void *memmove(void *to, const void *from, __SIZE_TYPE__ bytes) { return memcpy(to, from, bytes); }

void *memset(void *to, int value, __SIZE_TYPE__ bytes) {
  __asm__ volatile("local.get %0\n local.get %1\n local.get %2\n memory.fill 0" : : "r"(to), "r"(value), "r"(bytes) : "memory");
  return to;
}

int memcmp(const void *a, const void *b, __SIZE_TYPE__ bytes) {
  const auto *left = static_cast<const unsigned char *>(a);
  const auto *right = static_cast<const unsigned char *>(b);
  for (__SIZE_TYPE__ i = 0; i < bytes; i++)
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  return 0;
}

__SIZE_TYPE__ strlen(const char *text) {
  __SIZE_TYPE__ length = 0;
  while (text[length]) length++;
  return length;
}

/** A pure virtual function was called: a bug of the component. */
[[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }
/** Static objects of components live for ever. */
int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }
void *__dso_handle;

} // extern "C"

/** Deleting destructors need these; objects on heaps are ended with `destroy`. */
void operator delete(void *) noexcept { __builtin_trap(); }
void operator delete(void *, __SIZE_TYPE__) noexcept { __builtin_trap(); }
