// Small things that everything needs: arithmetic, memory, text without ownership. No calls of the kernel.
#pragma once
#include <rtcr/abi.h>

extern "C" {
void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes);
void *memmove(void *to, const void *from, __SIZE_TYPE__ bytes);
void *memset(void *to, int value, __SIZE_TYPE__ bytes);
int memcmp(const void *a, const void *b, __SIZE_TYPE__ bytes);
__SIZE_TYPE__ strlen(const char *text);
}

inline void *operator new(__SIZE_TYPE__, void *at) noexcept { return at; }

namespace Rtcr {

using size_t = __SIZE_TYPE__;
using addr_t = __UINTPTR_TYPE__;

constexpr size_t PAGE_SIZE = 4096;
constexpr u32 ANY_WEIGHT = 10;

template <typename T> constexpr T min(T a, T b) { return a < b ? a : b; }
template <typename T> constexpr T max(T a, T b) { return a > b ? a : b; }
/** @param alignment a power of two */
constexpr size_t align_up(size_t value, size_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

/** Base of everything that has an identity. */
class Noncopyable {
 public:
  constexpr Noncopyable() = default;
  Noncopyable(const Noncopyable &) = delete;
  Noncopyable &operator=(const Noncopyable &) = delete;
};

/** A number in this component's capability table; it owns nothing. 0 is the invalid capability. */
struct Slot {
  u32 number = 0;
};

/** A rectangle of CPUs; no width means "anywhere". */
struct Location {
  u32 x = 0, y = 0, width = 0, height = 0;
};

/** Bytes of somebody else, without terminator. */
struct Text {
  const char *start = "";
  size_t length = 0;

  constexpr Text() = default;
  constexpr Text(const char *bytes, size_t count) : start(bytes), length(count) {}
  constexpr Text(const char *terminated) : start(terminated), length(__builtin_strlen(terminated)) {}

  bool operator==(const Text &other) const { return length == other.length && !memcmp(start, other.start, length); }
};

/** A text of its own, cut at N - 1 bytes. */
template <size_t N> class String {
  char _bytes[N]{};
  size_t _length = 0;

 public:
  String() = default;
  String(Text text) { append(text); }
  String(const char *text) { append(Text(text)); }

  String &append(Text text) {
    const size_t count = min(text.length, N - 1 - _length);
    memcpy(_bytes + _length, text.start, count);
    _length += count;
    _bytes[_length] = 0;
    return *this;
  }
  String &append(u64 number) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = char('0' + number % 10);
    while (number /= 10);
    return append(Text(digits + at, sizeof digits - at));
  }

  /** What was too long is missing at the end. */
  size_t length() const { return _length; }
  const char *string() const { return _bytes; }
  Text text() const { return {_bytes, _length}; }
  bool operator==(Text other) const { return text() == other; }
};

/** Text that a call returned, cut at its size. */
using Text_buffer = String<256>;

/** A value, or why there is none. */
template <typename T> struct Result {
  Error error = Error::OK;
  T value{};

  bool ok() const { return error == Error::OK; }
};

/** Elements of a list name themselves as T : List_element<T>. */
template <typename T> class List_element : Noncopyable {
 public:
  T *next = nullptr;
};

/** Elements in the order of their insertion; it owns none of them. */
template <typename T> class List : Noncopyable {
  T *_first = nullptr;

 public:
  constexpr List() = default;
  T *first() const { return _first; }

  void insert(T &element) {
    T **at = &_first;
    while (*at) at = &(*at)->next;
    element.next = nullptr;
    *at = &element;
  }
  /** Harmless if it is not in the list. */
  void remove(T &element) {
    for (T **at = &_first; *at; at = &(*at)->next) {
      if (*at != &element) continue;
      *at = element.next;
      return;
    }
  }
  bool contains(const T *element) const {
    for (T *each = _first; each; each = each->next)
      if (each == element) return true;
    return false;
  }
};

} // namespace Rtcr
