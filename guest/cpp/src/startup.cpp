// The bootstrap (spec 4.1, steps 7 to 17) and the environment.
//
//   initial thread   sessions, region maps (attached by the creator), its stack (slot 0), thread `ep` (slot 1), thread "signal handler" (slot 2),
//                    then an RPC to `ep` in which it stays until `construct` has returned; then it rests as a thread
//                    that serves nothing
//   ep               handlers at the parent, heartbeats last, static constructors, Component::construct; then it serves
//   signal handler   allocates the signal source and serves it: each signal is passed on to its context's receiver
#include "rtcr/component.h"
#include "state.h"

extern "C" void __wasm_call_ctors();

[[gnu::weak]] Rtcr::size_t Component::stack_size() { return 64 * 1024; }

namespace Rtcr {

// Used before static constructors have run, so they must not need any.
constinit Stack_slots stack_slots;
[[clang::no_destroy]] constinit Signal_registry signal_registry;
constinit Slot log_slot;
constinit Pd_client *own_pd = nullptr;

namespace {

/** A place for an object that is made when its turn comes, and never ends. */
template <typename T> class Later {
  alignas(T) u8 _bytes[sizeof(T)]{};

 public:
  template <typename... Args> T &make(Args &&...args) { return *new (_bytes) T(static_cast<Args &&>(args)...); }
  T &operator*() { return *reinterpret_cast<T *>(_bytes); }
  T *operator->() { return reinterpret_cast<T *>(_bytes); }
};

String<96> donation_args(Quota quota) {
  String<96> args;
  args.append("ram_quota=").append(u64(quota.ram)).append(", cap_quota=").append(u64(quota.caps));
  return args;
}

class Startup_env final : public Env {
  Parent_client _parent{Capability::share({Abi::rtcr_parent()})};
  Pd _pd{*this, _parent.session_cap(Parent_client::PD).value};
  Cpu _cpu{*this, _parent.session_cap(Parent_client::CPU).value};
  Capability _log{_parent.session_cap(Parent_client::LOG).value};
  Ram _ram{*this};
  Region_map _rm{*this, _pd.address_space()};
  Region_map _stack_area{*this, _pd.stack_area()};
  Region_map _linker_area{*this, _pd.linker_area()};
  Event _session_event, _resource_event;
  bool _own_resource_handler = false;
  Futex _next_id{Parent_client::FIRST_FREE};
  /** Held while an upgrade is asked for: the parent drops those of a session that has one under way. */
  Mutex _upgrades;

  Error _try_session(u32 id, Text service, Text args, Location affinity, Session_capability &cap);
  void _await_upgrade(u32 id);

 public:
  Later<Entrypoint> entrypoint;

  Parent_client &parent() override { return _parent; }
  Pd &pd() override { return _pd; }
  Ram &ram() override { return _ram; }
  Region_map &rm() override { return _rm; }
  Region_map &stack_area() override { return _stack_area; }
  Region_map &linker_area() override { return _linker_area; }
  Cpu &cpu() override { return _cpu; }
  Entrypoint &ep() override { return *entrypoint; }
  const Capability &log_session_cap() override { return _log; }

  Session session(Text service, Text args, Quota donation, Location affinity) override;
  Error upgrade(u32 id, Quota more) override;
  void close(u32 id) override { _parent.close(id); }
  void resource_request(Quota more) override;
  void resource_avail_sigh(const Signal_context_capability &handler) override {
    _own_resource_handler = true;
    _parent.resource_avail_sigh(handler);
  }

