// IO_PORT, IO_MEM and IRQ of core under the common suites.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ioMemSessionSuite, ioPortSessionSuite, irqSessionSuite } from "../../session/devices-suite.test.ts";
import { bytesDataspace } from "../../session/memory.test.ts";
import { recorder } from "../../session/recorder.test.ts";
import { CoreIoMem, CoreIoPort, CoreIrq, type Device, DeviceBus, InterruptLine } from "./index.ts";

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
