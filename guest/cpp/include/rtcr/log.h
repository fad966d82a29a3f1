// log(), warning(), error(): one line each through the LOG session, cut at its limit of 232 bytes with the terminator.
#pragma once
#include "capability.h"

namespace Rtcr {

/** A number to be printed in hexadecimal, as 0x... */
struct Hex {
  u64 value;
};

/** One line in the making. */
class Log_line : Noncopyable {
  /** Without the newline and what the service's terminator takes. */
  enum { LIMIT = 230 };
  char _bytes[LIMIT + 1];
  size_t _length = 0;

 public:
  void print(Text text);
  void print(const char *text) { print(Text(text)); }
  template <size_t N> void print(const String<N> &text) { print(text.text()); }
  void print(char c) { print(Text(&c, 1)); }
  void print(bool value) { print(u64(value)); }
  void print(u64 number);
  void print(i64 number);
  void print(u32 number) { print(u64(number)); }
  void print(i32 number) { print(i64(number)); }
  void print(u16 number) { print(u64(number)); }
  void print(unsigned long number) { print(u64(number)); }
  void print(long number) { print(i64(number)); }
  /** Genode prints bytes as numbers. */
  void print(u8 number) { print(u64(number)); }
  void print(Hex number);
  void print(Error error) { print(Text(name_of(error))); }

  /** Ends the line and writes it to the LOG session. */
  void write();
};

template <typename... Args> void log(const Args &...args) {
  Log_line line;
  (line.print(args), ...);
  line.write();
}

template <typename... Args> void warning(const Args &...args) { log("Warning: ", args...); }
template <typename... Args> void error(const Args &...args) { log("Error: ", args...); }

} // namespace Rtcr
