// Systems from the command line: WASI programs with terminals and directories of the process, drivers with devices.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DONATION } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { cli, counter, folder, Guest } from "./support.ts";

const SERVICES = ["PD", "CPU", "ROM", "LOG", "Timer", "Terminal", "File_system", "IO_PORT"];

function system(inside: string): string {
  const services = SERVICES.map((name) => `<service name="${name}"/>`).join("");
  return `<config>\n<parent-provides>${services}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<default caps="100" ram="4M"/>\n${inside}\n</config>\n`;
}

const WASI = ["path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"]
  .concat(["fd_read", "fd_write"].map((name) => `${name} (param i32 i32 i32 i32) (result i32)`))
  .map((type) => `(import "wasi_snapshot_preview1" "${type.split(" ")[0]}" (func $${type}))`)
  .join("\n");

/** Copies standard input to standard output and to the file \`copy\` in its first directory. */
const COPY = assemble(`(module ${WASI} (memory (export "memory") 1) (data (i32.const 1024) "copy")
  (func (export "_start")
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 1)
      (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 16)))
    (block $end (loop $more
      (i32.store (i32.const 0) (i32.const 2048))
      (i32.store (i32.const 4) (i32.const 100))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
      (br_if $end (i32.eqz (i32.load (i32.const 4))))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $more)))))`);

test("a WASI program in a system has the process's streams, byte by byte, and the directories given", async (t) => {
  const path = folder(t);
  mkdirSync(join(path, "data"));
  writeFileSync(join(path, "copy.wasm"), COPY);
  const file = join(path, "system.xml");
  writeFileSync(file, system('<start name="copy"><exit propagate="yes"/></start>'));
  const guest = new Guest(t, path, "run", "--dir", join(path, "data"), file);
  guest.send("first ");
  guest.send("second\r\u001b[0m\n");
  assert.equal(await guest.finish(), 0, guest.err);
  assert.equal(guest.out, 'first second\r\u001b[0m\n[init] child "copy" exited with exit value 0\n');
  assert.equal(readFileSync(join(path, "data", "copy"), "utf8"), "first second\r\u001b[0m\n");
});