  void make_parent_handlers() {
    if (_session_event.init()) _parent.session_sigh(_session_event.cap());
    if (_resource_event.init()) _parent.resource_avail_sigh(_resource_event.cap());
  }
};

constinit Later<Startup_env> env;

Error Startup_env::_try_session(u32 id, Text service, Text args, Location affinity, Session_capability &cap) {
  u32 seen = _session_event.count();
  auto session = _parent.session(id, service, args, affinity);
  while (session.ok() && !session.value.valid()) {
    _session_event.wait(seen);
    seen = _session_event.count();
    session = _parent.session_cap(id);
  }
  cap = session.value;
  return session.error;
}

Session Startup_env::session(Text service, Text args, Quota donation, Location affinity) {
  for (u32 attempt = 1;; attempt++) {
    String<256> all(args);
    if (args.length) all.append(", ");
    all.append(donation_args(donation).text());
    Session session;
    session.id = _next_id.add(1);
    session.error = _try_session(session.id, service, all.text(), affinity, session.cap);
    switch (session.error) {
      case Error::INSUFFICIENT_RAM_QUOTA: donation.ram += 4096; break;
      case Error::INSUFFICIENT_CAP_QUOTA: donation.caps += 4; break;
      case Error::OUT_OF_RAM: resource_request({donation.ram, 0}); break;
      case Error::OUT_OF_CAPS: resource_request({0, donation.caps}); break;
      default: return session;
    }
    if (attempt >= 2 && (attempt & (attempt - 1)) == 0)
      warning("creation of ", service, " session failed ", attempt, " times (", session.error, ")");
  }
}

/** Blocks while an upgrade of the session is under way: to ask for nothing tells whether one is. */
void Startup_env::_await_upgrade(u32 id) {
  for (;;) {
    const u32 seen = _session_event.count();
    const auto settled = _parent.upgrade(id, "");
    if (!settled.ok() || settled.value) return;
    _session_event.wait(seen);
  }
}

Error Startup_env::upgrade(u32 id, Quota more) {
  // the own PD gets more by nobody but the parent
  if (id == Parent_client::PD) {
    resource_request(more);
    return Error::OK;
  }
  for (;;) {
    _upgrades.acquire();
    _await_upgrade(id);
    const auto done = _parent.upgrade(id, donation_args(more).text());
    _upgrades.release();
    if (done.error == Error::OUT_OF_RAM) resource_request({more.ram, 0});
    else if (done.error == Error::OUT_OF_CAPS) resource_request({0, more.caps});
    else {
      if (done.ok() && !done.value) _await_upgrade(id);
      return done.error;
    }
  }
}

void Startup_env::resource_request(Quota more) {
  const u32 seen = _resource_event.count();
  String<96> args;
  if (more.ram) args.append("ram_quota=").append(u64(more.ram));
  if (more.caps) args.append(more.ram ? ", cap_quota=" : "cap_quota=").append(u64(more.caps));
  _parent.resource_request(args.text());
  if (!_own_resource_handler) _resource_event.wait(seen);
}

/** Serves the component's signal source. */
class Signal_handler_thread final : public Thread {
  Blockade _ready;
  Abi::Message _message;

  static u32 _dispatch(u32, u32 kind, u32 imprint, u32 count) {
    if (kind == Abi::DISPATCH_SIGNAL) Signal_receiver::deliver(imprint, count);
    return 0;
  }

 public:
  explicit Signal_handler_thread(Env &env) : Thread(env, "signal handler") {}

  void entry() override {
    const auto source = env->pd().alloc_signal_source();
    signal_registry.source = source.value;
    if (source.ok()) {
      Abi::rtcr_serve(u32(reinterpret_cast<addr_t>(&_dispatch)), 0, &_message);
      Abi::rtcr_serve_signals(source.value.slot().number);
    }
    _ready.wakeup();
  }
  /** @returns whether signals can be had */
  bool wait_until_ready() {
    _ready.block();
    return signal_registry.source.valid();
  }
};

constinit Later<Signal_handler_thread> signal_thread;

/** What the initial thread calls on `ep`; answers heartbeats there as well. */
class Constructor final : public Rpc_object {
  Later<Signal_handler<Constructor>> _heartbeat;

  void _answer() { env->parent().heartbeat_response(); }

