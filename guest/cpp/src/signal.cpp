// Contexts are found by their address as imprint. The registry is a hash table of the addresses that are alive, so that
// signals of dead contexts are dropped, whatever lies at their address now.
#include "rtcr/log.h"
#include "rtcr/signal.h"
#include "state.h"

namespace Rtcr {

namespace {

/** Chains of contexts by address; guarded by signal_registry.mutex. */
constinit List<Signal_context> registry[64]{};

List<Signal_context> &chain_of(addr_t imprint) { return registry[(imprint >> 4) % 64]; }

} // namespace

Signal_context::~Signal_context() {
  if (_receiver) _receiver->dissolve(*this);
}

Signal_receiver::~Signal_receiver() {
  while (_first) dissolve(*_first);
}

Signal_context_capability Signal_receiver::manage(Signal_context &context) {
  if (context._receiver) {
    error("signal context in use already");
    return {};
  }
  auto cap = own_pd->alloc_context(signal_registry.source, u32(addr_t(&context)));
  for (u32 attempt = 0; !cap.ok() && attempt < 10; attempt++) {
    own_env().resource_request({4096, 4});
    cap = own_pd->alloc_context(signal_registry.source, u32(addr_t(&context)));
  }
  if (!cap.ok()) {
    error("no signal context: ", cap.error);
    return {};
  }
  Mutex::Guard guard(signal_registry.mutex);
  context._receiver = this;
  context._cap = cap.value;
  context._pending = 0;
  Signal_context **at = &_first;
  while (*at) at = &(*at)->_next_of_receiver;
  context._next_of_receiver = nullptr;
  *at = &context;
  chain_of(addr_t(&context)).insert(context);
  return cap.value;
}

bool Signal_receiver::dissolve(Signal_context &context) {
  Mutex::Guard guard(signal_registry.mutex);
  if (context._receiver != this) return false;
  own_pd->free_context(context._cap);
  chain_of(addr_t(&context)).remove(context);
  for (Signal_context **at = &_first; *at; at = &(*at)->_next_of_receiver) {
    if (*at != &context) continue;
    *at = context._next_of_receiver;
    break;
  }
  context._receiver = nullptr;
  context._cap = {};
  context._pending = 0;
  return true;
}

bool Signal_receiver::_has_pending() const {
  Mutex::Guard guard(signal_registry.mutex);
  for (Signal_context *each = _first; each; each = each->_next_of_receiver)
    if (each->_pending) return true;
  return false;
}

Signal Signal_receiver::_take(Signal_context::Level level, bool any) {
  Mutex::Guard guard(signal_registry.mutex);
  for (Signal_context **at = &_first; *at; at = &(*at)->_next_of_receiver) {
    Signal_context &context = **at;
    if (!context._pending || !(any || context.level() == level)) continue;
    const Signal signal(&context, context._pending);
    context._pending = 0;
    // its next turn comes after all others'
    *at = context._next_of_receiver;
    context._next_of_receiver = nullptr;
    while (*at) at = &(*at)->_next_of_receiver;
    *at = &context;
    return signal;
  }
  return {};
}

Signal Signal_receiver::wait_for_signal() {
  for (;;) {
    block_for_signal();
    // a context that was dissolved meanwhile has left its count in the semaphore
    const Signal signal = pending_signal();
    if (signal.valid()) return signal;
  }
}

void Signal_receiver::_deliver(Signal_context &context, u32 count) {
  const bool first = context._pending == 0;
  context._pending += count;
  if (first) _became_pending();
}

void Signal_receiver::deliver(u32 imprint, u32 count) {
  auto *context = reinterpret_cast<Signal_context *>(imprint);
  {
    Mutex::Guard guard(signal_registry.mutex);
    if (chain_of(imprint).contains(context)) return context->_receiver->_deliver(*context, count);
  }
  warning("dropped a signal of a context that does not exist any more");
}

void Signal_transmitter::submit(u32 count) { own_pd->submit(_context, count); }

} // namespace Rtcr
