// The serial port as a driver sees it: registers by number, interrupts by signals, time on a virtual clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { recorder } from "../../../test/contracts/recorder.ts";
import { VirtualClock } from "../timer/index.ts";
import { CoreIoPort, CoreIrq, DeviceBus, Serial16550 } from "./index.ts";

const DATA = 0x3f8;
const [IER, IIR, LCR, MCR, LSR, MSR, SCRATCH] = [1, 2, 3, 4, 5, 6, 7].map((offset) => DATA + offset) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
/** One character of 8 data bits and one stop bit at 115200 baud. */
const CHARACTER_US = (10 * 1e6) / 115_200;

function driver(options: { readonly fifos?: boolean; readonly divisor?: number } = {}) {
  const clock = new VirtualClock();
  const sent: number[] = [];
  const serial = new Serial16550({ alarms: clock.alarms, transmitted: (byte) => sent.push(byte) });
  const bus = new DeviceBus();
  bus.add(serial);
  const port = new CoreIoPort(bus, DATA, 8);
  const irq = new CoreIrq(bus.interrupt(4)!);
  const signals = recorder();
  irq.sigh(signals.context);
  const { divisor = 1 } = options;
  port.outb(LCR, 0x83);
  port.outb(DATA, divisor & 0xff);
  port.outb(IER, divisor >> 8);
  port.outb(LCR, 0x03);
  if (options.fifos) port.outb(IIR, 0x87);
  const characters = (count: number) => clock.advance(count * CHARACTER_US * divisor + 0.001);
  const receive = (text: string) => {
    serial.receive(new TextEncoder().encode(text));
    characters(text.length);
  };
  const read = (count: number) => String.fromCharCode(...Array.from({ length: count }, () => port.inb(DATA)));
  return { clock, sent, serial, port, irq, signals, characters, receive, read };
}

test("S60: serial: state after reset", () => {
  const { port } = driver();
  assert.deepEqual(
    [IER, IIR, LCR, MCR, LSR].map((register) => port.inb(register)),
    [0, 1, 3, 0, 0x60],
  );
});

test("S60: serial: the divisor lies behind DLAB and sets the speed", () => {
  const { port, serial } = driver({ divisor: 0x180 });
  port.outb(LCR, 0x80);
  assert.deepEqual([port.inb(DATA), port.inb(IER)], [0x80, 1]);
  port.outb(LCR, 3);
  assert.deepEqual([port.inb(IER), serial.characterUs()], [0, CHARACTER_US * 0x180]);
  for (const [lcr, bits] of [
    [0, 7],
    [4, 7.5],
    [3, 10],
    [7, 11],
    [0x1b, 11],
    [0x1f, 12],
  ] as const) {
    port.outb(LCR, lcr);
    assert.equal(serial.characterUs(), (bits * 16 * 0x180 * 1e6) / 1_843_200);
  }
});

test("S60: serial: scratch and enable registers keep what they hold", () => {
  const { port } = driver();
  port.outb(SCRATCH, 0xa5);
  port.outb(IER, 0xff);
  assert.deepEqual([port.inb(SCRATCH), port.inb(IER)], [0xa5, 0x0f]);
});

test("S60: serial: characters leave one by one at the line's speed; holding and shift register empty in turn", () => {
  const { port, sent, clock } = driver();
  port.outb(DATA, 0x41);
  assert.equal(port.inb(LSR) & 0x60, 0x20, "the shift register has it");
  port.outb(DATA, 0x42);
  assert.equal(port.inb(LSR) & 0x60, 0);
  clock.advance(CHARACTER_US - 1);
  assert.deepEqual(sent, []);
  clock.advance(2);
  assert.deepEqual(sent, [0x41]);
  assert.equal(port.inb(LSR) & 0x60, 0x20);
  clock.advance(CHARACTER_US);
  assert.deepEqual(sent, [0x41, 0x42]);
  assert.equal(port.inb(LSR) & 0x60, 0x60);
});

test("S60: serial: a driver by interrupts sends a text, one signal each until acknowledged", () => {
  const { port, irq, signals, sent, characters } = driver();
  const text = [..."interrupt driven"].map((c) => c.charCodeAt(0));
  let next = 0;
  port.outb(IER, 2);
  for (let turn = 0; turn < 100; turn++) {
    if (signals.taken() > 0) {
      while (!(port.inb(IIR) & 1)) if (next < text.length) port.outb(DATA, text[next++]!);
      irq.ackIrq();
    }
    characters(1);
  }
  assert.deepEqual(sent, text);
  assert.equal(signals.taken(), 0, "quiet when there is nothing to send");
});

test("S60: serial: the holding interrupt ends by reading the identity or by writing", () => {
  const { port } = driver();
  port.outb(IER, 2);
  assert.deepEqual([port.inb(IIR), port.inb(IIR)], [2, 1]);
  port.outb(IER, 0);
  port.outb(IER, 2);
  assert.equal(port.inb(IIR), 2, "enabling it again raises it again");
  port.outb(DATA, 1);
  assert.equal(port.inb(IIR), 2, "moved on to the shift register");
  port.outb(DATA, 2);
  assert.equal(port.inb(IIR), 1);
});

