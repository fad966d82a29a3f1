// The environment's objects as C++ sees them: thin clients over the generated stubs, one class a kind, names and
// arguments of Genode 19.08. Errors are values; nothing here retries (env.h does).
#pragma once
#include "capability.h"
#include <rtcr/rpc_stubs.h>

namespace Rtcr {

enum Cache_attribute : u32 { UNCACHED = 0, WRITE_COMBINED = 1, CACHED = 2 };

class Client {
 protected:
  Capability _cap;

 public:
  Client() = default;
  explicit Client(Capability cap) : _cap(cap) {}
  const Capability &cap() const { return _cap; }
  bool valid() const { return _cap.valid(); }
};

class Dataspace_client : public Client {
 public:
  using Client::Client;
  /** Bytes; 0 if the dataspace is dead. */
  size_t size() const;
  u64 phys_addr() const;
  bool writeable() const;
};

class Region_map_client : public Client {
 public:
  enum class Fault : u32 { READY = 0, READ_FAULT = 1, WRITE_FAULT = 2, EXEC_FAULT = 3 };
  struct State {
    Fault type;
    addr_t addr;
  };

  using Client::Client;
  /** @param size 0: the rest of the dataspace behind `offset` @returns the address in this map */
  Result<addr_t> attach(const Dataspace_capability &ds, size_t size = 0, size_t offset = 0, bool use_local_addr = false,
                        addr_t local_addr = 0, bool executable = false, bool writeable = true);
  Result<addr_t> attach_at(const Dataspace_capability &ds, addr_t addr, size_t size = 0, size_t offset = 0) {
    return attach(ds, size, offset, true, addr);
  }
  void detach(addr_t local_addr);
  void fault_handler(const Signal_context_capability &handler);
  State state() const;
  Dataspace_capability dataspace() const;
  size_t size() const;
};

class Cpu_thread_client : public Client {
 public:
  struct State {
    u32 function, position, stack_pointer, frames;
    bool paused, unresolved_page_fault, exception;
  };

  using Client::Client;
  /** @param ip index in the table of functions @param sp initial stack pointer */
  Error start(u32 ip, addr_t sp);
  void pause();
  void resume();
  void cancel_blocking();
  Result<State> state() const;
  /** The whole state of a stopped thread as bytes, written into a dataspace; the number of bytes. */
  Result<u32> save_state(const Dataspace_capability &into) const;
  Error set_state(const Dataspace_capability &from, u32 bytes);
  void exception_sigh(const Signal_context_capability &handler);
  void single_step(bool enabled);
  void affinity(Location location);
};

class Cpu_client : public Client {
 public:
  using Client::Client;
  Result<Thread_capability> create_thread(const Capability &pd, Text name, Location affinity = {},
                                          u32 weight = ANY_WEIGHT, addr_t utcb = 0);
  void kill_thread(const Thread_capability &thread);
  void exception_sigh(const Signal_context_capability &handler);
  Location affinity_space() const;
  i32 ref_account(const Capability &cpu);
  i32 transfer_quota(const Capability &cpu, u32 amount);
};

class Pd_client : public Client {
 public:
  using Client::Client;
  void assign_parent(const Capability &parent);
  Result<Capability> alloc_signal_source();
  void free_signal_source(const Capability &source);
  Result<Signal_context_capability> alloc_context(const Capability &source, u32 imprint);
  void free_context(const Signal_context_capability &context);
  void submit(const Signal_context_capability &context, u32 count = 1);
  Result<Capability> alloc_rpc_cap(const Thread_capability &entrypoint);
  void free_rpc_cap(const Capability &object);
  Region_map_client address_space() const;
  Region_map_client stack_area() const;
  Region_map_client linker_area() const;
  Error ref_account(const Capability &pd);
  Error transfer_cap_quota(const Capability &to, u64 caps);
  Error transfer_ram_quota(const Capability &to, u64 bytes);
  u64 cap_quota() const;
  u64 used_caps() const;
  u64 ram_quota() const;
  u64 used_ram() const;
  /** One attempt; `Ram` retries. */
  Result<Ram_dataspace_capability> alloc(size_t size, Cache_attribute cached = CACHED);
  void free(const Ram_dataspace_capability &ds);
  size_t dataspace_size(const Ram_dataspace_capability &ds) const;
  Capability native_pd() const;
};

class Parent_client : public Client {
 public:
  enum Session_id : u32 { PD = 1, CPU = 2, LOG = 3, BINARY = 4, LINKER = 5, FIRST_FREE = 6 };
  enum Response : u32 { SESSION_OK, SESSION_CLOSED, SERVICE_DENIED, INSUFFICIENT_RAM_QUOTA, INSUFFICIENT_CAP_QUOTA };

  using Client::Client;
  void exit(i32 value);
  void announce(Text service);
  void session_sigh(const Signal_context_capability &handler);
  /** An invalid capability without error: the session is pending. */
  Result<Session_capability> session(u32 id, Text service, Text args, Location affinity = {});
  Result<Session_capability> session_cap(u32 id);
  /** @returns whether it is done; it is pending otherwise */
  Result<bool> upgrade(u32 id, Text args);
  bool close(u32 id);
  void session_response(u32 id, Response response);
  void deliver_session_cap(u32 id, const Session_capability &session);
  Thread_capability main_thread_cap() const;
  void resource_avail_sigh(const Signal_context_capability &handler);
  void resource_request(Text args);
  void yield_sigh(const Signal_context_capability &handler);
  Text_buffer yield_request() const;
  void yield_response();
  void heartbeat_sigh(const Signal_context_capability &handler);
  void heartbeat_response();
};

} // namespace Rtcr
