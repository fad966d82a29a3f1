// IO_PORT, IO_MEM and IRQ of core under the common suites.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../../test/contracts/bytes-dataspace.ts";
import { ioMemSessionSuite, ioPortSessionSuite, irqSessionSuite } from "../../../test/contracts/device-sessions.ts";
import { recorder } from "../../../test/contracts/recorder.ts";
import { refusal, success } from "../../util/index.ts";
import { VirtualClock } from "../timer/index.ts";
import {
  CoreIoMem,
  CoreIoPort,
  CoreIrq,
  createDevice,
  type Device,
  DeviceBus,
  type DeviceHost,
  InterruptLine,
  type SharedMemoryDevice,
} from "./index.ts";

function registers(base: number, size: number): Device {
  const values = new Uint8Array(size);
  const ports = [
    { base, size, read: (at: number) => values[at]!, write: (at: number, value: number) => void (values[at] = value) },
  ];
  return { name: `registers at ${base}`, ports };
}

ioPortSessionSuite("core io ports", () => {
  const bus = new DeviceBus();
  bus.add(registers(0x100, 3));
  bus.add(registers(0x104, 8));
  bus.add(registers(0xf8, 8));
  return { session: new CoreIoPort(bus, 0x100, 4), close: () => {} };
});

ioMemSessionSuite("core io memory", () => {
  const bus = new DeviceBus();
  const memory = bytesDataspace(8192);
  bus.add({ name: "memory", memory: [{ base: 0xa0000, size: 8192, dataspace: memory.capability }] });
  return {
    session: new CoreIoMem(bus, 0xa0000, 8192),
    nothing: new CoreIoMem(bus, 0xb0000, 4096),
    bytes: memory.bytes,
    close: () => memory.dispose(),
  };
});

irqSessionSuite("core irq", (trigger) => {
  const line = new InterruptLine(4);
  const session = new CoreIrq(line, trigger);
  return { session, assertLine: (asserted) => line.set(asserted), close: () => session.dispose() };
});

test("S60: what an earlier session left on a line by edge is not told to the next; a level is", () => {
  for (const [trigger, told] of [
    ["edge", 0],
    ["level", 1],
  ] as const) {
    const line = new InterruptLine(1);
    const first = new CoreIrq(line, trigger);
    const signals = recorder();
    first.sigh(signals.context);
    line.set(true);
    assert.equal(signals.taken(), 1);
    line.set(false);
    line.pulse();
    line.set(trigger === "level");
    first.dispose();
    new CoreIrq(line, trigger).sigh(signals.context);
    assert.equal(signals.taken(), told);
  }
});

test("devices that would overlap are refused", () => {
  const bus = new DeviceBus();
  bus.add({ ...registers(0x100, 8), interrupts: [new InterruptLine(3)] });
  assert.throws(() => bus.add(registers(0x107, 1)), /ports of registers at 263 and registers at 256 are apart/);
  assert.throws(() => bus.add({ name: "other", interrupts: [new InterruptLine(3)] }), /interrupts of other/);
  bus.add(registers(0x108, 1));
});

function deviceHost() {
  const sent: string[] = [];
  const host: DeviceHost = {
    alarms: new VirtualClock().alarms,
    make: (size) => (size > 1 << 20 ? refusal("out-of-ram") : success(bytesDataspace(size))),
    sent: (device, byte) => sent.push(`${device} ${byte}`),
  };
  const create = (model: string, attributes: Readonly<Record<string, string>>) =>
    createDevice({ model, attributes: new Map(Object.entries(attributes)) }, host);
  return { create, sent };
}

test("S60: a shared memory device rings both ways beside its memory", () => {
  const { create, sent } = deviceHost();
  const attributes = { name: "frames", base: "0xa0000", size: "8K", doorbell: "0x510", irq: "9" };
  const device = create("shared-memory", attributes) as SharedMemoryDevice;
  const bus = new DeviceBus();
  bus.add(device);
  const port = new CoreIoPort(bus, 0x510, 1);
  const irq = new CoreIrq(bus.interrupt(9)!);
  const signals = recorder();
  irq.sigh(signals.context);
  const memory = new CoreIoMem(bus, 0xa0000, 8192).dataspace();
  memory.object?.write(100, Uint8Array.of(7));
  const seen = new Uint8Array(1);
  device.dataspace.object?.read(100, seen);
  assert.equal(seen[0], 7);
  port.outb(0x510, 5);
  assert.deepEqual(sent, ["frames 5"]);
  device.ring(200);
  device.ring(201);
  assert.deepEqual([signals.taken(), port.inb(0x510)], [1, 201]);
  irq.ackIrq();
  assert.equal(signals.taken(), 1, "the second ring came while the line was masked");
  device.dispose();
  assert.equal(memory.valid, false);
});

test("S60: devices are made as a configuration names them, mistakes are named", () => {
  const { create, sent } = deviceHost();
  const serial = create("serial-16550", { name: "com2", base: "0x2f8", irq: "3" });
  assert.deepEqual([serial.name, serial.ports?.[0]?.base, serial.interrupts?.[0]?.number], ["com2", 0x2f8, 3]);
  assert.deepEqual([create("serial-16550", {}).name, sent], ["serial-16550", []]);
  const cases: readonly (readonly [
    model: string,
    attributes: Record<string, string>,
    code: string,
    message: string,
  ])[] = [
    ["modem", {}, "unknown-model", 'device model "modem": expected one of serial-16550, shared-memory'],
    ["toString", {}, "unknown-model", 'device model "toString": expected one of serial-16550, shared-memory'],
    [
      "serial-16550",
      { speed: "9600" },
      "unknown-attribute",
      "device serial-16550: attribute speed, expected name, base, irq",
    ],
    [
      "serial-16550",
      { name: "c", base: "65529" },
      "bad-attribute",
      'device c: base is "65529", expected a number from 0 to 65528',
    ],
    [
      "serial-16550",
      { irq: "four" },
      "bad-attribute",
      'device serial-16550: irq is "four", expected a number from 0 to 255',
    ],
    [
      "shared-memory",
      { base: "0" },
      "bad-attribute",
      "device shared-memory: size is nothing, expected a number from 0 to 1073741824",
    ],
    [
      "shared-memory",
      { base: "0", size: "2M", doorbell: "1", irq: "1" },
      "out-of-memory",
      "device shared-memory: no room for 2097152 bytes",
    ],
  ];
  for (const [model, attributes, code, message] of cases) {
    assert.throws(() => create(model, attributes), { name: "DeviceFault", code, message });
  }
});
