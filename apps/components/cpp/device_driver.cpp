// A driver of two devices: a 16550 serial port, by interrupts, first in loopback, then outwards; and memory with a
// doorbell. Needs <serial-16550 base="0x2f8" irq="3"/> and <shared-memory base="0xa0000" size="64K" doorbell="0x510" irq="9"/>.
#include <rtcr/component.h>
#include <rtcr/devices.h>

using namespace Rtcr;

namespace {

constexpr u32 DATA = 0x2f8, IER = 0x2f9, LCR = 0x2fb, MCR = 0x2fc, LSR = 0x2fd;
constexpr u32 RECEIVED = 1, HOLDING_EMPTY = 0x20, IDLE = 0x40, LOOP = 0x10, OUT2 = 8;
constexpr u32 DOORBELL = 0x510, FRAMES = 0xa0000, FRAMES_BYTES = 64 * 1024;

class Driver {
  Env &_env;
  Io_port_connection _ports{_env, DATA, 8};
  Irq_connection _irq{_env, 3};
  Signal_handler<Driver> _handler{_env.ep(), *this, &Driver::_interrupt};
  const Text _loop = "looped", _out = "serial\n";
  String<16> _received;
  size_t _sent = 0;

  bool looping() const { return _received.text().length < _loop.length; }

  void _interrupt() {
    while (_ports.inb(LSR) & RECEIVED) {
      const char c = char(_ports.inb(DATA));
      _received.append(Text(&c, 1));
      if (looping()) _ports.outb(DATA, u32(_loop.start[_received.text().length]));
      else _outwards();
    }
    if (!looping() && (_ports.inb(LSR) & HOLDING_EMPTY)) _send();
    _irq.ack_irq();
  }
  void _outwards() {
    log("received ", _received.text());
    while (!(_ports.inb(LSR) & IDLE)) Abi::rtcr_yield();
    _ports.outb(MCR, OUT2);
    _ports.outb(IER, 2);
  }
  void _send() {
    if (_sent < _out.length) {
      _ports.outb(DATA, u32(_out.start[_sent++]));
      return;
    }
    _ports.outb(IER, 0);
    while (!(_ports.inb(LSR) & IDLE)) Abi::rtcr_yield();
    _ring();
  }
  /** Writes into the device's memory and tells its other end. */
  void _ring() {
    Io_port_connection bell(_env, DOORBELL, 1);
    Io_mem_connection memory(_env, FRAMES, FRAMES_BYTES);
    const Attached_dataspace frames(_env.rm(), memory.dataspace());
    if (!frames.valid()) return error("no memory of the device");
    auto *const words = frames.local_addr<volatile u32>();
    words[FRAMES_BYTES / 4 - 1] = 42;
    for (const char *c = "bell\n"; *c; c++) bell.outb(DOORBELL, u32(*c));
    log("last word ", words[FRAMES_BYTES / 4 - 1]);
    _env.parent().exit(0);
  }

 public:
  explicit Driver(Env &env) : _env(env) {
    _irq.sigh(_handler.cap());
    _ports.outb(LCR, 3);
    _ports.outb(MCR, LOOP | OUT2);
    _ports.outb(IER, 1);
    _ports.outb(DATA, u32(_loop.start[0]));
  }
};

} // namespace

void Component::construct(Env &env) { static Driver driver(env); }
