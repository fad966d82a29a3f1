// What the C++ programs share: the work size from the command line, repeatable numbers.
#pragma once

#include <cstdint>
#include <cstdlib>

/** Returns the first argument as the work size, or `otherwise`. */
inline int work_size(int argc, char **argv, int otherwise) {
  return argc > 1 ? std::atoi(argv[1]) : otherwise;
}

/** A fixed sequence of numbers (xorshift32), usable as a random engine of the standard library. */
class Numbers {
 public:
  using result_type = uint32_t;
  static constexpr result_type min() { return 1; }
  static constexpr result_type max() { return UINT32_MAX; }

  result_type operator()() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    return state_ ^= state_ << 5;
  }

 private:
  uint32_t state_ = 2463534242u;
};
