import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { refusal, success } from "../util/index.ts";
import {
  ByteRing,
  createMemoryInput,
  createMemoryOutput,
  createRingInput,
  holdOutput,
  TerminalFault,
} from "./index.ts";
import { createFileInput, createNodeOutput, pumpInput, terminalKind } from "./index-node.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const home = mkdtempSync(join(tmpdir(), "rtcr-terminal-"));
after(() => rmSync(home, { recursive: true }));

/** One read: its text, `!errno` after a refusal. */
function read(
  terminal: { read: (target: Uint8Array) => ReturnType<ReturnType<typeof createMemoryInput>["read"]> },
  size = 100,
) {
  const target = new Uint8Array(size);
  const result = terminal.read(target);
  return result.ok ? text(target.subarray(0, result.value)) : `!${result.reason}`;
}

test("ring: bytes come out as they went in, over its end and over the counters' end", () => {
  const ring = ByteRing.create(16);
  const words = new Int32Array(ring.shared, 0, 4);
  words[0] = words[1] = -5; // 5 bytes before the counters wrap
  let sent = "";
  let received = "";
  for (let turn = 0; turn < 50; turn++) {
    const chunk = "abcdefghijklmnopqrstuvwxyz".slice(turn % 20, (turn % 20) + (turn % 7));
    sent += chunk.slice(0, ring.write(bytes(chunk)));
    received += read({ read: (target) => ({ ok: true, value: ring.read(target) }) }, turn % 5);
  }
  received += read({ read: (target) => ({ ok: true, value: ring.read(target) }) });
  assert.equal(received, sent);
  assert.ok(sent.length > 50);
  assert.equal(ring.write(new Uint8Array(40)), 16);
  assert.equal(ring.write(new Uint8Array(1)), 0);
});

test("ring input: nothing yet, some, the end", () => {
  const ring = ByteRing.create(16);
  const input = createRingInput(ring, { kind: "pipe" });
  assert.equal(read(input), "!again");
  assert.deepEqual(input.readiness(), { readable: false, readableBytes: 0, writable: true, hangup: false });
  ring.write(bytes("abc"));
  ring.end();
  assert.deepEqual(input.readiness(), { readable: true, readableBytes: 3, writable: true, hangup: true });
  assert.deepEqual([read(input, 2), read(input), read(input), read(input)], ["ab", "c", "", ""]);
});

test("ring input: unread bytes are captured once, whoever reads on", () => {
  const ring = ByteRing.create(16);
  const first = createRingInput(ring, { kind: "pipe" });
  ring.write(bytes("abcdef"));
  assert.equal(read(first, 2), "ab");
  const state = first.capture();
  ring.write(bytes("gh"));
  const second = createRingInput(ring, { kind: "pipe", state });
  assert.deepEqual(second.capture(), { input: bytes("cdefgh") });
  assert.deepEqual([read(second, 5), read(second)], ["cdefg", "h"]);
  assert.deepEqual([read(first), read(first)], ["cdef", "!again"]);
});

test("pump: reads nothing before it is asked, then all, also what does not fit at once", async () => {
  const stream = new PassThrough();
  const ring = ByteRing.create(16);
  let woken = 0;
  const pump = pumpInput(stream, ring, () => woken++);
  const all = "0123456789".repeat(10);
  stream.end(all);
  await sleep(10);
  assert.deepEqual([ring.length, woken], [0, 0]);
  const input = createRingInput(ring, { kind: "pipe" });
  let received = "";
  for (;;) {
    const part = read(input, 7);
    if (part === "") break;
    if (part === "!again") await sleep(1);
    else received += part;
  }
  assert.equal(received, all);
  assert.ok(woken > 6);
  pump.stop();
});

test("pump: stopped, it leaves the rest in the stream", async () => {
  const stream = new PassThrough();
  const ring = ByteRing.create(16);
  const pump = pumpInput(stream, ring, () => {});
  ring.want();
  stream.write("0123456789abcdefXYZ");
  while (ring.length < 16) await sleep(1);
  pump.stop();
  createRingInput(ring, { kind: "pipe" }).read(new Uint8Array(16));
  await sleep(5);
  assert.equal(text(stream.read()), "XYZ");
});

test("held output: nothing before a release, then just what the capture held", () => {
  let written = "";
  const held = holdOutput(createMemoryOutput((data) => (written += text(data))));
  held.write(bytes("one "));
  assert.deepEqual([held.release(), written], [{ ok: true, value: undefined }, ""]);
  assert.deepEqual(held.capture(), { held: bytes("one ") });
  held.write(bytes("two "));
  held.release();
  assert.deepEqual([written, held.heldBytes], ["one ", 4]);
  held.release();
  assert.equal(written, "one ");
  held.finish();
  assert.deepEqual([written, held.heldBytes], ["one two ", 0]);
});

