// The service "Adder": adds numbers and keeps the sum, in a dataspace that server and client share.
#pragma once
#include <rtcr/component.h>
#include <rtcr/root.h>

namespace Adder {

enum Opcode : Rtcr::u32 { ADD = 0, DATASPACE = 1 };

/** What the shared dataspace holds. */
struct Ledger {
  Rtcr::u32 count, sum;
};

} // namespace Adder
