// What an image names of the machine, and who has given it: images that a run here has made, and those from elsewhere.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openHome } from "../../src/cli/home.ts";
import { noteMade } from "../../src/cli/marks.ts";
import { cli, counter, folder, Guest } from "./support.ts";

interface Origin {
  readonly home: string;
  readonly id: string;
  /** The directory that the program was given as /out. */
  readonly out: string;
}

/** A program that has counted to 1 in its file, with these further options, stopped by a checkpoint. */
async function stopped(t: TestContext, ...options: readonly string[]): Promise<Origin> {
  const home = folder(t);
  const out = join(home, "given");
  mkdirSync(out);
  const guest = new Guest(t, home, "run", "--name", "count", "--dir", `${out}::/out`, ...options, counter(home));
  guest.send("a");
  await guest.says("1\n");
  const { code, out: id, err } = await cli(home, "checkpoint", "--stop", "count");
  assert.equal(code, 0, err);
  await guest.ended;
  return { home, id: id.trim(), out };
}

/** A state directory of somebody else, who was sent the checkpoints. */
function elsewhere(t: TestContext, { home }: Origin, ...parts: readonly string[]): string {
  const other = folder(t);
  for (const part of parts) cpSync(join(home, part), join(other, part), { recursive: true });
  return other;
}

const read = (path: string) => readFileSync(join(path, "log"), "utf8");

test("S96: a checkpoint from elsewhere opens no directory that it names: refused before anything is made", async (t) => {
  const origin = await stopped(t);
  const { id, out } = origin;
  writeFileSync(join(out, "log"), "since\n");
  for (const parts of [["store"], ["store", "made", "journals"]]) {
    const home = elsewhere(t, origin, ...parts);
    const journals = () => (parts.length > 1 ? readdirSync(join(home, "journals")) : []);
    const before = journals();
    const { code, err } = await cli(home, "restore", id);
    assert.equal(code, 5);
    assert.equal(
      err,
      `error: checkpoint ${id.slice(0, 8)} was not made under ${home}, and names what it was not given here: the directory ${out} as /out\n` +
        "hint: --dir HOST::/out --accept-changed-files, as nothing is known of the files here\n",
    );
    assert.deepEqual(journals(), before);
    assert.ok(!existsSync(join(home, "runs")), "no name was taken");
    assert.equal(read(out), "since\n");
  }
});

test("S96: what the user gives it is all that it has, and checkpoints that it makes then are made here", async (t) => {
  const origin = await stopped(t);
  const { id, out } = origin;
  const home = elsewhere(t, origin, "store", "journals");
  const [foreign] = readdirSync(join(home, "journals"));
  const mine = join(home, "mine");
  mkdirSync(mine);
  writeFileSync(join(mine, "log"), "mine\n");
  const given = ["--dir", `${mine}::/out`];
  const careful = await cli(home, "restore", ...given, id);
  assert.equal(careful.code, 5, "files that are not those of the checkpoint");
  assert.match(careful.err, /files were changed by others since the checkpoint/);
  const first = new Guest(t, home, "restore", "--accept-changed-files", ...given, id);
  first.send("b");
  await first.says("2\n");
  const again = await cli(home, "checkpoint", "--stop", "count");
  assert.equal(again.code, 0, again.err);
  await first.ended;
  assert.ok(
    readdirSync(join(home, "journals")).some((name) => name !== foreign),
    "a journal of its own",
  );
  const second = new Guest(t, home, "restore", "latest");
  second.send("c");
  await second.says("3\n");
  assert.equal(await second.finish(), 0, second.err);
  assert.deepEqual([read(mine), read(out)], ["mine\n2\n3\n", "1\n"]);
});