test("S60: serial: received data interrupts, and its reading ends that", () => {
  const { port, irq, signals, receive } = driver();
  receive("x");
  assert.equal(signals.taken(), 0, "not enabled");
  assert.equal(port.inb(LSR) & 1, 1);
  port.outb(IER, 1);
  assert.equal(signals.taken(), 1);
  assert.deepEqual([port.inb(IIR), port.inb(DATA), port.inb(IIR), port.inb(LSR) & 1], [4, 0x78, 1, 0]);
  irq.ackIrq();
  assert.equal(signals.taken(), 0);
  receive("y");
  receive("z");
  assert.equal(signals.taken(), 1, "one until acknowledged");
  irq.ackIrq();
  assert.equal(signals.taken(), 1, "the level stays until the data is read");
});

test("S60: serial: without FIFO a second character overruns the first", () => {
  const { port, receive } = driver();
  port.outb(IER, 4);
  receive("ab");
  assert.equal(port.inb(IIR), 6);
  assert.deepEqual([port.inb(LSR) & 0x1f, port.inb(LSR) & 0x1f, port.inb(DATA), port.inb(IIR)], [3, 1, 0x62, 1]);
});

test("S60: serial: the FIFO holds sixteen, then overruns and keeps the oldest", () => {
  const { port, receive, read } = driver({ fifos: true });
  receive("0123456789abcdefXY");
  assert.equal(port.inb(LSR), 0x63);
  assert.equal(read(16), "0123456789abcdef");
  assert.equal(port.inb(LSR), 0x60);
});

test("S60: serial: the FIFO interrupts at its level, below it after four characters' time", () => {
  const { port, signals, receive, read, characters } = driver({ fifos: true });
  port.outb(IER, 1);
  receive("0123456");
  assert.equal(port.inb(IIR), 0xc1);
  receive("7");
  assert.equal(port.inb(IIR), 0xc4);
  assert.equal(signals.taken(), 1);
  assert.equal(read(1), "0");
  assert.equal(port.inb(IIR), 0xc1);
  characters(3.9);
  assert.equal(port.inb(IIR), 0xc1);
  characters(0.2);
  assert.equal(port.inb(IIR), 0xcc);
  assert.equal(read(1), "1");
  assert.equal(port.inb(IIR), 0xc1, "reading starts the time anew");
  characters(5);
  assert.equal(port.inb(IIR), 0xcc);
  assert.equal(read(6), "234567");
  characters(10);
  assert.equal(port.inb(IIR), 0xc1);
});

test("S60: serial: FIFO control clears FIFOs", () => {
  const { port, receive, sent, characters } = driver({ fifos: true });
  for (const byte of [1, 2, 3]) port.outb(DATA, byte);
  receive("xyz");
  port.outb(IIR, 0x03);
  assert.equal(port.inb(LSR) & 1, 0, "receive FIFO is empty");
  for (const byte of [4, 5, 6]) port.outb(DATA, byte);
  port.outb(IIR, 0x05);
  characters(20);
  assert.deepEqual(sent, [1, 2, 3, 4], "what was in the shift register still leaves");
  port.outb(IIR, 0);
  assert.equal(port.inb(IIR), 1, "no FIFO any more");
});

test("S60: serial: interrupts are identified by priority", () => {
  const { port, serial, receive } = driver();
  port.outb(IER, 15);
  serial.setModemLines({ cts: false });
  receive("ab");
  assert.equal(port.inb(IIR), 6);
  port.inb(LSR);
  assert.equal(port.inb(IIR), 4);
  port.inb(DATA);
  assert.equal(port.inb(IIR), 2);
  assert.equal(port.inb(IIR), 0);
  assert.equal(port.inb(MSR), 0xa1);
  assert.equal(port.inb(IIR), 1);
});

test("S60: serial: modem status tells changes once, of the ring indicator its end", () => {
  const { port, serial } = driver();
  assert.equal(port.inb(MSR), 0xb0);
  serial.setModemLines({ ri: true, dcd: false });
  assert.deepEqual([port.inb(MSR), port.inb(MSR)], [0x78, 0x70]);
  serial.setModemLines({ ri: false });
  assert.equal(port.inb(MSR), 0x34);
});

test("S60: serial: looped back, output comes in again and nothing leaves or arrives", () => {
  const { port, sent, receive, characters, read } = driver({ fifos: true });
  port.outb(MCR, 0x10);
  for (const c of "loop") port.outb(DATA, c.charCodeAt(0));
  characters(5);
  receive("lost");
  assert.deepEqual(sent, []);
  assert.equal(read(4), "loop");
  assert.equal(port.inb(LSR), 0x60);
  port.outb(MCR, 0x1f);
  assert.equal(port.inb(MSR) >> 4, 15);
  port.outb(MCR, 0x12);
  assert.equal(port.inb(MSR) >> 4, 1, "RTS comes in as CTS");
  port.outb(LCR, 0x43);
  assert.equal(port.inb(LSR) & 0x91, 0x91, "a break");
  assert.deepEqual([port.inb(LSR) & 0x91, port.inb(DATA), port.inb(LSR) & 1], [1, 0, 0]);
});

test("S60: serial: short characters lose their upper bits", () => {
  const { port, sent, serial, clock } = driver();
  port.outb(LCR, 0);
  port.outb(DATA, 0xff);
  serial.receive(Uint8Array.of(0xaa));
  clock.advance(CHARACTER_US);
  assert.deepEqual([sent, port.inb(DATA)], [[0x1f], 0x0a]);
});
