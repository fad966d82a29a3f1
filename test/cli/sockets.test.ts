// A program on a listening socket that the user gives: served, checkpointed, killed, and served on by its successor.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { assemble } from "../assemble.ts";
import { cli, folder, Guest } from "./support.ts";

/** Accepts a connection, answers its first byte with the number of connections so far, closes it, and again. */
const SERVER = `(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\01\\00\\00\\00")
  (func (export "_start") (local $n i32) (local $fd i32)
    (loop $again
      (if (call $accept (i32.const 3) (i32.const 0) (i32.const 32)) (then return))
      (local.set $fd (i32.load (i32.const 32)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (drop (call $recv (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36) (i32.const 40)))
      (i32.store8 (i32.const 64) (i32.add (i32.const 48) (local.get $n)))
      (drop (call $send (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36)))
      (drop (call $close (local.get $fd)))
      (br $again))))`;

test("a program accepts connections on the socket it is given, before and after a restore", async (t) => {
  const path = folder(t);
  const file = join(path, "server.wasm");
  writeFileSync(file, assemble(SERVER));
  const first = new Guest(t, path, "run", "--listen", "127.0.0.1:0", file);
  assert.equal(await ask(await portOf(first)), "1");
  assert.equal((await cli(path, "checkpoint", "server")).code, 0);
  assert.equal(await ask(await portOf(first)), "2");
  first.process.kill("SIGKILL");
  await first.ended;
  const second = new Guest(t, path, "restore", "latest");
  assert.equal(await ask(await portOf(second)), "2");
  await cli(path, "kill", "server");
  assert.equal(await second.ended, 137);
});

/** Accepts a connection, sends 192 KiB at once, says so on standard output and ends. */
const LAST_WORDS = `(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "\\00\\00\\01\\00\\00\\00\\03\\00" "\\10\\00\\00\\00\\05\\00\\00\\00" "sent\\n")
  (func (export "_start")
    (if (call $accept (i32.const 3) (i32.const 0) (i32.const 32)) (then unreachable))
    (if (call $send (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36)) (then unreachable))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 40)))))`;

test("what a program has sent when it ends arrives, though its peer reads later", async (t) => {
  const path = folder(t);
  const file = join(path, "last-words.wasm");
  writeFileSync(file, assemble(LAST_WORDS));
  const guest = new Guest(t, path, "run", "--listen", "127.0.0.1:0", file);
  const socket = connect(await portOf(guest), "127.0.0.1");
  while (guest.out === "") await once(guest.process.stdout, "data");
  assert.deepEqual(Buffer.concat(await socket.toArray()), Buffer.alloc(192 * 1024));
  assert.equal(await guest.ended, 0);
});

test("an address that is none is a usage error", async (t) => {
  const path = folder(t);
  assert.deepEqual(await cli(path, "run", "--listen", "here", "x.wasm"), {
    ...{ code: 2, out: "" },
    err: 'error: --listen is "here", expected HOST:PORT, as 127.0.0.1:8080\nhint: rtcr run --help\n',
  });
});

async function portOf(guest: Guest): Promise<number> {
  for (;;) {
    const match = /listening on 127\.0\.0\.1:(\d+)\n/.exec(guest.err);
    if (match) return Number(match[1]);
    await new Promise((resolve) => guest.process.stderr.once("data", resolve));
  }
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("?"));
    socket.setEncoding("utf8").on("data", (text) => (answer += text));
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}
