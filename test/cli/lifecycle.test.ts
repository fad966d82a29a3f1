// Programs run, are checkpointed, killed and continued, by the command line and real processes.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { cli, counter, folder, Guest } from "./support.ts";

test("a checkpointed program is killed and continued by another process, its files are taken back", async (t) => {
  const path = folder(t);
  const [home, data, program] = [join(path, "home"), join(path, "data"), counter(path)];
  mkdirSync(data);
  const log = () => readFileSync(join(data, "log"), "utf8");
  const first = new Guest(t, home, "run", "--name", "c", "--dir", `${data}::/data`, program);
  first.send("x");
  await first.says("1\n");
  const made = await cli(home, "checkpoint", "c");
  assert.equal(made.code, 0, made.err);
  const id = made.out.trim();
  assert.match(id, /^[0-9a-f]{64}$/);
  first.send("xx");
  await first.says("1\n2\n3\n");
  assert.equal(log(), "1\n2\n3\n");
  first.process.kill("SIGKILL");
  assert.equal(await first.ended, "SIGKILL");
  assert.deepEqual(JSON.parse((await cli(home, "ps", "--json")).out), []);

  const second = new Guest(t, home, "restore", id.slice(0, 12));
  second.send("x");
  await second.says("2\n");
  assert.equal(log(), "1\n2\n");
  assert.equal(await second.finish(), 0);
  assert.equal(second.err, "");
  const listed = JSON.parse((await cli(home, "list", "--json")).out);
  assert.deepEqual(
    listed.map((entry: { id: string; name: string }) => [entry.id, entry.name]),
    [[id, "c"]],
  );
});

test("checkpoint --stop ends the program with 0; the next run of its checkpoint begins there", async (t) => {
  const path = folder(t);
  const first = new Guest(t, path, "run", counter(path));
  first.send("xx");
  await first.says("1\n2\n");
  const report = JSON.parse((await cli(path, "checkpoint", "--stop", "--json", "counter")).out);
  assert.equal(report.stopped, true);
  assert.equal(await first.ended, 0);
  const second = new Guest(t, path, "restore", "counter");
  second.send("x");
  await second.says("3\n");
  const again = JSON.parse((await cli(path, "checkpoint", "--json", "counter")).out);
  assert.equal(await second.finish(), 0);
  const [, child] = JSON.parse((await cli(path, "list", "--json")).out);
  assert.deepEqual([child.id, child.parent], [again.id, report.id]);
});

test("kill, SIGINT and SIGTERM end a program with 128 and the signal's number", async (t) => {
  const path = folder(t);
  const program = counter(path);
  for (const [end, code] of [
    [(_: Guest) => cli(path, "kill", "counter"), 137],
    [async (guest: Guest) => guest.process.kill("SIGINT"), 130],
    [async (guest: Guest) => guest.process.kill("SIGTERM"), 143],
  ] as const) {
    const guest = new Guest(t, path, "run", program);
    guest.send("x");
    await guest.says("1\n");
    await end(guest);
    assert.equal(await guest.ended, code, guest.err);
  }
  assert.deepEqual(await cli(path, "kill", "counter"), {
    ...{ code: 3, out: "" },
    err: 'error: no program "counter" is running\nhint: rtcr ps\n',
  });
});

test("ps lists what runs; its control socket is the owner's alone", async (t) => {
  const path = folder(t);
  const guest = new Guest(t, path, "run", "--name", "one", counter(path), "a", "--name", "b");
  guest.send("x");
  await guest.says("1\n");
  const [run] = JSON.parse((await cli(path, "ps", "--json")).out);
  assert.deepEqual([run.name, run.pid, run.args], ["one", guest.process.pid, ["counter.wasm", "a", "--name", "b"]]);
  const { socket } = JSON.parse(readFileSync(join(path, "runs/one/run.json"), "utf8"));
  assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(await guest.finish(), 0);
});

test("a name that is taken is refused", async (t) => {
  const path = folder(t);
  const program = counter(path);
  const first = new Guest(t, path, "run", program);
  first.send("x");
  await first.says("1\n");
  const second = new Guest(t, path, "run", program);
  assert.equal(await second.ended, 5);
  assert.equal(
    second.err,
    "error: the name counter is taken by a running program\nhint: --name gives this run another name\n",
  );
  assert.equal(await first.finish(), 0);
});

