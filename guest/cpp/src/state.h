// What the library keeps for the whole component: one object, made by startup.cpp. Not part of the interface.
#pragma once
#include "rtcr/entrypoint.h"
#include "rtcr/env.h"
#include "rtcr/lock.h"

namespace Rtcr {

/** Who has which slot of the stack area; slot 0 is the initial thread's. */
struct Stack_slots {
  static constexpr u32 COUNT = Abi::AREA_STACK_AREA_BYTES / Abi::AREA_STACK_SLOT_BYTES;
  Mutex mutex;
  Thread *threads[COUNT]{};

  /** The slot below whose end `sp` lies; COUNT if it lies elsewhere. */
  static u32 slot_of(addr_t sp) {
    const addr_t distance = sp - 1 - Abi::AREA_STACK_AREA;
    return sp > Abi::AREA_STACK_AREA ? min(u32(distance / Thread::SLOT_SIZE), COUNT) : COUNT;
  }
  static addr_t top_of(u32 slot) { return Abi::AREA_STACK_AREA + (slot + 1) * Thread::SLOT_SIZE; }
};

/** The component's signal source, and the lock over all contexts. */
struct Signal_registry {
  Mutex mutex;
  Capability source;
};

/** Counts the signals of a context that only wakes waiters: session events, more resources. */
class Event : public Signal_context {
  class Receiver : public Signal_receiver {
    Event &_event;
    void _deliver(Signal_context &, u32) override {
      _event._count.add(1);
      _event._count.wake();
    }

   public:
    explicit Receiver(Event &event) : _event(event) {}
  };
  Futex _count;
  Receiver _receiver{*this};

 public:
  ~Event() override { _receiver.dissolve(*this); }
  bool init() { return _receiver.manage(*this).valid(); }
  u32 count() const { return _count.load(); }
  /** Blocks until the count differs from `seen`. For a millisecond at most while nobody can signal: before `init`. */
  void wait(u32 seen) {
    if (!cap().valid()) _count.wait(seen, 1'000'000);
    else
      while (_count.load() == seen) _count.wait(seen);
  }
};

/** The environment during and after the bootstrap; `construct` gets it. */
Env &own_env();

extern Stack_slots stack_slots;
extern Signal_registry signal_registry;
/** Valid from the first step of the bootstrap on. */
extern Slot log_slot;
extern Pd_client *own_pd;

} // namespace Rtcr
