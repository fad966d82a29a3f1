// Entrypoints (spec 2.11): one thread serves RPC objects and signal handlers, one at a time. Signals reach it as wake-ups
// from the thread "signal handler", one dispatch a wake-up, so that RPCs and signals alternate.
#pragma once
#include "rpc.h"
#include "signal.h"

namespace Rtcr {

class Entrypoint : public Signal_receiver {
  class Server : public Thread {
    Entrypoint &_ep;
    Abi::Message _message;

   public:
    Server(Env &env, Text name, size_t stack_size, Location affinity, Entrypoint &ep)
        : Thread(env, name, stack_size, affinity), _ep(ep) {}
    void entry() override;
    Abi::Message &message() { return _message; }
  };

  List<Rpc_object> _objects;
  /** Nested waits for I/O signals. */
  u32 _io_waits = 0;
  bool _io_dispatched = false;
  Server _server;

  static u32 _dispatch(Entrypoint *, u32 kind, u32 object, u32 value);
  u32 _dispatch_rpc(u32 slot, u32 opcode);
  void _dispatch_signal();
  void _became_pending() override { Abi::rtcr_ep_wakeup(_server.cap().slot().number); }

 public:
  Entrypoint(Env &env, Text name, size_t stack_size = 64 * 1024, Location affinity = {});

  Error error() const { return _server.error(); }
  const Thread_capability &thread_cap() const { return _server.cap(); }
  Thread &thread() { return _server; }

  /** Makes a capability for an object, with calls served here. Invalid if the quota does not suffice. */
  Capability manage(Rpc_object &object);
  void dissolve(Rpc_object &object);
  using Signal_receiver::dissolve;
  using Signal_receiver::manage;

  /** In a handler of this entrypoint: dispatches one I/O-level signal; application-level ones wait meanwhile. */
  void wait_and_dispatch_one_io_signal();
};

/** Calls a method of an object, once a batch, for signals of application level. */
template <typename T, Signal_context::Level LEVEL = Signal_context::Level::App>
class Signal_handler : public Signal_context {
  Entrypoint &_ep;
  T &_object;
  void (T::*_method)();

 public:
  Signal_handler(Entrypoint &ep, T &object, void (T::*method)()) : _ep(ep), _object(object), _method(method) {
    ep.manage(*this);
  }
  ~Signal_handler() override { _ep.dissolve(*this); }
  Level level() const override { return LEVEL; }
  void dispatch(Signal) override { (_object.*_method)(); }
  /** As if somebody had submitted to the context. */
  void local_submit() { Signal_transmitter(cap()).submit(); }
};

template <typename T> using Io_signal_handler = Signal_handler<T, Signal_context::Level::Io>;

} // namespace Rtcr
