#include "rtcr/connection.h"
#include "state.h"

namespace Rtcr {

Rom_dataspace_capability Rom_connection::dataspace() {
  Slot ds;
  return Abi::Rom::dataspace(slot(), ds) == Error::OK ? Capability::adopt(ds) : Capability();
}

bool Rom_connection::update() {
  bool refreshed = false;
  Abi::Rom::update(slot(), refreshed);
  return refreshed;
}

void Rom_connection::sigh(const Signal_context_capability &handler) { Abi::Rom::sigh(slot(), handler.slot()); }

size_t Log_connection::write(Text text) {
  u32 written = 0;
  Abi::Log::write(slot(), text, written);
  return written;
}

Result<Region_map_client> Rm_connection::try_create(size_t size) {
  Slot map;
  const Error error = Abi::Rm::create(slot(), u32(size), map);
  if (error != Error::OK) return {error, {}};
  return {error, Region_map_client(Capability::adopt(map))};
}

Result<Region_map_client> Rm_connection::create(size_t size) {
  for (;;) {
    const auto map = try_create(size);
    if (map.error == Error::OUT_OF_RAM) upgrade_ram(8 * 1024);
    else if (map.error == Error::OUT_OF_CAPS) upgrade_caps(2);
    else return map;
  }
}

void Rm_connection::destroy(const Region_map_client &map) { Abi::Rm::destroy(slot(), map.cap().slot()); }

void Attached_dataspace::_attach() {
  if (!_ds.valid()) return;
  _size = Dataspace_client(_ds).size();
  const auto at = _rm.attach(_ds);
  _error = at.error;
  if (at.ok()) _addr = at.value;
}

void Attached_dataspace::_detach() {
  if (_addr) _rm.detach(_addr);
  _addr = 0;
}

namespace {

/** An attachment that can be made anew. */
class Reattached : public Attached_dataspace {
 public:
  void renew(Dataspace_capability ds) {
    _detach();
    _ds = ds;
    _size = 0;
    _attach();
  }
};

} // namespace

Attached_rom_dataspace::Attached_rom_dataspace(Env &env, Text name) : _rom(env, name), _content(env.rm(), _rom.dataspace()) {}

Text Attached_rom_dataspace::text() const {
  const char *bytes = _content.local_addr<char>();
  size_t length = 0;
  while (bytes && length < size() && bytes[length]) length++;
  return {bytes, length};
}

void Attached_rom_dataspace::update() {
  if (!_rom.ok() || (_content.valid() && _rom.update())) return;
  static_cast<Reattached &>(_content).renew(_rom.dataspace());
}

Dataspace_capability Report_connection::_ds() {
  Slot ds;
  return Abi::Report::dataspace(slot(), ds) == Error::OK ? Capability::adopt(ds) : Capability();
}

namespace {

Session_args report_args(Text label, size_t buffer_size) {
  return label_args(label).append(", buffer_size=").append(u64(buffer_size));
}

} // namespace

Report_connection::Report_connection(Env &env, Text label, size_t buffer_size)
    : Connection(env, "Report", report_args(label, buffer_size).text(), {10 * 1024 + buffer_size, 3}), _size(buffer_size),
      _buffer(env.rm(), _ds()) {}

bool Report_connection::report(Text text) {
  if (!_buffer.valid() || text.length > min(_size, _buffer.size())) return false;
  memcpy(_buffer.local_addr<char>(), text.start, text.length);
  Abi::Report::submit(slot(), u32(text.length));
  return true;
}

} // namespace Rtcr

namespace Timer {

using namespace Rtcr;

Connection::Connection(Env &env, Text label) : Rtcr::Connection(env, "Timer", label_args(label).text(), {10 * 1024, 2}) {
  _receiver.manage(_context);
}

void Connection::trigger_once(u64 us) { Abi::Timer::trigger_once(slot(), us); }
void Connection::trigger_periodic(u64 us) { Abi::Timer::trigger_periodic(slot(), us); }

void Connection::sigh(const Signal_context_capability &handler) {
  _handler = handler;
  Abi::Timer::sigh(slot(), handler.slot());
}

u64 Connection::elapsed_ms() const {
  u64 ms = 0;
  Abi::Timer::elapsed_ms(slot(), ms);
  return ms;
}

u64 Connection::elapsed_us() const {
  u64 us = 0;
  Abi::Timer::elapsed_us(slot(), us);
  return us;
}

void Connection::usleep(u64 us) {
  if (us == 0 || !ok()) return;
  Mutex::Guard guard(_mutex);
  Abi::Timer::sigh(slot(), _context.cap().slot());
  trigger_once(us);
  _receiver.wait_for_signal();
  Abi::Timer::sigh(slot(), _handler.slot());
}

} // namespace Timer
