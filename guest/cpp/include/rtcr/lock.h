// Locks between the threads of a component, over futexes. They are not recursive.
#pragma once
#include "base.h"

namespace Rtcr {

/** A futex on which threads wait until its value is another one. */
class Futex : Noncopyable {
  volatile u32 _value;

 public:
  constexpr explicit Futex(u32 value = 0) : _value(value) {}

  u32 load() const { return __atomic_load_n(&_value, __ATOMIC_SEQ_CST); }
  void store(u32 value) { __atomic_store_n(&_value, value, __ATOMIC_SEQ_CST); }
  u32 exchange(u32 value) { return __atomic_exchange_n(&_value, value, __ATOMIC_SEQ_CST); }
  u32 add(u32 value) { return __atomic_fetch_add(&_value, value, __ATOMIC_SEQ_CST); }
  bool compare_exchange(u32 expected, u32 value) {
    return __atomic_compare_exchange_n(&_value, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
  /** @returns a FUTEX_ value; @param timeout_ns negative: for ever */
  u32 wait(u32 expected, i64 timeout_ns = -1) {
    return Abi::rtcr_futex_wait(const_cast<u32 *>(&_value), expected, timeout_ns);
  }
  void wake(u32 most = ~0u) { Abi::rtcr_futex_wake(const_cast<u32 *>(&_value), most); }
};

class Mutex : Noncopyable {
  /** 0 free, 1 held, 2 held and somebody waits. */
  Futex _state;

 public:
  constexpr Mutex() = default;
  void acquire();
  void release();

  class Guard : Noncopyable {
    Mutex &_mutex;

   public:
    explicit Guard(Mutex &mutex) : _mutex(mutex) { mutex.acquire(); }
    ~Guard() { _mutex.release(); }
  };
};

/** Genode's older name. */
class Lock : public Mutex {
 public:
  void lock() { acquire(); }
  void unlock() { release(); }
};

class Semaphore : Noncopyable {
  Futex _count;

 public:
  explicit Semaphore(u32 count = 0) : _count(count) {}
  void up();
  void down();
  u32 count() const { return _count.load(); }
};

/** Blocks until somebody has woken it since it was made, or since the last block. */
class Blockade : Noncopyable {
  Semaphore _woken;

 public:
  void block() { _woken.down(); }
  void wakeup() { _woken.up(); }
};

} // namespace Rtcr
