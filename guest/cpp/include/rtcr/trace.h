// TRACE sessions (spec 2.14): threads below the own label as subjects, policies, buffers.
#pragma once
#include "connection.h"

namespace Rtcr {

class Trace_connection : public Connection {
  size_t _arg_bytes;
  Attached_dataspace _arguments;

  static Session_args _args(size_t arg_bytes, u32 parent_levels) {
    Session_args args;
    args.append("arg_buffer_size=").append(u64(arg_bytes)).append(", parent_levels=").append(u64(parent_levels));
    return args;
  }
  Dataspace_capability _dataspace() {
    Slot ds;
    Abi::Trace::dataspace(slot(), ds);
    return Dataspace_capability(Capability::adopt(ds));
  }

 public:
  struct Subject_info {
    Text_buffer label, thread, state;
    u32 policy;
    u64 execution_us;
    Location affinity;
  };

  /** @param ram for policies and buffers @param parent_levels how many labels above the own one are seen, too */
  Trace_connection(Env &env, size_t ram, size_t arg_bytes = 4096, u32 parent_levels = 0)
      : Connection(env, "TRACE", _args(arg_bytes, parent_levels).text(), {ram + arg_bytes + 2048, 4}),
        _arg_bytes(arg_bytes), _arguments(env.rm(), _dataspace()) {}

  /** Calls a function with the number of each subject, as many as the argument buffer has room for. */
  template <typename F> void for_each_subject(const F &function) {
    u32 count = 0;
    if (!_arguments.valid() || Abi::Trace::subjects(slot(), count) != Error::OK) return;
    for (u32 i = 0; i < count && i < _arg_bytes / sizeof(u32); i++) function(_arguments.local_addr<u32>()[i]);
  }
  Result<Subject_info> subject_info(u32 id) {
    Result<Subject_info> result;
    Subject_info &info = result.value;
    result.error = Abi::Trace::subject_info(slot(), id, info.label, info.thread, info.state, info.policy,
                                            info.execution_us, info.affinity);
    return result;
  }
  /** Names of events, separated by spaces: rpc_call, rpc_dispatch, signal_received; as long as the argument buffer at most. */
  Result<u32> alloc_policy(Text events) {
    Result<u32> result{Error::OUT_OF_RAM, 0};
    if (!_arguments.valid() || events.length > _arg_bytes) return result;
    memcpy(_arguments.local_addr<char>(), events.start, events.length);
    result.error = Abi::Trace::alloc_policy(slot(), u32(events.length), result.value);
    return result;
  }
  Error unload_policy(u32 policy) { return Abi::Trace::unload_policy(slot(), policy); }
  Error trace(u32 subject, u32 policy, size_t buffer_bytes) {
    return Abi::Trace::trace(slot(), subject, policy, u32(buffer_bytes));
  }
  Error pause(u32 subject) { return Abi::Trace::pause(slot(), subject); }
  Error resume(u32 subject) { return Abi::Trace::resume(slot(), subject); }
  /** A ring of entries (docs/GUEST-ABI.md, trace buffers). */
  Result<Dataspace_capability> buffer(u32 subject) {
    Slot ds;
    const Error error = Abi::Trace::buffer(slot(), subject, ds);
    return {error, error == Error::OK ? Dataspace_capability(Capability::adopt(ds)) : Dataspace_capability()};
  }
  Error free(u32 subject) { return Abi::Trace::free_(slot(), subject); }
};

} // namespace Rtcr
