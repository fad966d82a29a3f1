#include "rtcr/entrypoint.h"
#include "rtcr/log.h"
#include "state.h"

namespace Rtcr {

void Entrypoint::Server::entry() {
  Abi::rtcr_serve(u32(reinterpret_cast<addr_t>(&Entrypoint::_dispatch)), u32(reinterpret_cast<addr_t>(&_ep)), &_message);
}

Entrypoint::Entrypoint(Env &env, Text name, size_t stack_size, Location affinity)
    : _server(env, name, stack_size, affinity, *this) {
  _server.start();
}

Capability Entrypoint::manage(Rpc_object &object) {
  auto cap = own_pd->alloc_rpc_cap(_server.cap());
  for (u32 attempt = 0; !cap.ok() && attempt < 10; attempt++) {
    own_env().resource_request({4096, 4});
    cap = own_pd->alloc_rpc_cap(_server.cap());
  }
  if (!cap.ok()) {
    Rtcr::error("no RPC capability: ", cap.error);
    return {};
  }
  object._cap = cap.value;
  _objects.insert(object);
  return cap.value;
}

void Entrypoint::dissolve(Rpc_object &object) {
  if (!object._cap.valid()) return;
  _objects.remove(object);
  own_pd->free_rpc_cap(object._cap);
  object._cap = {};
}

u32 Entrypoint::_dispatch(Entrypoint *ep, u32 kind, u32 object, u32 value) {
  switch (kind) {
    case Abi::DISPATCH_RPC: return ep->_dispatch_rpc(object, value);
    case Abi::DISPATCH_WAKEUP: ep->_dispatch_signal(); break;
    default: break;
  }
  return 0;
}

u32 Entrypoint::_dispatch_rpc(u32 slot, u32 opcode) {
  Rpc_request request(_server.message());
  for (Rpc_object *object = _objects.first(); object; object = object->next) {
    if (object->_cap.slot().number != slot) continue;
    const u32 status = object->dispatch(opcode, request);
    return request.bad() ? u32(Error::BAD_MESSAGE) : status;
  }
  return u32(Error::INVALID_OBJECT);
}

void Entrypoint::_dispatch_signal() {
  const bool io_only = _io_waits > 0;
  const Signal signal = _take(Signal_context::Level::Io, !io_only);
  if (_has_pending() && !io_only) _became_pending();
  if (!signal.valid()) return;
  _io_dispatched = true;
  signal.context()->dispatch(signal);
}

void Entrypoint::wait_and_dispatch_one_io_signal() {
  Abi::Message message;
  _io_waits++;
  do {
    _io_dispatched = false;
    const Signal signal = _take(Signal_context::Level::Io, false);
    if (signal.valid()) {
      signal.context()->dispatch(signal);
      break;
    }
    Abi::rtcr_ep_wait_wakeup(&message);
  } while (!_io_dispatched);
  // the wake-ups of what was deferred have been used up
  if (--_io_waits == 0 && _has_pending()) _became_pending();
}

} // namespace Rtcr
