#include "rtcr/clients.h"

namespace Rtcr {

namespace {

/** A result whose value is a capability that a stub has received. */
Result<Capability> received(Error error, Slot slot) { return {error, Capability::adopt(error == Error::OK ? slot : Slot{})}; }

} // namespace

size_t Dataspace_client::size() const {
  u32 size = 0;
  Abi::Dataspace::size(_cap.slot(), size);
  return size;
}

u64 Dataspace_client::phys_addr() const {
  u64 address = 0;
  Abi::Dataspace::phys_addr(_cap.slot(), address);
  return address;
}

bool Dataspace_client::writeable() const {
  bool writable = false;
  Abi::Dataspace::writable(_cap.slot(), writable);
  return writable;
}

Result<addr_t> Region_map_client::attach(const Dataspace_capability &ds, size_t size, size_t offset, bool use_local_addr,
                                         addr_t local_addr, bool executable, bool writeable) {
  u32 at = 0;
  const Error error = Abi::Region_map::attach(_cap.slot(), ds.slot(), u32(size), u32(offset), use_local_addr,
                                              u32(local_addr), executable, writeable, at);
  return {error, at};
}

void Region_map_client::detach(addr_t local_addr) { Abi::Region_map::detach(_cap.slot(), u32(local_addr)); }

void Region_map_client::fault_handler(const Signal_context_capability &handler) {
  Abi::Region_map::fault_handler(_cap.slot(), handler.slot());
}

Region_map_client::State Region_map_client::state() const {
  u32 type = 0, address = 0;
  Abi::Region_map::state(_cap.slot(), type, address);
  return {Fault(type), address};
}

Dataspace_capability Region_map_client::dataspace() const {
  Slot slot;
  const Error error = Abi::Region_map::dataspace(_cap.slot(), slot);
  return received(error, slot).value;
}

size_t Region_map_client::size() const {
  u32 size = 0;
  Abi::Region_map::size(_cap.slot(), size);
  return size;
}

Error Cpu_thread_client::start(u32 ip, addr_t sp) { return Abi::Cpu_thread::start(_cap.slot(), ip, u32(sp)); }
void Cpu_thread_client::pause() { Abi::Cpu_thread::pause(_cap.slot()); }
void Cpu_thread_client::resume() { Abi::Cpu_thread::resume(_cap.slot()); }
void Cpu_thread_client::cancel_blocking() { Abi::Cpu_thread::cancel_blocking(_cap.slot()); }

Result<Cpu_thread_client::State> Cpu_thread_client::state() const {
  Result<State> result;
  State &s = result.value;
  result.error = Abi::Cpu_thread::state(_cap.slot(), s.function, s.position, s.stack_pointer, s.frames, s.paused,
                                        s.unresolved_page_fault, s.exception);
  return result;
}

Result<u32> Cpu_thread_client::save_state(const Dataspace_capability &into) const {
  u32 bytes = 0;
  const Error error = Abi::Cpu_thread::save_state(_cap.slot(), into.slot(), bytes);
  return {error, bytes};
}

Error Cpu_thread_client::set_state(const Dataspace_capability &from, u32 bytes) {
  return Abi::Cpu_thread::set_state(_cap.slot(), from.slot(), bytes);
}

void Cpu_thread_client::exception_sigh(const Signal_context_capability &handler) {
  Abi::Cpu_thread::exception_sigh(_cap.slot(), handler.slot());
}

void Cpu_thread_client::single_step(bool enabled) { Abi::Cpu_thread::single_step(_cap.slot(), enabled); }
void Cpu_thread_client::affinity(Location location) { Abi::Cpu_thread::affinity(_cap.slot(), location); }

Result<Thread_capability> Cpu_client::create_thread(const Capability &pd, Text name, Location affinity, u32 weight,
                                                    addr_t utcb) {
  Slot slot;
  const Error error = Abi::Cpu::create_thread(_cap.slot(), pd.slot(), name, affinity, weight, u32(utcb), slot);
  return received(error, slot);
}

void Cpu_client::kill_thread(const Thread_capability &thread) { Abi::Cpu::kill_thread(_cap.slot(), thread.slot()); }

void Cpu_client::exception_sigh(const Signal_context_capability &handler) {
  Abi::Cpu::exception_sigh(_cap.slot(), handler.slot());
}

Location Cpu_client::affinity_space() const {
  Location space;
  Abi::Cpu::affinity_space(_cap.slot(), space.width, space.height);
  return space;
}

i32 Cpu_client::ref_account(const Capability &cpu) {
  i32 result = -1;
  Abi::Cpu::ref_account(_cap.slot(), cpu.slot(), result);
  return result;
}

i32 Cpu_client::transfer_quota(const Capability &cpu, u32 amount) {
  i32 result = -1;
  Abi::Cpu::transfer_quota(_cap.slot(), cpu.slot(), amount, result);
  return result;
}

void Pd_client::assign_parent(const Capability &parent) { Abi::Pd::assign_parent(_cap.slot(), parent.slot()); }

Result<Capability> Pd_client::alloc_signal_source() {
  Slot slot;
  const Error error = Abi::Pd::alloc_signal_source(_cap.slot(), slot);
  return received(error, slot);
}

void Pd_client::free_signal_source(const Capability &source) { Abi::Pd::free_signal_source(_cap.slot(), source.slot()); }

Result<Signal_context_capability> Pd_client::alloc_context(const Capability &source, u32 imprint) {
  Slot slot;
  const Error error = Abi::Pd::alloc_context(_cap.slot(), source.slot(), imprint, slot);
  return received(error, slot);
}

void Pd_client::free_context(const Signal_context_capability &context) {
  Abi::Pd::free_context(_cap.slot(), context.slot());
}

void Pd_client::submit(const Signal_context_capability &context, u32 count) {
  Abi::Pd::submit(_cap.slot(), context.slot(), count);
}

Result<Capability> Pd_client::alloc_rpc_cap(const Thread_capability &entrypoint) {
  Slot slot;
  const Error error = Abi::Pd::alloc_rpc_cap(_cap.slot(), entrypoint.slot(), slot);
  return received(error, slot);
}

void Pd_client::free_rpc_cap(const Capability &object) { Abi::Pd::free_rpc_cap(_cap.slot(), object.slot()); }

Region_map_client Pd_client::address_space() const {
  Slot slot;
  const Error error = Abi::Pd::address_space(_cap.slot(), slot);
  return Region_map_client(received(error, slot).value);
}

Region_map_client Pd_client::stack_area() const {
  Slot slot;
  const Error error = Abi::Pd::stack_area(_cap.slot(), slot);
  return Region_map_client(received(error, slot).value);
}

Region_map_client Pd_client::linker_area() const {
  Slot slot;
  const Error error = Abi::Pd::linker_area(_cap.slot(), slot);
  return Region_map_client(received(error, slot).value);
}

Error Pd_client::ref_account(const Capability &pd) { return Abi::Pd::ref_account(_cap.slot(), pd.slot()); }

Error Pd_client::transfer_cap_quota(const Capability &to, u64 caps) {
  return Abi::Pd::transfer_cap_quota(_cap.slot(), to.slot(), caps);
}

Error Pd_client::transfer_ram_quota(const Capability &to, u64 bytes) {
  return Abi::Pd::transfer_ram_quota(_cap.slot(), to.slot(), bytes);
}

u64 Pd_client::cap_quota() const {
  u64 caps = 0;
  Abi::Pd::cap_quota(_cap.slot(), caps);
  return caps;
}

u64 Pd_client::used_caps() const {
  u64 caps = 0;
  Abi::Pd::used_caps(_cap.slot(), caps);
  return caps;
}

u64 Pd_client::ram_quota() const {
  u64 bytes = 0;
  Abi::Pd::ram_quota(_cap.slot(), bytes);
  return bytes;
}

u64 Pd_client::used_ram() const {
  u64 bytes = 0;
  Abi::Pd::used_ram(_cap.slot(), bytes);
  return bytes;
}

Result<Ram_dataspace_capability> Pd_client::alloc(size_t size, Cache_attribute cached) {
  Slot slot;
  const Error error = Abi::Pd::alloc(_cap.slot(), u32(size), cached, slot);
  return received(error, slot);
}

void Pd_client::free(const Ram_dataspace_capability &ds) { Abi::Pd::free_(_cap.slot(), ds.slot()); }

size_t Pd_client::dataspace_size(const Ram_dataspace_capability &ds) const {
  u32 size = 0;
  Abi::Pd::dataspace_size(_cap.slot(), ds.slot(), size);
  return size;
}

Capability Pd_client::native_pd() const {
  Slot slot;
  const Error error = Abi::Pd::native_pd(_cap.slot(), slot);
  return received(error, slot).value;
}

void Parent_client::exit(i32 value) { Abi::Parent::exit(_cap.slot(), value); }
void Parent_client::announce(Text service) { Abi::Parent::announce(_cap.slot(), service); }

void Parent_client::session_sigh(const Signal_context_capability &handler) {
  Abi::Parent::session_sigh(_cap.slot(), handler.slot());
}

Result<Session_capability> Parent_client::session(u32 id, Text service, Text args, Location affinity) {
  Slot slot;
  const Error error = Abi::Parent::session(_cap.slot(), id, service, args, affinity, slot);
  return received(error, slot);
}

Result<Session_capability> Parent_client::session_cap(u32 id) {
  Slot slot;
  const Error error = Abi::Parent::session_cap(_cap.slot(), id, slot);
  return received(error, slot);
}

Result<bool> Parent_client::upgrade(u32 id, Text args) {
  Text_buffer outcome;
  const Error error = Abi::Parent::upgrade(_cap.slot(), id, args, outcome);
  return {error, outcome == "done"};
}

bool Parent_client::close(u32 id) {
  Text_buffer outcome;
  return Abi::Parent::close(_cap.slot(), id, outcome) == Error::OK && outcome == "done";
}

void Parent_client::session_response(u32 id, Response response) {
  Abi::Parent::session_response(_cap.slot(), id, response);
}

void Parent_client::deliver_session_cap(u32 id, const Session_capability &session) {
  Abi::Parent::deliver_session_cap(_cap.slot(), id, session.slot());
}

Thread_capability Parent_client::main_thread_cap() const {
  Slot slot;
  const Error error = Abi::Parent::main_thread_cap(_cap.slot(), slot);
  return received(error, slot).value;
}

void Parent_client::resource_avail_sigh(const Signal_context_capability &handler) {
  Abi::Parent::resource_avail_sigh(_cap.slot(), handler.slot());
}

void Parent_client::resource_request(Text args) { Abi::Parent::resource_request(_cap.slot(), args); }
void Parent_client::yield_sigh(const Signal_context_capability &handler) {
  Abi::Parent::yield_sigh(_cap.slot(), handler.slot());
}

Text_buffer Parent_client::yield_request() const {
  Text_buffer args;
  Abi::Parent::yield_request(_cap.slot(), args);
  return args;
}

void Parent_client::yield_response() { Abi::Parent::yield_response(_cap.slot()); }
void Parent_client::heartbeat_sigh(const Signal_context_capability &handler) {
  Abi::Parent::heartbeat_sigh(_cap.slot(), handler.slot());
}
void Parent_client::heartbeat_response() { Abi::Parent::heartbeat_response(_cap.slot()); }

} // namespace Rtcr
