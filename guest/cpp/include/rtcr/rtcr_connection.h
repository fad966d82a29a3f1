// A session of a supervisor beside the component: checkpoints of its children, and back to them (spec 2.14).
#pragma once
#include "connection.h"
#include "rtcr/rpc_stubs.h"

namespace Rtcr {

class Rtcr_connection : public Connection {
 public:
  Rtcr_connection(Env &env) : Connection(env, "Rtcr", "", {8 * 1024, 4}) {}
  /** What can be restored; `own`: it is a label of this client. */
  struct Kept {
    Error error = Error::OK;
    Text_buffer name{};
    bool own = false;
    u64 bytes = 0;
    bool ok() const { return error == Error::OK; }
  };

  /** Of the child of that name, kept under it; an empty name is all children. OUT_OF_RAM: the supervisor cannot keep it. */
  Error checkpoint(Text name) { return Abi::Rtcr::checkpoint(slot(), name); }
  /** The same, kept under a label: letters, digits, '.', '_' and '-'. */
  Error checkpoint_as(Text name, Text label) { return Abi::Rtcr::checkpoint_as(slot(), name, label); }
  /** To what is kept under a name or label; the children go back after this has returned. */
  Error restore(Text name) { return Abi::Rtcr::restore(slot(), name); }
  /** What is kept under a name or label is kept no longer. */
  Error forget(Text name) { return Abi::Rtcr::forget(slot(), name); }
  /** One after the other, from 0 on: labels, then names. */
  Kept kept(u32 index) {
    Kept kept;
    kept.error = Abi::Rtcr::kept(slot(), index, kept.name, kept.own, kept.bytes);
    return kept;
  }
};

} // namespace Rtcr
