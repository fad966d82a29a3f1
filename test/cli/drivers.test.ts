// Compiled drivers at the devices that a file names, and a tracer, by the command line.
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { folder, Guest } from "./support.ts";

const DEVICES = `<devices><serial-16550 name="com2" base="0x2f8" irq="3"/>
  <shared-memory name="frames" base="0xa0000" size="64K" doorbell="0x510" irq="9"/></devices>`;
const SERVICES = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "IO_PORT", "IO_MEM", "IRQ", "TRACE"]
  .map((name) => `<service name="${name}"/>`)
  .join("");

/** What a system with one component prints. */
async function printed(t: TestContext, name: string, ...options: readonly string[]): Promise<string> {
  const path = folder(t);
  const [built] = await buildComponents([componentNamed(name)]);
  copyFileSync(built!.file, join(path, `${name}.wasm`));
  writeFileSync(join(path, "devices.xml"), DEVICES);
  const start = `<start name="${name}" caps="300" ram="8M"><binary name="${name}" windows="yes"/><exit propagate="yes"/></start>`;
  const routes = `<default-route><any-service><parent/></any-service></default-route>`;
  const system = `<config><parent-provides>${SERVICES}</parent-provides>${routes}${start}</config>`;
  writeFileSync(join(path, "system.xml"), system);
  const guest = new Guest(t, path, "run", ...options, "--devices", join(path, "devices.xml"), join(path, "system.xml"));
  assert.equal(await guest.ended, 0, guest.err + guest.out);
  return guest.out;
}

for (const options of [[], ["--deterministic"]]) {
  test(`S60: a driver in C++ has a port looped, sends by interrupts, and rings a doorbell ${options}`, async (t) => {
    assert.deepEqual((await printed(t, "device_driver", ...options)).split("\n"), [
      "[init -> device_driver] received looped",
      "<com2> serial",
      "<frames> bell",
      "[init -> device_driver] last word 42",
      '[init] child "device_driver" exited with exit value 0',
      "",
    ]);
  });
  test(`S60: a driver in AssemblyScript has a port looped, and sends by interrupts ${options}`, async (t) => {
    assert.deepEqual((await printed(t, "as-device_driver", ...options)).split("\n"), [
      "[init -> as-device_driver] received looped",
      "<com2> serial",
      '[init] child "as-device_driver" exited with exit value 0',
      "",
    ]);
  });
}

test("S29, S59: a component in C++ traces its entrypoint, and finds its thread by Native_cpu", async (t) => {
  assert.deepEqual((await printed(t, "tracer")).split("\n"), [
    "[init -> tracer] subject tracer untraced",
    "[init -> tracer] subject ep untraced",
    "[init -> tracer] subject signal handler untraced",
    "[init -> tracer] traced rpc_call pd.ram_quota",
    "[init -> tracer] traced rpc_call trace.pause",
    "[init -> tracer] policy unloaded: yes",
    "[init -> tracer] and again: refused",
    "[init -> tracer] native thread: there",
    '[init] child "tracer" exited with exit value 0',
    "",
  ]);
});
