// Sessions of device drivers (spec 2.14): ports, memory and interrupts of a device model.
#pragma once
#include "connection.h"

namespace Rtcr {

inline Session_args number_args(Text first, u64 a, Text second, u64 b) {
  Session_args args;
  return args.append(first).append(a).append(second).append(b), args;
}

class Io_port_connection : public Connection {
 public:
  Io_port_connection(Env &env, u32 base, u32 size)
      : Connection(env, "IO_PORT", number_args("io_port_base=", base, ", io_port_size=", size).text(), {6 * 1024, 2}) {}
  /** Zeros beyond the session's ports. */
  u32 inb(u32 port) { return _in(&Abi::Io_port::inb, port); }
  u32 inw(u32 port) { return _in(&Abi::Io_port::inw, port); }
  u32 inl(u32 port) { return _in(&Abi::Io_port::inl, port); }
  void outb(u32 port, u32 value) { Abi::Io_port::outb(slot(), port, value); }
  void outw(u32 port, u32 value) { Abi::Io_port::outw(slot(), port, value); }
  void outl(u32 port, u32 value) { Abi::Io_port::outl(slot(), port, value); }

 private:
  u32 _in(Error (*read)(Slot, u32, u32 &), u32 port) {
    u32 value = 0;
    read(slot(), port, value);
    return value;
  }
};

class Io_mem_connection : public Connection {
 public:
  Io_mem_connection(Env &env, addr_t base, size_t size)
      : Connection(env, "IO_MEM", number_args("base=", base, ", size=", size).text(), {6 * 1024, 3}) {}
  /** May be invalid: no device has exactly this range. */
  Dataspace_capability dataspace() {
    Slot ds;
    return Abi::Io_mem::dataspace(slot(), ds) == Error::OK ? Dataspace_capability(Capability::adopt(ds)) : Dataspace_capability();
  }
};

class Irq_connection : public Connection {
 public:
  enum Trigger : u32 { UNCHANGED = 0, LEVEL = 1, EDGE = 2 };

  Irq_connection(Env &env, u32 number, Trigger trigger = UNCHANGED)
      : Connection(env, "IRQ", number_args("irq_number=", number, ", irq_trigger=", trigger).text(), {6 * 1024, 4}) {}
  /** One signal for each interrupt that was acknowledged. */
  void sigh(const Signal_context_capability &handler) { Abi::Irq::sigh(slot(), handler.slot()); }
  void ack_irq() { Abi::Irq::ack_irq(slot()); }
};

} // namespace Rtcr