test("one checkpoint is continued twice at once, under two names", async (t) => {
  const path = folder(t);
  const first = new Guest(t, path, "run", counter(path));
  first.send("x");
  await first.says("1\n");
  assert.equal((await cli(path, "checkpoint", "--stop", "counter")).code, 0);
  const one = new Guest(t, path, "restore", "latest");
  one.send("x");
  await one.says("2\n");
  const refused = new Guest(t, path, "restore", "latest");
  assert.equal(await refused.ended, 5);
  assert.equal(
    refused.err,
    "error: the name counter is taken by a running program\nhint: --as gives the restored program another name\n",
  );
  const two = new Guest(t, path, "restore", "--as", "fork", "latest");
  two.send("xx");
  await two.says("2\n3\n");
  one.send("x");
  await one.says("2\n3\n");
  assert.deepEqual([await one.finish(), await two.finish()], [0, 0]);
});

test("held output comes with the next checkpoint, and not again after a restore", async (t) => {
  const path = folder(t);
  const first = new Guest(t, path, "run", "--hold-output", counter(path));
  first.send("xx");
  while (JSON.parse((await cli(path, "ps", "--json")).out).length === 0);
  for (let heldLines = 0; heldLines < 2; ) {
    const { out } = await cli(path, "checkpoint", "--json", "counter");
    heldLines = first.out.length / 2;
    assert.ok(out.length > 0);
  }
  await first.says("1\n2\n");
  first.process.kill("SIGKILL");
  await first.ended;
  const second = new Guest(t, path, "restore", "latest");
  second.send("x");
  assert.equal(await second.finish(), 0);
  assert.equal(second.out, "3\n");
});

test("files in memory are part of the checkpoint", async (t) => {
  const path = folder(t);
  const first = new Guest(t, path, "run", "--memory-fs", counter(path));
  first.send("x");
  await first.says("1\n");
  assert.equal((await cli(path, "checkpoint", "--stop", "counter")).code, 0);
  const inspected = JSON.parse((await cli(path, "inspect", "--json", "latest")).out);
  assert.deepEqual(
    inspected.descriptors.map(({ fd, kind, path: at }: { fd: number; kind: string; path: string }) => [fd, kind, at]),
    [
      [0, "terminal", "stdin"],
      [1, "terminal", "stdout"],
      [2, "terminal", "stderr"],
      [3, "directory", "/"],
      [4, "file", "/log"],
    ],
  );
  const [thread] = inspected.threads;
  assert.deepEqual([thread.entry, thread.frames[0].name], ["_start", "main"]);
  const second = new Guest(t, path, "restore", "latest");
  second.send("x");
  await second.says("2\n");
  assert.equal(await second.finish(), 0);
});

test("checkpoints are made again and again", async (t) => {
  const path = folder(t);
  const guest = new Guest(t, path, "run", "--checkpoint-every", "20ms", counter(path));
  guest.send("x");
  await guest.says("1\n");
  let entries: unknown[] = [];
  while (entries.length < 2) entries = JSON.parse((await cli(path, "list", "--json")).out);
  assert.equal(await guest.finish(), 0);
});

test("a fork beside the program that has the files begins a journal of its own, when the user accepts the files", async (t) => {
  const path = folder(t);
  const [home, data] = [join(path, "home"), join(path, "data")];
  mkdirSync(data);
  const first = new Guest(t, home, "run", "--name", "one", "--dir", `${data}::/data`, counter(path));
  first.send("x");
  await first.says("1\n");
  assert.equal((await cli(home, "checkpoint", "one")).code, 0);
  first.send("x");
  await first.says("1\n2\n");
  const refused = await cli(home, "restore", "--as", "two", "latest");
  assert.equal(refused.code, 5);
  assert.match(
    refused.err,
    /^note: another program continues the files of [0-9a-f]{8}, this one begins a journal of its own\nerror: files were changed by others since the checkpoint: .*\nhint: --accept-changed-files goes on with the files as they are\n$/,
  );
  const second = new Guest(t, home, "restore", "--as", "two", "--accept-changed-files", "latest");
  second.send("x");
  await second.says("2\n");
  assert.equal((await cli(home, "checkpoint", "two")).code, 0);
  assert.deepEqual([await first.finish(), await second.finish()], [0, 0]);
  assert.equal(readFileSync(join(data, "log"), "utf8"), "1\n2\n2\n");
});
