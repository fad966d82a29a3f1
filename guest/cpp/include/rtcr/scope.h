// Scopes: how long named pieces of a component's work take.
//
//   { Rtcr::Scope scope("parse", Rtcr::Color::BLUE); parse(); }
//
// While nobody records, a scope is one test of a word.
#pragma once
#include "base.h"

/** Not 0 while scopes are recorded; the kernel writes it. One for the whole component, whoever includes this. */
extern "C" __attribute__((weak)) volatile Rtcr::u32 rtcr_profiling = 0;

namespace Rtcr {

enum class Color : u32 { RED, BLUE, VIOLET, GREEN, GRAY };

/** Measured from its construction to its destruction, by one thread. */
class Scope : Noncopyable {
  u32 _scope;

 public:
  /** @param name at most 64 bytes of it are kept */
  template <u32 N>
  Scope(const char (&name)[N], Color color)
      : _scope(rtcr_profiling ? Abi::rtcr_scope_begin(const_cast<char *>(name), N - 1, static_cast<u32>(color)) : 0) {}
  ~Scope() {
    if (_scope) Abi::rtcr_scope_end(_scope);
  }
};

} // namespace Rtcr