test("held output: a restored run releases what its checkpoint held, unless that was released", () => {
  const state = { held: bytes("old ") };
  for (const [released, expected] of [
    [false, "old new"],
    [true, "new"],
  ] as const) {
    let written = "";
    const held = holdOutput(
      createMemoryOutput((data) => (written += text(data))),
      { state, released },
    );
    held.write(bytes("new"));
    held.release();
    held.finish();
    assert.equal(written, expected);
  }
});

test("held output: what the other side does not take stays held", () => {
  let room = 3;
  const sink = createMemoryOutput(() => {});
  const narrow = {
    ...sink,
    write: (source: Uint8Array) => {
      const value = Math.min(room, source.length);
      room -= value;
      return value > 0 ? ({ ok: true, value } as const) : ({ ok: false, reason: "again" } as const);
    },
  };
  const held = holdOutput(narrow, { limitBytes: 8 });
  held.write(bytes("abcdef"));
  assert.deepEqual(held.write(bytes("ghi")), { ok: false, reason: "nospc" });
  held.capture();
  assert.deepEqual([held.release(), held.heldBytes], [{ ok: false, reason: "again" }, 3]);
  room = 100;
  assert.deepEqual([held.release(), held.heldBytes], [{ ok: true, value: undefined }, 0]);
});

test("held output: without holding, what a state held goes out first, the rest straight behind it", () => {
  let room = 2;
  let written = "";
  const sink = createMemoryOutput(() => {});
  const narrow = {
    ...sink,
    write: (source: Uint8Array) => {
      const taken = source.slice(0, room);
      room -= taken.length;
      written += text(taken);
      return taken.length > 0 ? success(taken.length) : refusal("again");
    },
  };
  const output = holdOutput(narrow, { passing: true, state: { held: bytes("old ") } });
  assert.deepEqual(output.write(bytes("new")), { ok: false, reason: "again" });
  assert.deepEqual(output.capture(), { held: bytes("d ") });
  room = 4;
  assert.deepEqual([output.write(bytes("new")), written], [{ ok: true, value: 2 }, "old ne"]);
  assert.equal(output.heldBytes, 0);
});

test("input from a file: a restored run skips what was read, if the file was opened anew", () => {
  const path = join(home, "input");
  writeFileSync(path, "0123456789");
  const open = () => openSync(path, "r");
  const fd = open();
  const first = createFileInput(fd);
  assert.equal(read(first, 4), "0123");
  const state = first.capture();
  assert.equal(read(createFileInput(fd, { state })), "456789");
  const rewound = createFileInput(open(), { state, rewound: true });
  assert.deepEqual([read(rewound, 3), rewound.capture()], ["456", { consumedBytes: 7 }]);
  closeSync(fd);
});

test("output to a file, also from shared memory", () => {
  const path = join(home, "output");
  const fd = openSync(path, "w");
  const output = createNodeOutput(fd);
  const shared = new Uint8Array(new SharedArrayBuffer(5));
  shared.set(bytes("hello"));
  assert.deepEqual(output.write(shared), { ok: true, value: 5 });
  output.dispose();
  closeSync(fd);
  assert.deepEqual([readFileSync(path, "utf8"), output.kind], ["hello", "file"]);
});

test("output to a full pipe is again, to nobody pipe; a slow reader gets all", async () => {
  const path = join(home, "fifo");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, "r+");
  const fd = openSync(path, "w");
  const output = createNodeOutput(fd);
  assert.deepEqual([output.kind, terminalKind(reader)], ["pipe", "pipe"]);
  const chunk = new Uint8Array(1 << 16);
  let taken = 0;
  for (let result = output.write(chunk); ; result = output.write(chunk)) {
    if (!result.ok) {
      assert.equal(result.reason, "again");
      break;
    }
    taken += result.value;
  }
  assert.ok(taken > 0);
  assert.equal(output.readiness().writable, false);
  assert.ok(output.readiness().retryNs! > 0n);
  const child = spawn("head", ["-c", String(taken)], { stdio: [reader, "pipe", "inherit"] });
  closeSync(reader);
  let received = 0;
  for await (const data of child.stdout!) received += (data as Uint8Array).length;
  assert.equal(received, taken);
  assert.deepEqual(output.write(chunk), { ok: false, reason: "pipe" });
  output.dispose();
  closeSync(fd);
});

test("damaged states are refused", () => {
  for (const state of [null, 1, { input: "x" }, { held: [] }, { consumedBytes: 1n }] as const) {
    if (state === null) continue;
    if (typeof state === "number") continue;
    assert.throws(() => createMemoryInput({ state }), TerminalFault);
  }
});
