// The interface of the key-value server: short texts by short keys.
#pragma once
#include <rtcr/component.h>

namespace Kv {

using Key = Rtcr::String<64>;
using Value = Rtcr::String<256>;

constexpr Rtcr::Error NOT_FOUND[] = {Rtcr::Error::NONEXISTENT_SUBJECT};
constexpr Rtcr::Error FULL[] = {Rtcr::Error::OUT_OF_RAM};
/** (key, value): replaces an older value */
constexpr Rtcr::Rpc_function PUT(0, FULL);
/** (key) -> value */
constexpr Rtcr::Rpc_function GET(1, NOT_FOUND);
/** (key) */
constexpr Rtcr::Rpc_function REMOVE(2, NOT_FOUND);
/** () -> number of keys, number of requests served */
constexpr Rtcr::Rpc_function COUNT(3);

/** Session of the service "Kv"; all sessions see the same keys. */
class Connection : public Rtcr::Connection, public Rtcr::Rpc_client {
 public:
  explicit Connection(Rtcr::Env &env)
      : Rtcr::Connection(env, "Kv", "label=\"kv\"", {16 * 1024, 4}), Rtcr::Rpc_client(Rtcr::Connection::cap()) {}
  using Rtcr::Connection::cap;

  Rtcr::Error put(Rtcr::Text key, Rtcr::Text value) const { return call_void(PUT, key, value); }
  Rtcr::Result<Value> get(Rtcr::Text key) const { return call<Value>(GET, key); }
  Rtcr::Error remove(Rtcr::Text key) const { return call_void(REMOVE, key); }
  Rtcr::u32 count() const { return call<Rtcr::u32>(COUNT).value; }
};

} // namespace Kv
