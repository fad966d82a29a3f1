// A session of a supervisor beside the component: checkpoints of its children, and back to them (spec 2.14).
#pragma once
#include "connection.h"
#include "rtcr/rpc_stubs.h"

namespace Rtcr {

class Rtcr_connection : public Connection {
 public:
  Rtcr_connection(Env &env) : Connection(env, "Rtcr", "", {8 * 1024, 4}) {}
  /** Of the child of that name, kept under it; an empty name is all children. */
  Error checkpoint(Text name) { return Abi::Rtcr::checkpoint(slot(), name); }
  /** The same, kept under a label: letters, digits, '.', '_' and '-'. */
  Error checkpoint_as(Text name, Text label) { return Abi::Rtcr::checkpoint_as(slot(), name, label); }
  /** To what is kept under a name or label; the children go back after this has returned. */
  Error restore(Text name) { return Abi::Rtcr::restore(slot(), name); }
};

} // namespace Rtcr
