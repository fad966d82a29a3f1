// Real connections over the loopback. A call that waits gives way to a freeze here, and is issued again when the event
// loop of this thread, which serves the sockets, has had its turn.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostValue, PlainData } from "../abi/index.ts";
import { NodeSockets, SocketHost } from "../core/index-node.ts";
import type { SessionState } from "../session/index.ts";
import { sessionStates, WasiStateFault } from "./index.ts";
import { FDFLAG } from "./layout.ts";
import type { TestProgram } from "./test-program.test.ts";
import { make, ROOT } from "./test-sessions.test.ts";

/** The listening socket's descriptor: behind the terminals and directories. */
const LISTENER = 5;
const PEEK = 1;
const WAIT_ALL = 2;

const servers: Server[] = [];
const hosts: SocketHost[] = [];
after(() => {
  for (const host of hosts) host.detach();
  for (const server of servers) server.close();
});

async function serve(state?: SessionState): Promise<{ program: TestProgram; client: () => Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = new SocketHost([server], () => {});
  servers.push(server);
  hosts.push(host);
  const addresses = host.addresses;
  const sockets = new NodeSockets({ port: host.attach(), addresses, ...(state === undefined ? {} : { state }) });
  const client = async () => {
    const socket = connect({ port: Number(addresses[0]!.split(":")[1]), host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return socket.on("error", () => {});
  };
  return { program: make({ sockets }).program, client };
}

/** Calls a function that may wait until it ends with an errno. */
async function finish(program: TestProgram, name: string, ...args: HostValue[]): Promise<string> {
  let progress: PlainData | undefined;
  for (;;) {
    program.waits.push("freeze");
    const ending = program.begin(name, progress, ...args);
    program.waits.length = 0;
    if ("errno" in ending) return ending.errno;
    assert.ok("frozen" in ending);
    progress = ending.frozen;
    await sleep(1);
  }
}

async function accept(program: TestProgram, flags = 0): Promise<number> {
  const result = program.room(4);
  assert.equal(await finish(program, "sock_accept", LISTENER, flags, result), "success");
  return program.u32(result);
}

/** sock_recv into buffers of these sizes: what was received, or `!errno`. */
async function receive(program: TestProgram, fd: number, flags: number, ...sizes: number[]): Promise<string> {
  const buffers = sizes.map((size) => [program.room(size), size] as const);
  const [result, resultFlags] = [program.room(4), program.room(2)];
  const errno = await finish(program, "sock_recv", fd, ...program.vector(...buffers), flags, result, resultFlags);
  if (errno !== "success") return `!${errno}`;
  const received = program.u32(result);
  return buffers
    .map(([at, size]) => program.text(at, size))
    .join("")
    .slice(0, received);
}

test("a server: accept, receive, send, shut down, close", async () => {
  const { program, client } = await serve();
  const peer = client();
  const fd = await accept(program);
  assert.equal(fd, 6);
  const socket = await peer;
  socket.write("request");
  assert.equal(await receive(program, fd, PEEK, 3, 100), "req");
  assert.equal(await receive(program, fd, 0, 3, 100), "request");
  const result = program.room(4);
  const answer = program.vector(program.put("ans"), program.put("wer"));
  assert.equal(program.call("sock_send", fd, ...answer, 0, result), "success");
  assert.equal(program.u32(result), 6);
  assert.equal(program.write(fd, " and more"), 9);
  assert.equal(program.call("sock_shutdown", fd, 2), "success");
  assert.equal((await socket.toArray()).join(""), "answer and more");
  assert.equal(program.write(fd, "x"), "pipe");
  socket.end();
  assert.equal(await receive(program, fd, 0, 10), "");
  assert.equal(program.call("fd_close", fd), "success");
});

test("waiting for all of it, over freezes, and what came when the peer ended before", async () => {
  const { program, client } = await serve();
  const peer = client();
  const fd = await accept(program);
  const socket = await peer;
  socket.write("12345");
  const all = receive(program, fd, WAIT_ALL, 4, 4);
  await sleep(20);
  socket.write("678");
  assert.equal(await all, "12345678");
  socket.end("9");
  assert.equal(await receive(program, fd, WAIT_ALL, 10), "9");
});

test("sockets that do not block", async () => {
  const { program, client } = await serve();
  const result = program.room(4);
  program.call("fd_fdstat_set_flags", LISTENER, FDFLAG.nonblock);
  assert.equal(program.call("sock_accept", LISTENER, 0, result), "again");
  await client();
  program.call("fd_fdstat_set_flags", LISTENER, 0);
  const fd = await accept(program, FDFLAG.nonblock);
  assert.equal(program.read(fd), "!again");
});

test("what is no socket, the wrong kind of socket, unknown flags", async () => {
  const { program, client } = await serve();
  await client();
  const result = program.room(8);
  const vector = program.vector([program.room(1), 1]);
  const fd = await accept(program);
  for (const [expected, name, ...args] of [
    ["badf", "sock_shutdown", 99, 1],
    ["notsock", "sock_shutdown", 1, 1],
    ["notsock", "sock_accept", ROOT, 0, result],
    ["notsock", "sock_recv", 0, ...vector, 0, result, result],
    ["notsock", "sock_send", 1, ...vector, 0, result],
    ["inval", "sock_accept", fd, 0, result],
    ["inval", "sock_accept", LISTENER, 1, result],
    ["notconn", "sock_shutdown", LISTENER, 1],
    ["notconn", "fd_read", LISTENER, ...vector, result],
    ["inval", "sock_shutdown", fd, 0],
    ["inval", "sock_shutdown", fd, 4],
    ["inval", "sock_recv", fd, ...vector, 4, result, result],
    ["inval", "sock_send", fd, ...vector, 1, result],
    ["spipe", "fd_seek", fd, 0n, 0, result],
    ["notdir", "path_unlink_file", fd, 0, 0],
    ["fault", "sock_accept", LISTENER, 0, -1],
  ] as const) {
    assert.equal(program.call(name, ...args), expected, `${name} ${args.join(" ")}`);
  }
  const stat = program.room(24);
  assert.equal(program.call("fd_fdstat_get", fd, stat), "success");
  assert.equal(program.memory[stat], 6);
});

test("after a restore elsewhere: connections reset, the same descriptor listens, without it the state is refused", async () => {
  const { program, client } = await serve();
  await client();
  const fd = await accept(program);
  const state = structuredClone(program.wasi.capture());
  assert.throws(() => make().program.wasi.restore(state), WasiStateFault);

  const next = await serve(sessionStates(state).sockets);
  // The directories' handles are those of a fresh session, as after opening them anew.
  next.program.wasi.restore(state);
  assert.equal(await receive(next.program, fd, 0, 10), "!connreset");
  assert.equal(next.program.read(fd), "!connreset");
  assert.equal(next.program.write(fd, "x"), "pipe");
  assert.equal(next.program.call("fd_close", fd), "success");
  const peer = await next.client();
  peer.write("again");
  assert.equal(await accept(next.program), fd);
  assert.equal(await receive(next.program, fd, 0, 10), "again");
});
