// A driver of a 16550 serial port by interrupts, first in loopback, then outwards; as device_driver.cpp.
// Needs <serial-16550 base="0x2f8" irq="3"/>.
import {
  ep,
  exit,
  getU32,
  ioPort,
  irq,
  kernelYield,
  print,
  Session,
  SignalContext,
  start,
} from "../../../guest/assemblyscript/index";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

const DATA: u32 = 0x2f8;
const IER: u32 = 0x2f9;
const LCR: u32 = 0x2fb;
const MCR: u32 = 0x2fc;
const LSR: u32 = 0x2fd;
const LOOPED = "looped";
const OUT = "serial\n";

class Driver extends SignalContext {
  private ports: Session = new Session("IO_PORT", "io_port_base=0x2f8, io_port_size=8", 6 << 10, 2);
  private line: Session = new Session("IRQ", "irq_number=3", 6 << 10, 4);
  private received: string = "";
  private sent: i32 = 0;

  begin(): void {
    irq.sigh(this.line.capability, ep().manage(this));
    this.out(LCR, 3);
    this.out(MCR, 0x18);
    this.out(IER, 1);
    this.out(DATA, LOOPED.charCodeAt(0));
  }
  handle(_count: u32): void {
    while (this.in(LSR) & 1) {
      this.received += String.fromCharCode(this.in(DATA));
      if (this.received.length < LOOPED.length) this.out(DATA, LOOPED.charCodeAt(this.received.length));
      else this.outwards();
    }
    if (this.received.length >= LOOPED.length && this.in(LSR) & 0x20) this.send();
    irq.ackIrq(this.line.capability);
  }
  private outwards(): void {
    print().text("received ").text(this.received).end();
    this.idle();
    this.out(MCR, 8);
    this.out(IER, 2);
  }
  private send(): void {
    if (this.sent < OUT.length) {
      this.out(DATA, OUT.charCodeAt(this.sent++));
      return;
    }
    this.out(IER, 0);
    this.idle();
    exit(0);
  }
  private idle(): void {
    while (!(this.in(LSR) & 0x40)) kernelYield();
  }
  private in(port: u32): u32 {
    ioPort.inb(this.ports.capability, port);
    return getU32();
  }
  private out(port: u32, value: u32): void {
    ioPort.outb(this.ports.capability, port, value);
  }
}

let driver: Driver | null = null;

function construct(): void {
  driver = new Driver();
  driver!.begin();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
