import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import "../../test/own-config.ts";
import type { MachinePlaces } from "./machine.ts";
import { makeSeal, readSeal } from "./seal.ts";

const NOWHERE: MachinePlaces = { ofSystem: [], ofUser: undefined, ofStart: "" };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "rtcr-seal-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("S96: a key is made once, for its owner only, and says the same wherever it lies", (t) => {
  const path = folder(t);
  assert.equal(readSeal(path), undefined);
  const sealed = makeSeal(path)("a");
  assert.match(sealed, /^[0-9a-f]{64}$/);
  assert.equal(makeSeal(path)("a"), sealed);
  assert.notEqual(makeSeal(path)("b"), sealed);
  assert.equal(statSync(join(path, "key")).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path), ["key"]);
  const copy = folder(t);
  cpSync(path, copy, { recursive: true });
  assert.equal(readSeal(copy)?.("a"), sealed);
  assert.notEqual(makeSeal(folder(t))("a"), sealed);
});

test("S96: the same key seals otherwise on another machine", (t) => {
  const path = folder(t);
  makeSeal(path);
  const machines = ["1", "2"].map((text, index) => {
    const file = join(path, `machine-${index}`);
    writeFileSync(file, `${text.repeat(32)}\n`);
    return readSeal(path, { ...NOWHERE, ofSystem: [file] })?.("a");
  });
  assert.equal(new Set(machines).size, 2);
  assert.ok(machines.every((seal) => seal !== undefined));
});

test("S96: where the system has no identity, a key is of the user's machine, and moved with the state directory alone of none", (t) => {
  const [path, config, other] = [folder(t), folder(t), folder(t)];
  const start = join(path, "start");
  writeFileSync(start, "this start\n");
  const none = { ofSystem: [join(path, "none")], ofUser: join(config, "rtcr/machine-id"), ofStart: start };
  const sealed = makeSeal(path, none)("a");
  assert.match(readFileSync(none.ofUser, "utf8"), /^[0-9a-f]{32}\n$/);
  writeFileSync(start, "the next start\n");
  assert.equal(readSeal(path, none)?.("a"), sealed);
  const elsewhere = { ...none, ofUser: join(other, "rtcr/machine-id") };
  assert.notEqual(readSeal(path, elsewhere)?.("a"), sealed);
  assert.notEqual(makeSeal(path, elsewhere)("a"), sealed);
  assert.deepEqual(readdirSync(join(other, "rtcr")), ["machine-id"]);
});

test("S96: where nothing can be written either, a key is of this start of the system, and without that of nobody", (t) => {
  const path = folder(t);
  const start = join(path, "start");
  const none = { ofSystem: [], ofUser: join(start, "machine-id"), ofStart: start };
  writeFileSync(start, "this start\n");
  const sealed = makeSeal(path, none)("a");
  assert.equal(readSeal(path, none)?.("a"), sealed);
  writeFileSync(start, "the next start\n");
  assert.notEqual(readSeal(path, none)?.("a"), sealed);
  writeFileSync(start, "");
  assert.notEqual(makeSeal(path, none)("a"), sealed);
  assert.equal(readSeal(path, none), undefined);
});

for (const [what, seen, before] of [
  ["written", "the directory is not its owner's only", (path: string) => chmodSync(path, 0o770)],
  ["read", "the key is not", (path: string) => chmodSync(join(path, "key"), 0o644)],
] as const) {
  test(`S96: a key that others could have ${what} seals nothing: ${seen}`, (t) => {
    const path = folder(t);
    const sealed = makeSeal(path)("a");
    before(path);
    assert.equal(readSeal(path), undefined);
    assert.notEqual(makeSeal(path)("a"), sealed);
  });
}

test("S96: a key that others could read is replaced, one that others can write is not: it would be of no use", (t) => {
  const path = folder(t);
  makeSeal(path);
  chmodSync(join(path, "key"), 0o644);
  assert.equal(makeSeal(path)("a"), readSeal(path)?.("a"));
  assert.equal(statSync(join(path, "key")).mode & 0o777, 0o600);
  const key = readFileSync(join(path, "key"));
  chmodSync(path, 0o777);
  assert.equal(makeSeal(path)("a"), makeSeal(path)("a")); // this process's own
  assert.deepEqual(readFileSync(join(path, "key")), key);
});

const NOT_ROOT = process.getuid?.() !== 0 && "only root can give files away";
test("S96: another user's key seals nothing and is replaced, in another user's directory it stays", {
  skip: NOT_ROOT,
}, (t) => {
  const path = folder(t);
  const sealed = makeSeal(path)("a");
  chownSync(join(path, "key"), 1, 1);
  assert.equal(readSeal(path), undefined);
  assert.notEqual(makeSeal(path)("a"), sealed);
  assert.ok(readSeal(path));
  chownSync(path, 1, 1);
  assert.equal(readSeal(path), undefined);
});

for (const [what, left] of [
  ["make a key", undefined],
  ["replace a damaged key", "0".repeat(63)],
] as const) {
  test(`S96: processes that ${what} at the same time have the same one`, async (t) => {
    const path = folder(t);
    if (left !== undefined) writeFileSync(join(path, "key"), left);
    await sealedAlike(t, path);
    assert.deepEqual(readdirSync(path), left === undefined ? ["key"] : ["key", "lock"]);
  });
}

for (const [what, left] of [
  ["make an identity", undefined],
  ["replace a damaged identity", ""],
] as const) {
  test(`S96: processes that ${what} of the machine at the same time have the same one`, async (t) => {
    const [path, config] = [folder(t), folder(t)];
    const ofUser = join(config, "machine-id");
    if (left !== undefined) writeFileSync(ofUser, left);
    await sealedAlike(t, path, { ...NOWHERE, ofUser });
  });
}

async function sealedAlike(t: TestContext, path: string, machine?: MachinePlaces): Promise<void> {
  const seal = JSON.stringify(new URL("./seal.ts", import.meta.url).href);
  const script = `const { makeSeal } = await import(${seal}); process.stdin.once("data", () => {
    console.log(makeSeal(process.argv[1], ${JSON.stringify(machine)})("a")); process.exit(); }); console.log("ready");`;
  const processes = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script, "--", path], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  t.after(() => {
    for (const child of processes) child.kill("SIGKILL");
  });
  await Promise.all(processes.map(({ stdout }) => once(stdout, "data")));
  const sealed = processes.map(({ stdout }) => stdout.toArray());
  for (const { stdin } of processes) stdin.end("go");
  const found = (await Promise.all(sealed)).map((chunks) => chunks.join(""));
  assert.deepEqual(found, Array(4).fill(`${readSeal(path, machine)!("a")}\n`));
}

test("a key that a damaged disk has left is no key, and makes room for one", (t) => {
  const path = folder(t);
  for (const left of ["", "\0".repeat(65), "0".repeat(63)]) {
    writeFileSync(join(path, "key"), left);
    assert.equal(readSeal(path), undefined);
    assert.equal(makeSeal(path)("a"), readSeal(path)!("a"));
    assert.match(readFileSync(join(path, "key"), "utf8"), /^[0-9a-f]{64}\n$/);
  }
});
