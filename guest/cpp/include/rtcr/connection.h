// Connections: sessions that are opened by a constructor and closed by the destructor. Donations are those of spec 2.0.
#pragma once
#include "heap.h"
#include "log.h"
#include "xml.h"

namespace Rtcr {

/** The longest string of session arguments. */
using Session_args = String<160>;

inline Session_args label_args(Text label) {
  Session_args args;
  if (label.length) args.append("label=\"").append(label).append("\"");
  return args;
}

class Connection : Noncopyable {
  Env &_env;
  Session _session;

 public:
  Connection(Env &env, Text service, Text args, Quota donation, Location affinity = {})
      : _env(env), _session(env.session(service, args, donation, affinity)) {}
  virtual ~Connection() {
    if (_session.ok()) _env.close(_session.id);
  }
  Env &env() const { return _env; }
  u32 id() const { return _session.id; }
  bool ok() const { return _session.ok(); }
  Error error() const { return _session.error; }
  const Session_capability &cap() const { return _session.cap; }
  Slot slot() const { return _session.cap.slot(); }
  Error upgrade(Quota more) { return _env.upgrade(_session.id, more); }
  Error upgrade_ram(size_t bytes) { return upgrade({bytes, 0}); }
  Error upgrade_caps(u32 caps) { return upgrade({0, caps}); }
};

class Pd_connection : public Connection, public Pd_client {
 public:
  Pd_connection(Env &env, Text label, size_t ram = 192 * 1024)
      : Connection(env, "PD", label_args(label).text(), {ram, 13}), Pd_client(Connection::cap()) {}
  using Connection::cap;
};

class Cpu_connection : public Connection, public Cpu_client {
 public:
  Cpu_connection(Env &env, Text label = "", Location affinity = {})
      : Connection(env, "CPU", label_args(label).text(), {36 * 1024, 4}, affinity), Cpu_client(Connection::cap()) {}
  using Connection::cap;
};

class Rom_connection : public Connection {
 public:
  Rom_connection(Env &env, Text name) : Connection(env, "ROM", label_args(name).text(), {6 * 1024, 3}) {}
  /** May be invalid; the dataspace of the call before may be dead then. */
  Rom_dataspace_capability dataspace();
  /** True: the dataspace was refreshed in place; false: call `dataspace` again. */
  bool update();
  void sigh(const Signal_context_capability &handler);
};

class Log_connection : public Connection {
 public:
  Log_connection(Env &env, Text label) : Connection(env, "LOG", label_args(label).text(), {8 * 1024, 2}) {}
  /** @returns the number of characters written */
  size_t write(Text text);
};

class Rm_connection : public Connection {
 public:
  Rm_connection(Env &env) : Connection(env, "RM", "", {64 * 1024, 2}) {}
  /** Upgrades the session and tries again when its donation is used up. */
  Result<Region_map_client> create(size_t size);
  /** One attempt. */
  Result<Region_map_client> try_create(size_t size);
  void destroy(const Region_map_client &map);
};

class Attached_dataspace : Noncopyable {
 protected:
  Region_map &_rm;
  Dataspace_capability _ds;
  size_t _size = 0;
  addr_t _addr = 0;
  Error _error = Error::OK;

  void _attach();
  void _detach();

 public:
  Attached_dataspace(Region_map &rm, Dataspace_capability ds) : _rm(rm), _ds(ds) { _attach(); }
  virtual ~Attached_dataspace() { _detach(); }
  const Dataspace_capability &cap() const { return _ds; }
  size_t size() const { return _size; }
  Error error() const { return _error; }
  bool valid() const { return _addr != 0; }
  template <typename T> T *local_addr() const { return reinterpret_cast<T *>(_addr); }
};

class Attached_ram_dataspace : public Attached_dataspace {
  Ram &_ram;

 public:
  Attached_ram_dataspace(Ram &ram, Region_map &rm, size_t size, Cache_attribute cached = CACHED)
      : Attached_dataspace(rm, ram.alloc(size, cached).value), _ram(ram) {}
  ~Attached_ram_dataspace() override {
    _detach();
    _ram.free(_ds);
  }
};

class Attached_rom_dataspace : Noncopyable {
  Rom_connection _rom;
  Attached_dataspace _content;

 public:
  Attached_rom_dataspace(Env &env, Text name);
  bool valid() const { return _content.valid(); }
  size_t size() const { return _content.size(); }
  template <typename T> const T *local_addr() const { return _content.local_addr<T>(); }
  /** Up to the first zero. */
  Text text() const;
  Xml_node xml() const { return Xml_node(text()); }
  void sigh(const Signal_context_capability &handler) { _rom.sigh(handler); }
  /** Takes over what the ROM has become. */
  void update();
};

class Report_connection : public Connection {
  size_t _size;
  Dataspace_capability _ds();
  Attached_dataspace _buffer;

 public:
  Report_connection(Env &env, Text label, size_t buffer_size = 4096);
  size_t size() const { return _buffer.size(); }
  /** @returns false if the text is larger than the buffer */
  bool report(Text text);
};

} // namespace Rtcr

namespace Timer {

/** A timer session. `msleep` blocks the calling thread; a handler installed with `sigh` is put back afterwards. */
class Connection : public Rtcr::Connection {
  Rtcr::Signal_context_capability _handler;
  Rtcr::Signal_context _context;
  Rtcr::Signal_receiver _receiver;
  Rtcr::Mutex _mutex;

 public:
  Connection(Rtcr::Env &env, Rtcr::Text label = "");
  ~Connection() override { _receiver.dissolve(_context); }
  void trigger_once(Rtcr::u64 us);
  void trigger_periodic(Rtcr::u64 us);
  /** An invalid capability cancels the timeout too. */
  void sigh(const Rtcr::Signal_context_capability &handler);
  Rtcr::u64 elapsed_ms() const;
  Rtcr::u64 elapsed_us() const;
  void usleep(Rtcr::u64 us);
  void msleep(Rtcr::u64 ms) { usleep(ms * 1000); }
};

} // namespace Timer
