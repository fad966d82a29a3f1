// Signals (spec 2.10): contexts, receivers that threads wait at, transmitters. Handlers of entrypoints: entrypoint.h.
#pragma once
#include "thread.h"

namespace Rtcr {

class Signal_receiver;

/** What one wait gives: whose signal, and how many submissions were merged. */
class Signal {
  class Signal_context *_context = nullptr;
  u32 _num = 0;

 public:
  Signal() = default;
  Signal(Signal_context *context, u32 num) : _context(context), _num(num) {}
  Signal_context *context() const { return _context; }
  u32 num() const { return _num; }
  bool valid() const { return _context != nullptr; }
};

/** A source of signals; it belongs to one receiver at a time. */
class Signal_context : public List_element<Signal_context> {
  friend class Signal_receiver;
  Signal_receiver *_receiver = nullptr;
  Signal_context *_next_of_receiver = nullptr;
  Signal_context_capability _cap;
  u32 _pending = 0;

 public:
  enum class Level { App, Io };

  virtual ~Signal_context();
  const Signal_context_capability &cap() const { return _cap; }
  operator const Signal_context_capability &() const { return _cap; }
  virtual Level level() const { return Level::App; }
  /** Called by entrypoints. */
  virtual void dispatch(Signal) {}
};

/** Where threads wait for the signals of some contexts. */
class Signal_receiver : Noncopyable {
  /** In the order of their turn. */
  Signal_context *_first = nullptr;
  Semaphore _signals;

 protected:
  /** A context without pending signals has got some; called by the thread "signal handler". */
  virtual void _became_pending() { _signals.up(); }
  /** Submissions for one of the contexts have arrived; called under the lock of all contexts. */
  virtual void _deliver(Signal_context &context, u32 count);
  /** Takes a pending context of a level (`any`: of every), round robin. */
  Signal _take(Signal_context::Level level, bool any);
  bool _has_pending() const;

 public:
  virtual ~Signal_receiver();

  /** @returns invalid, with a line in the log, if the context is in use already or the quota does not suffice */
  Signal_context_capability manage(Signal_context &context);
  /** @returns false if the context does not belong here; nothing of it is delivered afterwards */
  bool dissolve(Signal_context &context);
  /** Blocks until there is a signal and takes it. */
  Signal wait_for_signal();
  /** Blocks until there is a signal, for `pending_signal`. */
  void block_for_signal() { _signals.down(); }
  /** An invalid signal if there is none. */
  Signal pending_signal() { return _take(Signal_context::Level::App, true); }

  /** Called by the thread "signal handler": finds the context by its imprint and adds to its count. */
  static void deliver(u32 imprint, u32 count);
};

class Signal_transmitter {
  Signal_context_capability _context;

 public:
  explicit Signal_transmitter(Signal_context_capability context = {}) : _context(context) {}
  void context(Signal_context_capability context) { _context = context; }
  const Signal_context_capability &context() const { return _context; }
  /** Never blocks. */
  void submit(u32 count = 1);
};

} // namespace Rtcr
