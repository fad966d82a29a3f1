// A terminal for each client, whatever it calls its sessions: what it says comes back in capitals, some bytes with each tick
// of a timer, and there is little room for more. After a line BYE it hangs up.
//
//   <config period_ms="2"/>
#include <rtcr/component.h>
#include <rtcr/terminal.h>

using namespace Rtcr;

namespace {

/** Of what is said, of what comes back, and how much of it with each tick. */
constexpr u32 SAID = 64, HEARD = 1024, PIECE = 16;

template <u32 ROOM> class Queue {
  char _bytes[ROOM];
  u32 _first = 0, _count = 0;

 public:
  u32 count() const { return _count; }
  u32 room() const { return ROOM - _count; }
  void put(char byte) { _bytes[(_first + _count++) % ROOM] = byte; }
  char take() {
    const char byte = _bytes[_first];
    _first = (_first + 1) % ROOM;
    _count--;
    return byte;
  }
};

struct Device : List_element<Device> {
  String<64> client;
  u32 sessions = 0;
  Queue<SAID> said;
  Queue<HEARD> heard;
  Signal_transmitter reader;
  /** How much of BYE, in a line of its own, has come back. */
  u32 farewell = 0;

  explicit Device(Text client) : client(client) {}
  bool ended() const { return farewell == 4; }

  void tick() {
    u32 moved = 0;
    for (; moved < PIECE && said.count() && heard.room() && !ended(); moved++) {
      const char byte = said.take();
      const char capital = byte >= 'a' && byte <= 'z' ? char(byte - 'a' + 'A') : byte;
      if (farewell < 4 && capital == "BYE\n"[farewell]) farewell++;
      else farewell = capital == '\n' ? 0 : 5;
      heard.put(capital);
    }
    if (moved && reader.context().valid()) reader.submit();
  }
};

class Echo_session : public Terminal::Session {
  char _reply[1000];

  Errno read(u32 most, Text &bytes) override {
    if (!device.heard.count()) return device.ended() ? Errno::SUCCESS : Errno::AGAIN;
    u32 count = 0;
    while (count < min<u32>(most, sizeof _reply) && device.heard.count()) _reply[count++] = device.heard.take();
    bytes = Text(_reply, count);
    return Errno::SUCCESS;
  }
  Errno write(Text bytes, u32 &written) override {
    if (device.ended()) return Errno::PIPE;
    if (!device.said.room()) return Errno::AGAIN;
    for (written = 0; written < bytes.length && device.said.room(); written++) device.said.put(bytes.start[written]);
    return Errno::SUCCESS;
  }
  Terminal::Readiness readiness() override {
    const u32 count = device.heard.count();
    return {count > 0 || device.ended(), device.said.room() > 0, device.ended() && !count, count};
  }
  Errno size(Terminal::Size &size) override {
    size = {80, 24};
    return Errno::SUCCESS;
  }
  void read_avail_sigh(const Signal_context_capability &handler) override { device.reader.context(handler); }

 public:
  Device &device;
  explicit Echo_session(Device &device) : device(device) { device.sessions++; }
};

class Echo_root : public Root_component {
  Heap &_heap;
  List<Device> _devices;
  Timer::Connection _timer;
  Signal_handler<Echo_root> _tick;

  void _each_tick() {
    for (Device *each = _devices.first(); each; each = each->next) each->tick();
  }

  Device *_device(Text client) {
    for (Device *each = _devices.first(); each; each = each->next)
      if (each->client == client) return each;
    Device *made = new (_heap) Device(client);
    if (made) _devices.insert(*made);
    return made;
  }

 public:
  Echo_root(Env &env, Heap &heap, u64 period_ms)
      : Root_component(env, heap, "Terminal"), _heap(heap), _timer(env), _tick(env.ep(), *this, &Echo_root::_each_tick) {
    _timer.sigh(_tick);
    _timer.trigger_periodic(period_ms * 1000);
  }

 protected:
  /** The client is what stands in front of the first arrow. */
  Created create_session(Text label, Text) override {
    size_t end = 0;
    while (end < label.length && label.start[end] != ' ') end++;
    Device *device = _device(Text(label.start, end));
    Echo_session *session = device ? new (_heap) Echo_session(*device) : nullptr;
    if (!session) return {Response::INSUFFICIENT_RAM_QUOTA};
    return {Response::SESSION_OK, session};
  }
  void destroy_session(Rpc_object &object) override {
    Echo_session &session = static_cast<Echo_session &>(object);
    Device &device = session.device;
    destroy(_heap, &session);
    if (--device.sessions) return;
    _devices.remove(device);
    destroy(_heap, &device);
  }
};

} // namespace

void Component::construct(Env &env) {
  static Heap heap(env);
  const Attached_rom_dataspace config(env, "config");
  static Echo_root root(env, heap, config.valid() ? config.xml().attribute_value("period_ms", u64(2)) : 2);
  root.announce();
}
