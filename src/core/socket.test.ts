// Real connections over the loopback; a worker thread without an event loop is in standard-streams.test.ts.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionState } from "../session/index.ts";
import { NodeSockets, SocketFault, SocketHost } from "./index-node.ts";

const hosts: SocketHost[] = [];
const servers: Server[] = [];
after(() => {
  for (const host of hosts) host.detach();
  for (const server of servers) server.close();
});

interface Made {
  readonly host: SocketHost;
  readonly sockets: NodeSockets;
  readonly client: () => Promise<Socket>;
  wakes: () => number;
}

async function make(state?: SessionState): Promise<Made> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  let wakes = 0;
  const host = new SocketHost([server], () => wakes++);
  hosts.push(host);
  const sockets = newSession(host, state);
  const [, port] = host.addresses[0]!.split(":");
  const client = async () => {
    const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return socket.on("error", () => {});
  };
  return { host, sockets, client, wakes: () => wakes };
}

function newSession(host: SocketHost, state?: SessionState): NodeSockets {
  return new NodeSockets({ port: host.attach(), addresses: host.addresses, ...(state === undefined ? {} : { state }) });
}

/** Tries until the answer is another than "again": its value, or `!errno`. */
async function until<T>(attempt: () => { ok: true; value: T } | { ok: false; reason: string }): Promise<T | string> {
  for (;;) {
    const result = attempt();
    if (result.ok) return result.value;
    if (result.reason !== "again") return `!${result.reason}`;
    await sleep(1);
  }
}

const receive = async (sockets: NodeSockets, handle: number, peek = false, size = 100) => {
  const target = new Uint8Array(size);
  const bytes = await until(() => sockets.receive(handle, target, { peek }));
  return typeof bytes === "string" ? bytes : new TextDecoder().decode(target.subarray(0, bytes));
};
const bytes = (text: string) => new TextEncoder().encode(text);

test("accept, receive, peek, send, both ends", async () => {
  const { sockets, client, wakes } = await make();
  assert.deepEqual(sockets.accept(0), { ok: false, reason: "again" });
  assert.equal(sockets.readiness(0).readable, false);
  const peer = await client();
  const handle = (await until(() => sockets.accept(0))) as number;
  assert.deepEqual(sockets.receive(handle, new Uint8Array(1), { peek: false }), { ok: false, reason: "again" });
  assert.deepEqual(sockets.receive(handle, new Uint8Array(0), { peek: false }), { ok: true, value: 0 });
  peer.end("hello");
  assert.equal(await receive(sockets, handle, true), "hello");
  assert.equal(sockets.readiness(handle).readableBytes, 5);
  assert.deepEqual([await receive(sockets, handle, false, 2), await receive(sockets, handle)], ["he", "llo"]);
  assert.equal(await receive(sockets, handle), "");
  assert.deepEqual(sockets.send(handle, bytes("answer")), { ok: true, value: 6 });
  sockets.shutdown(handle, "send");
  assert.deepEqual(sockets.send(handle, bytes("more")), { ok: false, reason: "pipe" });
  assert.equal((await peer.toArray()).join(""), "answer");
  assert.deepEqual([sockets.close(handle), sockets.close(handle).ok], [{ ok: true, value: undefined }, false]);
  assert.ok(wakes() >= 3);
});

test("windows: neither side collects more than that, everything arrives", async () => {
  const { sockets, client } = await make();
  const peer = await client();
  const handle = (await until(() => sockets.accept(0))) as number;
  const large = new Uint8Array(3 << 20).map((_, index) => index * 7);
  let sent = 0;
  while (sent < large.length) {
    const value = await until(() => sockets.send(handle, large.subarray(sent)));
    assert.ok(typeof value === "number" && value <= 1 << 18);
    sent += value;
    if (peer.listenerCount("data") === 0) {
      const chunks: Uint8Array[] = [];
      peer.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      peer.once("end", () => peer.end(Buffer.concat(chunks)));
    }
  }
  sockets.shutdown(handle, "send");
  let received = 0;
  for (const target = new Uint8Array(1 << 20); ; ) {
    const value = (await until(() => sockets.receive(handle, target, { peek: false }))) as number;
    if (value === 0) break;
    assert.ok(target.subarray(0, value).every((byte, index) => byte === large[received + index]));
    received += value;
  }
  assert.equal(received, large.length);
});