/** A supervisor with a program that counts what it reads, to its terminal and to a file. */
function supervised(path: string, inside = ""): string {
  counter(path);
  const services = SERVICES.map((name) => `<service name="${name}"/>`).join("");
  const routes = `<parent-provides>${services}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
  const child = '<start name="counter" caps="150" ram="8M"><exit propagate="yes"/></start>';
  const file = join(path, "system.xml");
  const rtcr = `<start name="rtcr" caps="2000" ram="64M"><exit propagate="yes"/><config>${routes}${inside}${child}</config></start>`;
  writeFileSync(file, system(rtcr));
  return file;
}

/** Two directories, of which the program opens its file in the first; as --dir has them, and in the other order. */
function directories(path: string) {
  for (const name of ["first", "second"]) mkdirSync(join(path, name));
  const given = ["first", "second"].map((name) => `${join(path, name)}::/${name}`);
  const options = (list: readonly string[]) => list.flatMap((each) => ["--dir", each]);
  return {
    ordered: options(given),
    turned: options(given.toReversed()),
    read: () => readFileSync(join(path, "first", "log"), "utf8"),
  };
}

test("S88, S96, S114: files and terminals of a system: shown, planned, and restored in the directories of the new place", async (t) => {
  const path = folder(t);
  const file = supervised(path);
  const { ordered, turned, read } = directories(path);
  const first = new Guest(t, path, "run", "--name", "before", ...ordered, file);
  first.send("ab");
  await first.says("1\n2\n");
  const checkpoint = await cli(path, "checkpoint", "--stop", "before");
  assert.equal(checkpoint.code, 0, checkpoint.err);
  await first.ended;
  const id = checkpoint.out.trim();
  const shown = await cli(path, "inspect", id);
  for (const line of [
    /^ {2}session +\d+ File_system \(cap-\d+\): open: \/first r, \/second r, \/first\/log w; ram_quota=8192/m,
    /^ {2}session +\d+ Terminal \(cap-\d+\): pipe; .*label="stdin"$/m,
  ]) {
    assert.match(shown.out, line);
  }
  const plan = await cli(path, "restore", "--dry-run", ...turned, id, file);
  assert.equal(plan.code, 0, plan.err);
  assert.match(
    plan.out,
    /^counter +File_system +- +8192 +2 +the parent of init -> rtcr, opens \/first r, \/second r, \/first\/log w$/m,
  );
  assert.match(plan.out, /^counter +Terminal +stdin +8192 +2 +the parent of init -> rtcr$/m);
  const planned = JSON.parse((await cli(path, "restore", "--dry-run", "--json", ...turned, id, file)).out);
  const opens = planned.sessions.find(({ service }: { service: string }) => service === "File_system").opens;
  assert.deepEqual(opens.at(-1), { handle: 2, path: "/first/log", read: false, write: true });
  const refused = new Guest(t, path, "restore", "--as", "without", id, file);
  assert.equal(await refused.ended, 5);
  assert.match(
    refused.err,
    /restore of "counter": File_system session \d+ .*: its program was given none when it was loaded here/,
  );
  const second = new Guest(t, path, "restore", "--as", "after", ...turned, id, file);
  second.send("c");
  await second.says("3\n");
  assert.equal(await second.finish(), 0, second.err);
  assert.equal(read(), "1\n2\n3\n", "in the directory that the program knows by this path, whatever their order");
});

test("S96: a directory that is read-only in the new place is that for the files that a restored program has open", async (t) => {
  const path = folder(t);
  const file = supervised(path);
  const { ordered, read } = directories(path);
  const first = new Guest(t, path, "run", "--name", "before", ...ordered, file);
  first.send("a");
  await first.says("1\n");
  const checkpoint = await cli(path, "checkpoint", "--stop", "before");
  assert.equal(checkpoint.code, 0, checkpoint.err);
  await first.ended;
  const only = ordered.map((option) => (option.endsWith("/first") ? `${option}:ro` : option));
  const second = new Guest(t, path, "restore", "--as", "after", ...only, checkpoint.out.trim(), file);
  second.send("b");
  await second.says("2\n");
  assert.equal(await second.finish(), 0, second.err);
  assert.equal(read(), "1\n", "nothing was written");
});

/** The bytes of a message's data: a number, two texts, a location, each aligned to 4, for a data segment. */
function sessionMessage(id: number, service: string, args: string): string {
  const word = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const text = (value: string) => {
    const bytes = [...new TextEncoder().encode(value)];
    return [...word(bytes.length), ...bytes, ...Array((4 - (bytes.length % 4)) % 4).fill(0)];
  };
  const data = [...word(id), ...text(service), ...text(args), ...word(0), ...word(0), ...word(0), ...word(0)];
  return [...word(data.length), ...word(0), ...Array(32).fill(0), ...data]
    .map((byte) => `\\${byte.toString(16).padStart(2, "0")}`)
    .join("");
}

/** Opens the ports of a serial port and sends \`text\`, waiting for room before each character; then exits. */
function driver(text: string): Uint8Array {
  const { ram, caps } = DONATION.IO_PORT;
  const args = `ram_quota=${ram}, cap_quota=${caps}, io_port_base=0x2f8, io_port_size=8`;
  return assemble(`(module ${PRELUDE}
    (data (i32.const 4096) "${sessionMessage(50, "IO_PORT", args)}")
    (data (i32.const 8192) "${text.replaceAll("\n", "\\n")}")
    (func $out (param $ports i32) (param $port i32) (param $value i32)
      (i32.store (i32.const 1024) (i32.const 8))
      (i32.store (i32.const 1028) (i32.const 0))
      (i32.store (i32.const 1064) (local.get $port))
      (i32.store (i32.const 1068) (local.get $value))
      (drop (call $call (local.get $ports) (i32.const 3) (i32.const 1024))))
    (func $in (param $ports i32) (param $port i32) (result i32)
      (drop (call $ask (i32.const 1024) (local.get $ports) (i32.const 0) (local.get $port)))
      (i32.load (i32.const 1068)))
    (func (export "rtcr_component_start") (local $ports i32) (local $i i32)
      (drop (call $call (call $parent) (i32.const 3) (i32.const 4096)))
      (local.set $ports (i32.load (i32.const 4104)))
      (call $out (local.get $ports) (i32.const 0x2fb) (i32.const 3))
      (loop $next
        (loop $full
          (call $yield)
          (br_if $full (i32.eqz (i32.and (call $in (local.get $ports) (i32.const 0x2fd)) (i32.const 0x20)))))
        (call $out (local.get $ports) (i32.const 0x2f8) (i32.load8_u offset=8192 (local.get $i)))
        (br_if $next (i32.load8_u offset=8192 (local.tee $i (i32.add (local.get $i) (i32.const 1))))))
      (loop $rest
        (call $yield)
        (br_if $rest (i32.eqz (i32.and (call $in (local.get $ports) (i32.const 0x2fd)) (i32.const 0x40)))))
      (drop (call $ask (i32.const 1024) (call $parent) (i32.const 0) (i32.const 0)))))`);
}

for (const options of [[], ["--deterministic"]])
  test(`S60: a guest drives a serial port that a file names; what it sends are lines ${options}`, async (t) => {
    const path = folder(t);
    writeFileSync(join(path, "driver.wasm"), driver("serial\nport\n"));
    writeFileSync(join(path, "devices.xml"), '<devices><serial-16550 name="com2" base="0x2f8" irq="3"/></devices>');
    const file = join(path, "system.xml");
    writeFileSync(file, system('<start name="driver"><exit propagate="yes"/></start>'));
    const guest = new Guest(t, path, "run", ...options, "--devices", join(path, "devices.xml"), file);
    assert.equal(await guest.ended, 0, guest.err);
    assert.equal(guest.out, '<com2> serial\n<com2> port\n[init] child "driver" exited with exit value 0\n');
  });

test("S60: mistakes in a file of devices are named before anything runs", async (t) => {
  const path = folder(t);
  const file = join(path, "system.xml");
  writeFileSync(file, system(""));
  const devices = join(path, "devices.xml");
  for (const [text, message] of [
    ["<serial-16550/>", /devices\.xml: expected XML with a root element <devices>/],
    ["<devices><modem/></devices>", /device model "modem": expected one of serial-16550, shared-memory/],
    ['<devices><serial-16550 irq="x"/></devices>', /device serial-16550: irq is "x", expected a number from 0 to 255/],
  ] as const) {
    writeFileSync(devices, text);
    const { code, err } = await cli(path, "run", "--devices", devices, file);
    assert.equal(code, 1);
    assert.match(err, message);
  }
});