test("S96: addresses are given as directories are: one for each that the checkpoint names", async (t) => {
  const origin = await stopped(t, "--listen", "127.0.0.1:0", "--listen", "[::1]:0");
  const { id, out } = origin;
  const home = elsewhere(t, origin, "store");
  const given = ["--dir", `${out}::/out`, "--accept-changed-files"];
  const refused = await cli(home, "restore", ...given, id);
  assert.equal(refused.code, 5);
  assert.match(refused.err, /was not given here: to listen at 127\.0\.0\.1:0, to listen at \[::1\]:0\n/);
  const one = await cli(home, "restore", ...given, "--listen", "127.0.0.1:0", id);
  assert.equal(one.code, 2);
  assert.match(one.err, /--listen is given 1 times, expected 2, for 127\.0\.0\.1:0, \[::1\]:0\n/);
  const guest = new Guest(t, home, "restore", ...given, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", id);
  guest.send("b");
  await guest.says("2\n");
  assert.equal(await guest.finish(), 0, guest.err);
  assert.equal(guest.err.match(/listening on 127\.0\.0\.1:/g)?.length, 2, guest.err);
});

test("S96: it was made here wherever the state directory lies now: with new inodes, under another path", async (t) => {
  const { home, id, out } = await stopped(t);
  const moved = join(folder(t), "moved");
  cpSync(home, moved, { recursive: true, preserveTimestamps: true });
  const guest = new Guest(t, moved, "restore", id);
  guest.send("b");
  await guest.says("2\n");
  assert.equal(await guest.finish(), 0, guest.err);
  assert.equal(read(out), "1\n2\n");
});

test("S96: marks and keys of others vouch for nothing", async (t) => {
  const origin = await stopped(t);
  const { id, home } = origin;
  const marks: readonly ((other: string) => void)[] = [
    (other) => writeFileSync(join(other, "made", id), ""),
    (other) => writeFileSync(join(other, "made", id), String(statSync(other).ino)),
    (other) => writeFileSync(join(other, "made", "0".repeat(64)), readFileSync(join(home, "made", id))),
    (other) => writeFileSync(join(other, "key"), `${"0".repeat(64)}\n`),
    (other) => writeFileSync(join(other, "key"), ""),
    (other) => rmSync(join(other, "key")),
  ];
  for (const [index, forge] of marks.entries()) {
    const other = elsewhere(t, origin, "store", "made", "key");
    if (index === 2) rmSync(join(other, "made", id));
    forge(other);
    const { code, err } = await cli(other, "restore", id);
    assert.equal(code, 5, `${index}: ${err}`);
    assert.match(err, /was not made under/);
  }
});

test("code that was cached under another key is not run", async (t) => {
  const { home } = await stopped(t);
  const caches = () => readdirSync(join(home, "cache"));
  const [own] = caches();
  assert.deepEqual([caches().length, own?.length], [1, 16]);
  const program = counter(home);
  assert.equal(await new Guest(t, home, "run", "--name", "again", program).finish(), 0);
  assert.deepEqual(caches(), [own]);
  const files = () => readdirSync(join(home, "cache", own!), { recursive: true }).sort();
  const before = files();
  writeFileSync(join(home, "key"), `${"0".repeat(64)}\n`);
  assert.equal(await new Guest(t, home, "run", "--name", "other", program).finish(), 0);
  assert.equal(caches().length, 2);
  assert.deepEqual(files(), before);
});

test("a mark goes with its checkpoint", async (t) => {
  const { home, id } = await stopped(t);
  const marks = () => readdirSync(join(home, "made"));
  writeFileSync(join(home, "made", "stale"), "");
  assert.equal((await cli(home, "gc")).code, 0);
  assert.deepEqual(marks(), [id], "those that no checkpoint needs are collected");
  assert.equal((await cli(home, "rm", id)).code, 0);
  assert.deepEqual(marks(), []);
});

test("S96: what a checkpoint needs stays if it is published while gc waits for its writer", async (t) => {
  const { home: path, id, out } = await stopped(t);
  assert.equal((await cli(path, "rm", id)).code, 0);
  const home = openHome(path);
  const store = await home.store();
  const locks = () => readdirSync(join(path, "store", "locks"));
  let collected: ReturnType<typeof cli> | undefined;
  let over = false;
  await store.write(async (writer) => {
    noteMade(home, id);
    collected = cli(path, "gc").finally(() => {
      over = true;
    });
    while (!over && !locks().some((lock) => lock.startsWith("gc."))) await new Promise(setImmediate);
    await writer.publish(id, "count");
  });
  await store.close();
  const { code, err } = await collected!;
  assert.equal(code, 0, err);
  const guest = new Guest(t, path, "restore", id);
  guest.send("b");
  await guest.says("2\n");
  assert.equal(await guest.finish(), 0, guest.err);
  assert.equal(read(out), "1\n2\n");
});
