// Capabilities with ownership: a Capability holds one reference to its slot and gives it back.
#pragma once
#include "base.h"

namespace Rtcr {

class Capability {
  Slot _slot{};

  explicit Capability(Slot slot) : _slot(slot) {}

 public:
  constexpr Capability() = default;
  /** Takes over a reference that the kernel has given. */
  static Capability adopt(Slot slot) { return Capability(slot); }
  /** Adds a reference of its own. */
  static Capability share(Slot slot) {
    if (slot.number) Abi::rtcr_cap_retain(slot.number);
    return Capability(slot);
  }

  Capability(const Capability &other) : Capability(share(other._slot)) {}
  Capability(Capability &&other) noexcept : _slot(other._slot) { other._slot = {}; }
  Capability &operator=(Capability other) {
    const Slot mine = _slot;
    _slot = other._slot;
    other._slot = mine;
    return *this;
  }
  ~Capability() {
    if (_slot.number) Abi::rtcr_cap_release(_slot.number);
  }

  Slot slot() const { return _slot; }
  /** It named an object once; whether that is alive only `badge` or a call can tell. */
  bool valid() const { return _slot.number != 0; }
  /** A number that names the object in this component for as long as it is held; 0 if the object is dead. */
  u32 badge() const { return _slot.number ? Abi::rtcr_cap_badge(_slot.number) : 0; }
  /** The same object: a capability that arrives twice has one slot. */
  bool operator==(const Capability &other) const { return _slot.number == other._slot.number; }
};

// Genode's names for capabilities of a kind; the kernel checks the kind at each call.
using Dataspace_capability = Capability;
using Ram_dataspace_capability = Capability;
using Rom_dataspace_capability = Capability;
using Session_capability = Capability;
using Signal_context_capability = Capability;
using Thread_capability = Capability;
using Untyped_capability = Capability;

} // namespace Rtcr