 public:
  u32 dispatch(u32, Rpc_request &request) override {
    env->make_parent_handlers();
    // the last call of the parent before `construct`
    env->parent().heartbeat_sigh(_heartbeat.make(env->ep(), *this, &Constructor::_answer));
    __wasm_call_ctors();
    Component::construct(*env);
    return request.reply();
  }
};

constinit Later<Constructor> constructor;
constinit Abi::Message rest_message{};

u32 rest(u32, u32, u32, u32) { return u32(Error::INVALID_OPCODE); }

[[noreturn]] void give_up(const char *what, Error error) {
  Rtcr::error("start: ", what, ": ", error);
  env->parent().exit(-1);
  __builtin_trap();
}

/** Steps 9 to 17, on the initial thread's own stack. */
[[gnu::noinline]] void bootstrap() {
  env->entrypoint.make(*env, "ep", Component::stack_size());
  if (env->ep().error() != Error::OK) give_up("thread \"ep\"", env->ep().error());
  signal_thread.make(*env).start();
  if (signal_thread->error() != Error::OK) give_up("thread \"signal handler\"", signal_thread->error());
  if (!signal_thread->wait_until_ready()) give_up("signal source", Error::OUT_OF_CAPS);
  if (!env->ep().manage(constructor.make()).valid()) give_up("constructor object", Error::OUT_OF_CAPS);
  Rpc_client(constructor->cap()).call_void(Rpc_function(0));
  Abi::rtcr_serve(u32(reinterpret_cast<addr_t>(&rest)), 0, &rest_message);
}

/** Steps 7 and 8. @returns the upper end of the initial thread's stack */
addr_t prepare() {
  env.make();
  own_pd = &env->pd();
  log_slot = env->log_session_cap().slot();
  const auto stack = env->ram().alloc(Thread::DEFAULT_STACK);
  if (!stack.ok()) give_up("stack of the initial thread", stack.error);
  const auto at = env->stack_area().attach_at(stack.value, Thread::SLOT_SIZE - Thread::DEFAULT_STACK);
  if (!at.ok()) give_up("stack of the initial thread", at.error);
  return stack_slots.top_of(0);
}

} // namespace

Env &own_env() { return *env; }

Result<Ram_dataspace_capability> Ram::alloc(size_t size, Cache_attribute cached) {
  constexpr u32 ATTEMPTS = 10;
  for (u32 attempt = 0;; attempt++) {
    auto ds = _env.pd().alloc(size, cached);
    if (ds.ok() || attempt == ATTEMPTS) return ds;
    if (ds.error == Error::OUT_OF_CAPS) _env.resource_request({0, 4});
    else if (ds.error == Error::OUT_OF_RAM) _env.resource_request({size + 4096, 0});
    else return ds;
  }
}

void Ram::free(const Ram_dataspace_capability &ds) { _env.pd().free(ds); }
size_t Ram::dataspace_size(const Ram_dataspace_capability &ds) const { return _env.pd().dataspace_size(ds); }
u64 Ram::avail_ram() const { return _env.pd().ram_quota() - _env.pd().used_ram(); }

constexpr u32 TRANSFER_RETRIES = 2;

Error Pd::transfer_cap_quota(const Capability &to, u64 caps) {
  for (u32 attempt = 0;; attempt++) {
    const Error error = Pd_client::transfer_cap_quota(to, caps);
    if (error != Error::OUT_OF_CAPS || attempt == TRANSFER_RETRIES) return error;
    _env.resource_request({0, u32(caps)});
  }
}

Error Pd::transfer_ram_quota(const Capability &to, u64 bytes) {
  for (u32 attempt = 0;; attempt++) {
    const Error error = Pd_client::transfer_ram_quota(to, bytes);
    if (error != Error::OUT_OF_RAM || attempt == TRANSFER_RETRIES) return error;
    _env.resource_request({size_t(bytes), 0});
  }
}

Result<addr_t> Region_map::attach(const Dataspace_capability &ds, size_t size, size_t offset, bool use_local_addr,
                                  addr_t local_addr, bool executable, bool writeable) {
  constexpr u32 ATTEMPTS = 10;
  for (u32 attempt = 0;; attempt++) {
    const auto at = Region_map_client::attach(ds, size, offset, use_local_addr, local_addr, executable, writeable);
    if (at.ok() || attempt == ATTEMPTS) return at;
    if (at.error == Error::OUT_OF_CAPS) _env->upgrade(Parent_client::PD, {0, 2});
    else if (at.error == Error::OUT_OF_RAM) _env->upgrade(Parent_client::PD, {8 * 1024, 0});
    else return at;
  }
}

Result<Thread_capability> Cpu::create_thread(const Capability &pd, Text name, Location affinity, u32 weight,
                                             addr_t utcb) {
  constexpr u32 ATTEMPTS = 10;
  for (u32 attempt = 0;; attempt++) {
    const auto thread = Cpu_client::create_thread(pd, name, affinity, weight, utcb);
    if (thread.ok() || attempt == ATTEMPTS) return thread;
    if (thread.error == Error::OUT_OF_CAPS) _env->upgrade(Parent_client::CPU, {0, 2});
    else if (thread.error == Error::OUT_OF_RAM) _env->upgrade(Parent_client::CPU, {8 * 1024, 0});
    else return thread;
  }
}

} // namespace Rtcr

extern "C" __attribute__((export_name("rtcr_component_start"))) void rtcr_component_start() {
  const Rtcr::addr_t stack = Rtcr::prepare();
  // From here on the initial thread runs on a stack of the stack area; the frame of this function stays where it was.
  __asm__ volatile("local.get %0\n global.set __stack_pointer" : : "r"(stack));
  Rtcr::bootstrap();
}
