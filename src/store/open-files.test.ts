// Files kept open: never more than the limit for long, never closed under a reader, each closed once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenFiles } from "./open-files.ts";

interface Watched {
  reading: number;
  closed: number;
}

function watched(): { files: OpenFiles; all: Watched[]; opened: () => number } {
  const all: Watched[] = [];
  const files = new OpenFiles(async (name) => {
    if (name === "none") throw Object.assign(new Error("none"), { code: "ENOENT" });
    const state = { reading: 0, closed: 0 };
    all.push(state);
    return {
      sizeBytes: async () => 0,
      read: async () => {
        assert.equal(state.closed, 0, "open while it is read");
        state.reading++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        assert.equal(state.closed, 0, "open until it was read");
        state.reading--;
        return new Uint8Array(0);
      },
      close: async () => {
        assert.equal(state.reading, 0, "nobody reads");
        assert.equal(++state.closed, 1, "closed once");
      },
    };
  });
  return { files, all, opened: () => all.filter(({ closed }) => closed === 0).length };
}

test("200 files read at once, over the limit, and all closed in the end", async () => {
  const { files, all, opened } = watched();
  const names = Array.from({ length: 600 }, (_, i) => `file-${i % 200}`);
  await Promise.all(names.map((name) => files.use(name, (file) => file.read(0, 1))));
  assert.ok(opened() <= 64, `${opened()} open`);
  await files.close();
  assert.equal(opened(), 0);
  assert.ok(all.length >= 200);
});

test("a file that cannot be opened, or read, is tried anew", async () => {
  const { files, all, opened } = watched();
  await assert.rejects(
    files.use("none", (file) => file.read(0, 1)),
    { code: "ENOENT" },
  );
  await assert.rejects(
    files.use("a", () => Promise.reject(new Error("bad"))),
    /bad/,
  );
  await files.use("a", (file) => file.read(0, 1));
  assert.equal(all.length, 2);
  await files.close();
  assert.equal(opened(), 0);
});
