// Optional fields do not raise FORMAT_VERSION (docs/FORMAT.md, Versions): a build that does not know one refuses the image
// and names it, wherever it stands; an image without them reads as before there were any.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nested1 } from "../../test/compat/nested-1.ts";
import { system1 } from "../../test/compat/system-1.ts";
import type { PlainData } from "../abi/index.ts";
import { CheckpointFault, damagedField } from "./faults.ts";
import { record, text } from "./shapes.ts";
import { fromCheckpoint, type SystemCheckpoint, toCheckpoint } from "./system.ts";
import type { Checkpoint } from "./types.ts";

/** What is other layers' to read. */
const PLAIN = /\.(state|instance)$/;

/** Every record in `data`, with one field more. */
function* extended(data: PlainData, path: string): Generator<{ readonly at: string; readonly data: PlainData }> {
  if (data === null || typeof data !== "object" || data instanceof Uint8Array || PLAIN.test(path)) return;
  if (Array.isArray(data)) {
    for (const [i, item] of (data as readonly PlainData[]).entries()) {
      for (const each of extended(item, `${path}[${i}]`)) yield { at: each.at, data: data.with(i, each.data) };
    }
    return;
  }
  const fields = data as { readonly [key: string]: PlainData };
  yield { at: path, data: { ...fields, later: 1 } };
  for (const [key, item] of Object.entries(fields)) {
    for (const each of extended(item, `${path}.${key}`)) yield { at: each.at, data: { ...fields, [key]: each.data } };
  }
}

test("F9: a field that this build does not know is refused by its path, in every record", () => {
  const checkpoint = toCheckpoint(nested1);
  let records = 0;
  for (const { at, data } of extended(checkpoint.sessions as PlainData, "sessions")) {
    const forged = { ...checkpoint, sessions: data as Checkpoint["sessions"] };
    const { message } = damagedField(`${at}.later`, 1, "no such field in this version");
    assert.throws(() => fromCheckpoint(forged), { code: "damaged", message });
    records++;
  }
  assert.ok(records > 40, `${records} records`);
});

test("F9: a build from before a field refuses an image with it by name, and reads one without it", () => {
  // As a build whose shape has not `place` would read a thread.
  const before = record<{ name: string }>({ name: text });
  assert.throws(() => before({ name: "ep", place: { ahead: 0, rank: 0 } }, "sessions.children[0].cpu.threads[0]"), {
    name: CheckpointFault.name,
    message:
      "image: sessions.children[0].cpu.threads[0].place is an object (Object), expected no such field in this version",
  });
  assert.deepEqual(before({ name: "ep" }, "thread"), { name: "ep" });
});

test("S115: an image from before the optional fields has none of them when it is read", () => {
  const names = (system: SystemCheckpoint): ReadonlySet<string> => {
    const found = new Set<string>();
    JSON.stringify(fromCheckpoint(toCheckpoint(system)).children, (name, value: unknown) => {
      found.add(name);
      return typeof value === "bigint" || value instanceof Uint8Array ? null : value;
    });
    return found;
  };
  const [old, later] = [names(system1), names(nested1)];
  for (const field of ["native", "servedBadges", "components", "cpus"]) {
    assert.deepEqual([old.has(field), later.has(field)], [false, true], field);
  }
  for (const field of ["place", "told"]) assert.equal(old.has(field), false, field);
});
