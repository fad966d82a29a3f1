// Checkpoints from strangers in a store, sound by their hashes: what looks at them says what is wrong with exit code 4, or
// shows them; nothing in them acts on a terminal, and the verbs that concern other checkpoints go on working.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlainData } from "../../src/abi/index.ts";
import { type Checkpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { nested1 } from "../compat/nested-1.ts";
import { forgeries } from "../support/forge.ts";
import { cli, counter, folder, Guest } from "./support.ts";

type Context = Parameters<typeof folder>[0];

/** Saves a checkpoint over what the store had under its name; the id. */
async function keep(home: string, checkpoint: Checkpoint): Promise<string> {
  const store = await openDirectoryStore(`${home}/store`);
  try {
    return (await saveCheckpoint(store, checkpoint, { sha256: nodeSha256 })).root.id;
  } finally {
    await store.close();
  }
}

/** A checkpoint of a program with files in memory, as `rtcr run` makes it. */
async function sample(t: Context, home: string): Promise<Checkpoint> {
  const guest = new Guest(t, home, "run", "--name", "counter", "--memory-fs", counter(home));
  guest.send("x");
  await guest.says("1\n");
  assert.equal((await cli(home, "checkpoint", "--stop", "counter")).code, 0);
  assert.equal(await guest.ended, 0);
  const store = await openDirectoryStore(`${home}/store`);
  const checkpoint = await loadCheckpoint(store, "counter", { sha256: nodeSha256 });
  await store.close();
  return checkpoint;
}

/** What each verb makes of a checkpoint: shown or damaged, and in what form. */
async function looksAt(home: string, id: string, change: string, verbs: readonly (readonly string[])[]) {
  const codes = new Set<number>();
  for (const verb of verbs) {
    const { code, out, err } = await cli(home, ...verb.map((word) => (word === "ID" ? id : word)));
    const what = `${change}: ${verb.join(" ")}: ${err || out}`;
    assert.ok(code === 0 || code === 4, `exit code ${code}, ${what}`);
    assert.doesNotMatch(err, /unexpected/, what);
    assert.match(err, code === 0 || verb[0] === "verify" ? /^$/ : /^error: [^\n]+\n(hint: .*\n)?$/, what);
    assert.doesNotMatch(out + err, /[^\P{Cc}\n\t]/u, what);
    if (verb.includes("--json") && code === 0) JSON.parse(out);
    codes.add(code);
  }
  return codes;
}

/** Keeps every n-th forgery of a part and looks at it; how often that is sound, and damaged. */
async function forge(home: string, part: unknown, take: number, whole: (part: never) => Checkpoint, verbs: string[][]) {
  const all = [...forgeries(part)];
  const step = Math.max(1, Math.floor(all.length / take));
  const seen = { sound: 0, damaged: 0 };
  for (let i = step >> 1; i < all.length; i += step) {
    const { change, value } = all[i]!;
    const id = await keep(home, whole(value as never)).catch((thrown: unknown) => {
      assert.equal((thrown as { code?: unknown }).code, "unsavable", `${change}: ${thrown}`);
    });
    if (id === undefined) continue;
    const codes = await looksAt(home, id, change, verbs);
    seen[codes.has(4) ? "damaged" : "sound"]++;
  }
  return seen;
}

const SHOW = [
  ["inspect", "ID"],
  ["inspect", "--json", "ID"],
  ["verify", "ID"],
];

test("F9: a program's record and its sessions, forged, under inspect and verify", async (t) => {
  const home = folder(t);
  const checkpoint = await sample(t, home);
  const record = await forge(home, checkpoint.program, 120, (program) => ({ ...checkpoint, program }), SHOW);
  assert.ok(record.damaged > 20 && record.sound > 10, JSON.stringify(record));
  const whole = (wasi: PlainData) => ({ ...checkpoint, sessions: { wasi } });
  const sessions = await forge(home, checkpoint.sessions["wasi"], 120, whole, SHOW);
  assert.ok(sessions.damaged > 50 && sessions.sound > 3, JSON.stringify(sessions));
  const [listed, collected] = [await cli(home, "list"), await cli(home, "gc", "--dry-run")];
  assert.deepEqual([listed.code, collected.code], [0, 4], "nothing is deleted while somebody's checkpoint is unclear");
});

test("F9: records of components, forged, under inspect, verify and diff", async (t) => {
  const home = folder(t);
  const checkpoint = toCheckpoint(nested1);
  const sound = await keep(home, { ...checkpoint, name: "sound" });
  const whole = (sessions: Checkpoint["sessions"]) => ({ ...checkpoint, sessions });
  const verbs = [...SHOW, ["diff", sound, "ID"], ["diff", "--json", "ID", sound], ["list", "--json"]];
  const seen = await forge(home, checkpoint.sessions, 150, whole, verbs);
  assert.ok(seen.damaged > 40 && seen.sound > 40, JSON.stringify(seen));
});

test("F9: a module that is none, though its hash is right", async (t) => {
  const home = folder(t);
  const checkpoint = await sample(t, home);
  const garbage = new TextEncoder().encode("no module");
  const hash = nodeSha256(garbage);
  const instances = checkpoint.group.instances.map((instance) => ({ ...instance, module: hash }));
  const record = { ...(checkpoint.program as object), module: { hash, sizeBytes: garbage.length } };
  await keep(home, {
    ...checkpoint,
    group: { ...checkpoint.group, instances },
    program: record,
    modules: { [hash]: garbage },
  });
  for (const verb of ["inspect", "restore"]) {
    const { code, err } = await cli(home, verb, "latest");
    assert.equal(code, 4, err);
    assert.match(err, /^error: .*malformed module: byte 0: expected .*\n(hint: rtcr verify\n)?$/);
  }
});
