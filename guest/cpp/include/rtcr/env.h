// The environment of a component (spec 2.13), and what the library does when quota runs out (2.12).
#pragma once
#include "entrypoint.h"

namespace Rtcr {

/** The PD as allocator: retries up to 10 times, each time after a resource request. */
class Ram : Noncopyable {
  Env &_env;

 public:
  explicit Ram(Env &env) : _env(env) {}
  Result<Ram_dataspace_capability> alloc(size_t size, Cache_attribute cached = CACHED);
  void free(const Ram_dataspace_capability &ds);
  size_t dataspace_size(const Ram_dataspace_capability &ds) const;
  u64 avail_ram() const;
};
using Ram_allocator = Ram;

/** The component's own PD: what it gives is tried again twice, each time after a resource request. */
class Pd : public Pd_client {
  Env &_env;

 public:
  Pd(Env &env, Capability session) : Pd_client(session), _env(env) {}
  Error transfer_cap_quota(const Capability &to, u64 caps);
  Error transfer_ram_quota(const Capability &to, u64 bytes);
};

/** A region map whose attachments are retried after an upgrade of the component's own PD. */
class Region_map : public Region_map_client {
  Env *_env = nullptr;

 public:
  Region_map() = default;
  Region_map(Env &env, Region_map_client map) : Region_map_client(map), _env(&env) {}
  Result<addr_t> attach(const Dataspace_capability &ds, size_t size = 0, size_t offset = 0, bool use_local_addr = false,
                        addr_t local_addr = 0, bool executable = false, bool writeable = true);
  Result<addr_t> attach_at(const Dataspace_capability &ds, addr_t addr, size_t size = 0, size_t offset = 0) {
    return attach(ds, size, offset, true, addr);
  }
};

/** The component's CPU session, upgraded when it has no room for another thread. */
class Cpu : public Cpu_client {
  Env *_env;

 public:
  Cpu(Env &env, Capability session) : Cpu_client(session), _env(&env) {}
  Result<Thread_capability> create_thread(const Capability &pd, Text name, Location affinity = {},
                                          u32 weight = ANY_WEIGHT, addr_t utcb = 0);
};

/** RAM in bytes and capabilities, for the donation of a session. */
struct Quota {
  size_t ram;
  u32 caps;
};

/** An open session, with the id that the client chose. */
struct Session {
  Error error = Error::OK;
  u32 id = 0;
  Session_capability cap;

  bool ok() const { return error == Error::OK; }
};

class Env : Noncopyable {
 public:
  virtual ~Env() = default;
  virtual Parent_client &parent() = 0;
  virtual Pd &pd() = 0;
  virtual Ram &ram() = 0;
  /** The component's address space. */
  virtual Region_map &rm() = 0;
  virtual Region_map &stack_area() = 0;
  virtual Region_map &linker_area() = 0;
  virtual Cpu &cpu() = 0;
  /** Only from the call of `construct` on. */
  virtual Entrypoint &ep() = 0;
  virtual const Capability &log_session_cap() = 0;
  const Capability &pd_session_cap() { return pd().cap(); }
  const Capability &cpu_session_cap() { return cpu().cap(); }

  /**
   * Opens a session and blocks until it is there.
   *
   * @param args `label="..."` and the like; the donation is added
   * @returns an error only if the service is denied or the arguments are malformed: it asks for resources for ever
   */
  virtual Session session(Text service, Text args, Quota donation, Location affinity = {}) = 0;
  virtual Error upgrade(u32 id, Quota more) = 0;
  virtual void close(u32 id) = 0;
  /** Asks the parent for more; blocks until it has given some, unless the component has its own handler. */
  virtual void resource_request(Quota more) = 0;
  /** From now on this handler is told of more resources, and `resource_request` does not block. */
  virtual void resource_avail_sigh(const Signal_context_capability &handler) = 0;
};

} // namespace Rtcr
