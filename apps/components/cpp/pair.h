// The interface between pair_client and pair_server: one shared dataspace, and calls about what is in it.
#pragma once
#include <rtcr/component.h>

namespace Pair {

constexpr Rtcr::size_t BUFFER_BYTES = 4 * Rtcr::PAGE_SIZE;
constexpr Rtcr::u32 WORDS = BUFFER_BYTES / sizeof(Rtcr::u32);

constexpr Rtcr::Error ERRORS[] = {Rtcr::Error::OUT_OF_RAM};
/** () -> dataspace */
constexpr Rtcr::Rpc_function BUFFER(0);
/** (words) -> sum of so many words; more than there are: the declared error */
constexpr Rtcr::Rpc_function SUM(1, ERRORS);
/** (words, first): writes first, first + 1, ... */
constexpr Rtcr::Rpc_function FILL(2, ERRORS);

/** Session of the service "Pair". */
class Connection : public Rtcr::Connection, public Rtcr::Rpc_client {
 public:
  explicit Connection(Rtcr::Env &env)
      : Rtcr::Connection(env, "Pair", "label=\"pair\"", {64 * 1024, 8}), Rtcr::Rpc_client(Rtcr::Connection::cap()) {}
  using Rtcr::Connection::cap;

  Rtcr::Dataspace_capability buffer() const { return call<Rtcr::Capability>(BUFFER).value; }
  Rtcr::Result<Rtcr::u32> sum(Rtcr::u32 words) const { return call<Rtcr::u32>(SUM, words); }
  Rtcr::Error fill(Rtcr::u32 words, Rtcr::u32 first) const { return call_void(FILL, words, first); }
};

} // namespace Pair
