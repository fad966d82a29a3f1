// Threads of a component: each has a slot of 1 MiB in the stack area, with its stack dataspace at the slot's end.
#pragma once
#include "clients.h"
#include "lock.h"

namespace Rtcr {

class Env;

class Thread : Noncopyable {
  String<32> _name;
  size_t _stack_size;
  u32 _weight;
  Location _affinity;
  u32 _slot = ~0u;
  Ram_dataspace_capability _stack;
  Thread_capability _cap;
  Blockade _done;
  Error _error = Error::OK;

  Error _create();
  static void _start();

 public:
  static constexpr size_t DEFAULT_STACK = 16 * 1024, SLOT_SIZE = Abi::AREA_STACK_SLOT_BYTES;

  /** Makes stack and kernel thread; `error` says whether that went well. */
  Thread(Env &, Text name, size_t stack_size = DEFAULT_STACK, Location affinity = {}, u32 weight = ANY_WEIGHT);
  virtual ~Thread();

  /** What the thread does; the thread is dead when it returns, unless it serves. */
  virtual void entry() = 0;

  void start();
  /** Waits until `entry` has returned; at once if the thread could not be started. Once only. */
  void join() {
    if (_error == Error::OK) _done.block();
  }

  Error error() const { return _error; }
  Text name() const { return _name.text(); }
  const Thread_capability &cap() const { return _cap; }
  Cpu_thread_client client() const { return Cpu_thread_client(_cap); }
  size_t stack_size() const { return _stack_size; }
  /** The upper end of the stack. */
  addr_t stack_top() const;

  /** The calling thread; null for the initial thread. */
  static Thread *myself();
};

} // namespace Rtcr