test("a reset by the peer is connreset, and pipe", async () => {
  const { sockets, client } = await make();
  const peer = await client();
  const handle = (await until(() => sockets.accept(0))) as number;
  peer.resetAndDestroy();
  assert.equal(await receive(sockets, handle), "!connreset");
  assert.deepEqual(sockets.send(handle, bytes("x")), { ok: false, reason: "pipe" });
  assert.deepEqual(sockets.readiness(handle).hangup, true);
});

test("after a restore elsewhere connections are lost by name, the listening socket accepts again", async () => {
  const first = await make();
  await first.client();
  const handle = (await until(() => first.sockets.accept(0))) as number;
  const { sockets, client } = await make(structuredClone(first.sockets.capture()));
  const target = new Uint8Array(1);
  assert.deepEqual(sockets.receive(handle, target, { peek: false }), { ok: false, reason: "connreset" });
  assert.deepEqual(sockets.send(handle, target), { ok: false, reason: "pipe" });
  assert.deepEqual(sockets.readiness(handle), { readable: true, readableBytes: 0, writable: true, hangup: true });
  assert.deepEqual(sockets.shutdown(handle, "both"), { ok: false, reason: "notconn" });
  assert.deepEqual(sockets.close(handle), { ok: true, value: undefined });
  await client();
  const next = await until(() => sockets.accept(0));
  assert.equal(next, handle + 1);
  first.host.detach();
});

test("a successor in the same process cuts the connections of the one before", async () => {
  const { host, sockets, client } = await make();
  const peer = await client();
  const closed = new Promise((resolve) => peer.once("close", resolve));
  const handle = (await until(() => sockets.accept(0))) as number;
  const next = newSession(host, sockets.capture());
  await closed;
  assert.deepEqual(next.send(handle, bytes("x")), { ok: false, reason: "pipe" });
});

test("what a program sent before its end goes out, though nobody has taken its last messages yet", async () => {
  const { host, sockets, client } = await make();
  const peers = [await client(), await client()];
  const [open, closed] = [await until(() => sockets.accept(0)), await until(() => sockets.accept(0))] as number[];
  const large = new Uint8Array(1 << 18).fill(7);
  assert.deepEqual(sockets.send(open!, large), { ok: true, value: large.length });
  assert.deepEqual(sockets.send(closed!, large), { ok: true, value: large.length });
  sockets.close(closed!);
  const finished = host.finish();
  for (const peer of peers) assert.deepEqual(Buffer.concat(await peer.toArray()), Buffer.from(large));
  await finished;
});

test("whoever does not take what a program sent holds its end up until it is cut", async () => {
  const { host, sockets, client } = await make();
  const peer = await client();
  const handle = (await until(() => sockets.accept(0))) as number;
  const part = new Uint8Array(1 << 18);
  // Until the buffers of the system are full: nothing drains any more.
  for (let turns = 0; turns < 200; turns++) {
    if (sockets.send(handle, part).ok) turns = 0;
    await sleep(1);
  }
  let ended = false;
  const finished = host.finish().then(() => (ended = true));
  await sleep(20);
  assert.equal(ended, false);
  host.detach();
  await finished;
  await assert.rejects(peer.toArray(), { code: "ECONNRESET" });
});

test("the wrong kind of socket, closed listening sockets, damaged states", async () => {
  const { sockets } = await make();
  assert.deepEqual(sockets.receive(0, new Uint8Array(1), { peek: false }), { ok: false, reason: "notconn" });
  assert.deepEqual(sockets.send(0, new Uint8Array(1)), { ok: false, reason: "notconn" });
  assert.deepEqual(sockets.accept(5), { ok: false, reason: "inval" });
  assert.deepEqual(sockets.close(0), { ok: true, value: undefined });
  assert.deepEqual(sockets.accept(0), { ok: false, reason: "inval" });
  await assert.rejects(make({ next: 1, open: ["x"] }), SocketFault);
});
