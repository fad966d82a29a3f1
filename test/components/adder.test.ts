// A service between compiled components: sessions through init, calls, dataspaces that both sides share (S18, S38-S43).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { config, startSystem } from "../support/core-system.ts";
import { child, type Run, runComponents } from "./rig.ts";

const APPS = ["adder_server", "adder_client"];
const SERVER = child("s", '<provides><service name="Adder"/></provides>', { app: "adder_server", windows: true });

function client(name: string, attributes: string): string {
  return child(name, `<config ${attributes}/>`, { app: "adder_client", windows: true });
}

const TWO_CLIENTS = client("c1", 'sessions="3"') + client("c2", 'numbers="5" sessions="2"') + SERVER;

function checkTwoClients(run: Run): void {
  const sums = (name: string) => run.of(name).filter((line) => !line.startsWith("Warning"));
  assert.deepEqual(sums("c1"), ["sum 55", "sum 55", "sum 55"]);
  assert.deepEqual(sums("c2"), ["sum 15", "sum 15"]);
  const served = Object.groupBy(run.of("s"), (line) => line);
  const counts = Object.fromEntries(Object.entries(served).map(([line, lines]) => [line, lines!.length]));
  assert.deepEqual(counts, { "session of c1 -> sum": 3, "session of c2 -> sum": 2, "upgrade by 1024": 5, closed: 5 });
  for (const name of ["c1", "c2"]) {
    assert.ok(run.lines.includes(`[init] child "${name}" exited with exit value 0`), run.lines.join("\n"));
  }
}

test("S18, S38, S40, S41, S42: clients open, use, upgrade and close sessions of a sibling, one after the other", async () => {
  const run = await runComponents({ apps: APPS, start: TWO_CLIENTS });
  checkTwoClients(run);
  // What the clients donate at first is too little for the server: their library gives more until it suffices.
  assert.equal(run.of("c1")[0], "Warning: creation of Adder session failed 2 times (insufficient-ram-quota)");
});

for (const every of [311, 97]) {
  test(`S38, S42: the same when all components are made anew at every ${every}th safe point`, async () => {
    const run = await runComponents({ apps: APPS, start: TWO_CLIENTS, every });
    checkTwoClients(run);
    assert.ok(run.recreations > 10, `${run.recreations} of ${run.points}`);
  });
}

const RUST = ["rs-adder_server", "rs-adder_client", ...APPS];
const RUST_SERVER = child("s", '<provides><service name="Adder"/></provides>', {
  app: "rs-adder_server",
  windows: true,
});
const RUST_CLIENT = (name: string, config: string) =>
  child(name, `<config ${config}/>`, { app: "rs-adder_client", windows: true });
const SAME = "a map's dataspace at two places: the same";

for (const every of [undefined, 211]) {
  const when = every === undefined ? "" : `, when all are made anew at every ${every}th safe point`;
  test(`S3, S18, S38, S42: server and client in Rust, a client in C++ beside it${when}`, async () => {
    const start =
      RUST_CLIENT("c1", 'numbers="10" sessions="3"') + client("c2", 'numbers="5" sessions="2"') + RUST_SERVER;
    const run = await runComponents({ apps: RUST, start, ...(every ? { every } : {}) });
    const said = (name: string) => run.of(name).filter((line) => !line.startsWith("Warning"));
    assert.deepEqual(said("c1"), ["sum 55", "sum 55", "sum 55", SAME]);
    assert.deepEqual(said("c2"), ["sum 15", "sum 15"]);
    const served = Object.groupBy(run.of("s"), (line) => line);
    const counts = Object.fromEntries(Object.entries(served).map(([line, lines]) => [line, lines!.length]));
    const sessions = { "session of c1 -> sum": 3, "session of c2 -> sum": 2, "upgrade by 1024": 5, closed: 5 };
    assert.deepEqual(counts, { ...sessions, "client gave the ledger": 3, "client gave something else": 3 });
  });
}

test("S36, S42: a client in Rust at the server in C++ gets what that offers, and the refusal of what it does not", async () => {
  const start = RUST_CLIENT("c", 'numbers="4"') + SERVER;
  const run = await runComponents({ apps: RUST, start });
  assert.ok(run.of("c").includes("sum 10"), run.lines.join("\n"));
  assert.ok(run.of("c").includes("Error: invalid-opcode"), "opcode 2 is not one of that server's");
});

/** A system in which a client keeps a session open. */
async function keeping(version: (number: number) => string) {
  const built = await buildComponents(APPS.map(componentNamed));
  const binaries = Object.fromEntries(
    built.map(({ component, file }) => [component.name, new Uint8Array(readFileSync(file))]),
  );
  const tree = startSystem({ config: config(version(1)), binaries });
  const rest = async () => {
    for (let before = -1; before !== tree.lines.length; ) {
      before = tree.lines.length;
      tree.settle();
      await tree.core.kernel.scheduler.quiet();
    }
  };
  await rest();
  const reconfigure = async (text: string) => {
    tree.configure(config(text));
    await rest();
  };
  return { tree, reconfigure };
}

test("S43: a server is replaced while a client holds a session: the client is started again, at the new one", async () => {
  const version = (number: number) => client("c", 'keep="1"') + SERVER.replace("<start", `<start version="${number}"`);
  const { tree, reconfigure } = await keeping(version);
  const count = (text: string) => tree.lines.filter((line) => line.includes(text)).length;
  assert.deepEqual(
    [count("[init -> c] stays"), count("session of c"), count("closed")],
    [1, 1, 0],
    tree.lines.join("\n"),
  );
  await reconfigure(version(2));
  assert.deepEqual([count("[init -> c] stays"), count("session of c")], [2, 2], tree.lines.join("\n"));
  tree.close();
  assert.deepEqual([tree.core.own.ramQuota(), tree.core.own.capQuota()], [256 << 20, 20_000]);
});

test("S43: a client vanishes with a session open: the server closes it and has its quota as before", async () => {
  const { tree, reconfigure } = await keeping(() => client("c", 'keep="1"') + SERVER);
  const before = tree.pd("s")!.ramQuota();
  await reconfigure(SERVER);
  assert.ok(tree.lines.includes("[init -> s] closed"), tree.lines.join("\n"));
  assert.equal(tree.pd("c"), undefined);
  assert.ok(tree.pd("s")!.ramQuota() < before);
  const quota = tree.pd("s")!.ramQuota();
  for (let round = 0; round < 3; round++) {
    await reconfigure(client("c", 'numbers="3"') + SERVER);
    await reconfigure(SERVER);
  }
  assert.equal(tree.pd("s")!.ramQuota(), quota, "sessions leave nothing behind at the server");
  tree.close();
});
