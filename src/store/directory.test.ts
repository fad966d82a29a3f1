// The directory store under the common suite, with every codec; and its files: layout, sha256sum, damaged ones.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { webDeflate } from "./codec.ts";
import { openDirectory } from "./directory.ts";
import { nodeHost, openDirectoryStore } from "./directory-node.ts";
import { loadCheckpoint } from "./images.ts";
import { readIndex, readTrailer, type SegmentEntry } from "./segment-format.ts";
import { nodeHash, sample, save, storeSuite } from "./suite.test.ts";
import type { Store } from "./types.ts";

const waiting = { lockWaitMs: 300 };

async function scratch<T>(body: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), "rtcr-store-"));
  try {
    return await body(join(path, "store"));
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

for (const codec of ["none", "zstd", "deflate"] as const) {
  storeSuite(`directory, codec ${codec}`, async () => {
    const path = mkdtempSync(join(tmpdir(), "rtcr-store-"));
    const done = async (): Promise<void> => rmSync(path, { recursive: true, force: true });
    return { store: await openDirectoryStore(path, { ...waiting, codec }), done };
  });
}

/** The only file of a folder. */
function only(path: string, folder: string): string {
  const names = readdirSync(join(path, folder));
  assert.equal(names.length, 1, `${folder} holds ${names.join(", ")}`);
  return join(path, folder, names[0]!);
}

function entriesOf(segment: string): SegmentEntry[] {
  const bytes = readFileSync(segment);
  const place = readTrailer(bytes.subarray(-48), bytes.length, "segment");
  const name = segment.split("/").at(-1)!;
  return readIndex(bytes.subarray(place.offset, place.offset + place.sizeBytes), place, name, "segment", nodeHash);
}

test("F2: sha256sum verifies manifests, and pages in segments", () =>
  scratch(async (path) => {
    const store = await openDirectoryStore(path);
    await save(store, sample("run", 1));
    const manifest = only(path, "manifests");
    assert.equal(
      execFileSync("sha256sum", [manifest], { encoding: "utf8" }),
      `${manifest.split("/").at(-1)}  ${manifest}\n`,
    );
    const segment = only(path, "segments");
    const entries = entriesOf(segment);
    assert.equal(entries.length, 4);
    for (const { name, offset, storedBytes } of entries) {
      const command = `tail -c +${offset + 1} "$0" | head -c ${storedBytes} | sha256sum`;
      assert.equal(execFileSync("sh", ["-c", command, segment], { encoding: "utf8" }), `${name}  -\n`);
    }
    await store.close();
  }));

test("the layout is that of docs/FORMAT.md", () =>
  scratch(async (path) => {
    const store = await openDirectoryStore(path);
    const { root } = await save(store, sample("run", 1));
    assert.deepEqual(readdirSync(path).sort(), ["locks", "manifests", "roots", "segments", "store.json", "tmp"]);
    assert.equal(readFileSync(join(path, "store.json"), "utf8"), '{\n "$rtcr": "store",\n "format": 1\n}\n');
    assert.deepEqual(readdirSync(join(path, "roots")), [`0000000001.${root.id}.run`]);
    assert.deepEqual(readdirSync(join(path, "manifests")), [root.id]);
    assert.deepEqual([...readdirSync(join(path, "locks")), ...readdirSync(join(path, "tmp"))], []);
    await store.close();
  }));

test("a full segment is followed by another", () =>
  scratch(async (path) => {
    const store = await openDirectoryStore(path, { segmentBytes: 2 * 65_536 });
    const checkpoint = sample("run", 1, 7);
    await save(store, checkpoint);
    assert.equal(readdirSync(join(path, "segments")).length, 4); // 2 + 2 + 2 units, unit and node
    await store.close();
    assert.deepEqual(await loadCheckpoint(await openDirectoryStore(path), "latest"), checkpoint);
  }));

test("a store of another process is seen, and what gc has moved there is found", () =>
  scratch(async (path) => {
    const [mine, other] = [await openDirectoryStore(path), await openDirectoryStore(path)];
    const first = sample("first", 1, 6);
    const mixed = sample("mixed", 2, 6);
    mixed.group.instances[0]!.memories[0]!.content.set(
      first.group.instances[0]!.memories[0]!.content.subarray(0, 65_536),
    );
    const doomed = await save(mine, mixed);
    await save(mine, first); // its first unit lies in the segment of `mixed`
    assert.deepEqual(await loadCheckpoint(other, "first"), first);
    await other.close(); // else its open file would keep the old segment alive
    await mine.remove(doomed.root.id);
    assert.equal((await mine.gc()).rewrittenSegments, 1);
    assert.deepEqual(await loadCheckpoint(other, "first"), first);
    await mine.close();
    await other.close();
  }));

test("openDirectoryStore refuses what is no store", () =>
  scratch(async (path) => {
    await assert.rejects(openDirectoryStore(path, { create: false }), {
      code: "not-found",
      message: `store: there is none at ${path}, expected store.json in it`,
    });
    assert.equal(existsSync(path), false);
    mkdirSync(path);
    writeFileSync(join(path, "letter.txt"), "dear");
    await assert.rejects(openDirectoryStore(path), {
      code: "foreign",
      message: `store: ${path} holds "letter.txt" and no store.json, expected an rtcr store or an empty directory`,
    });
    assert.deepEqual(readdirSync(path), ["letter.txt"]);
    const mark = (text: string): void => writeFileSync(join(path, "store.json"), text);
    mark('{\n "$rtcr": "store",\n "format": 2\n}\n');
    await assert.rejects(openDirectoryStore(path), {
      code: "newer",
      message: `store: ${path} has format 2, this build reads 1; use a newer build`,
    });
    mark("{}");
    await assert.rejects(openDirectoryStore(path), {
      code: "foreign",
      message: /no mark of an rtcr store, expected "\{\\n/,
    });
    mark('{\n "$rtcr"');
    await assert.rejects(openDirectoryStore(path), { code: "truncated" });
    const file = join(path, "letter.txt");
    await assert.rejects(openDirectoryStore(file), { code: "io", message: /^store: ENOTDIR: .* while opening / });
  }));

/** Saves one checkpoint, spoils a file, and looks with a fresh store. */
function spoiled(spoil: (path: string) => void, look: (store: Store, id: string) => Promise<void>): Promise<void> {
  return scratch(async (path) => {
    const store = await openDirectoryStore(path, waiting);
    const { root } = await save(store, sample("run", 1));
    await store.close();
    spoil(path);
    const fresh = await openDirectoryStore(path, waiting);
    await look(fresh, root.id);
    await fresh.close();
  });
}

function patch(file: string, offset: number, bytes: number[]): void {
  const content = readFileSync(file);
  content.set(bytes, offset);
  writeFileSync(file, content);
}

function flip(file: string, offset: number): void {
  patch(file, offset, [readFileSync(file)[offset]! ^ 1]);
}

const cut = (file: string, by: number): void => truncateSync(file, readFileSync(file).length - by);

/** One line each: what is done to the only file of a folder, and how loading fails. */
const CASES: readonly [title: string, folder: string, spoil: (file: string) => void, code: string, message: RegExp][] =
  [
    [
      "a page with a flipped bit",
      "segments",
      (f) => flip(f, 20),
      "damaged",
      /^store: page [0-9a-f]{8} in segment [0-9a-f]{8} at byte 16 reads back as [0-9a-f]{8} \(65536 bytes\), expected [0-9a-f]{8}$/,
    ],
    [
      "a segment cut short",
      "segments",
      (f) => cut(f, 1),
      "missing",
      /^store: page [0-9a-f]{8} is missing, expected it in the store; 1 segments are unreadable, the first: store: segment [0-9a-f]{8} ends early, after \d+ bytes, expected its trailer there$/,
    ],
    [
      "a segment of 3 bytes",
      "segments",
      (f) => truncateSync(f, 3),
      "missing",
      /segment [0-9a-f]{8} ends early, after 3 bytes, expected its header there$/,
    ],
    [
      "an empty segment",
      "segments",
      (f) => truncateSync(f, 0),
      "missing",
      /ends early, after 0 bytes, expected its header there$/,
    ],
    [
      "a foreign segment",
      "segments",
      (f) => patch(f, 0, [65]),
      "missing",
      /segment [0-9a-f]{8} is no rtcr segment, expected it to begin with RTCRSEGM$/,
    ],
    [
      "a newer segment",
      "segments",
      (f) => patch(f, 8, [9]),
      "missing",
      /segment [0-9a-f]{8} has version 9, this build reads 1; use a newer build$/,
    ],
    [
      "a flipped bit in the index",
      "segments",
      (f) => flip(f, readFileSync(f).length - 60),
      "missing",
      /has an index of hash [0-9a-f]{8}, expected [0-9a-f]{8} in trailer and name$/,
    ],
    [
      "a lying count in the trailer",
      "segments",
      (f) => patch(f, readFileSync(f).length - 16, [255, 255, 255, 255]),
      "missing",
      /announces 4294967295 pages in \d+ bytes, expected room for its index$/,
    ],
    [
      "a missing segment",
      "segments",
      (f) => rmSync(f),
      "missing",
      /^store: page [0-9a-f]{8} is missing, expected it in the store$/,
    ],
    [
      "a manifest with a flipped bit",
      "manifests",
      (f) => flip(f, 50),
      "damaged",
      /^store: manifest [0-9a-f]{8} reads back as [0-9a-f]{8} \(\d+ bytes\), expected [0-9a-f]{8}$/,
    ],
    ["a manifest cut short", "manifests", (f) => cut(f, 5), "damaged", /^store: manifest [0-9a-f]{8} reads back as/],
    [
      "a missing manifest",
      "manifests",
      (f) => rmSync(f),
      "missing",
      /^store: manifest [0-9a-f]{8} is missing, expected it in the store$/,
    ],
    [
      "an empty root",
      "roots",
      (f) => truncateSync(f, 0),
      "truncated",
      /^store: root of [0-9a-f]{8} \(run\) ends early, after 0 bytes; publish the checkpoint again or remove it$/,
    ],
    ["a root cut short", "roots", (f) => cut(f, 2), "truncated", /ends early, after \d+ bytes; publish/],
    [
      "a root with a flipped bit",
      "roots",
      (f) => flip(f, 45),
      "damaged",
      /^store: root of [0-9a-f]{8} \(run\) differs from its name or check sum, expected both to fit; publish/,
    ],
    [
      "a foreign root",
      "roots",
      (f) => writeFileSync(f, "hello, I am something else\n"),
      "foreign",
      /is no rtcr root, expected it to begin as one; publish/,
    ],
    [
      "a newer root",
      "roots",
      (f) => writeFileSync(f, readFileSync(f, "utf8").replace('"format": 1', '"format": 2')),
      "newer",
      /has format 2, this build reads 1; publish/,
    ],
  ];

for (const [title, folder, spoil, code, message] of CASES) {
  test(`F5: ${title} is refused by name, and gc deletes nothing`, () =>
    spoiled(
      (path) => spoil(only(path, folder)),
      async (store, id) => {
        await assert.rejects(loadCheckpoint(store, "latest"), { code, message });
        const { faults } = await store.verify();
        assert.ok(
          faults.some((fault) => message.test(fault.message)),
          faults.join("\n"),
        );
        const page = title.startsWith("a page");
        if (!page) await assert.rejects(store.gc(), { message }); // gc reads nodes, a unit only when it moves it
        await save(store, sample("run", 1)); // heals: pages, manifest and root are written again where they are missing
        if (folder !== "roots") assert.deepEqual(await loadCheckpoint(store, "latest"), sample("run", 1));
        if (folder === "roots") await store.remove(id);
      },
    ));
}

test("a damaged copy does not hide a sound one", () =>
  scratch(async (path) => {
    const [one, two] = [await openDirectoryStore(path), await openDirectoryStore(path)];
    // Both begin before either has written: the pages are stored twice, in different order.
    const checkpoint = sample("run", 1);
    const pages = sample("x", 9, 1).group.instances[0]!.memories[0]!.content;
    await one.write(async (writer) => {
      await two.write((second) => second.putPages([{ name: nodeHash(pages), bytes: pages }, ...unitsOf(checkpoint)]));
      await writer.putPages(unitsOf(checkpoint));
    });
    await save(one, checkpoint);
    await Promise.all([one.close(), two.close()]);
    const segment = readdirSync(join(path, "segments")).map((name) => join(path, "segments", name));
    assert.ok(segment.length >= 2);
    const spoil = segment.find((file) => entriesOf(file).length === 4)!;
    flip(spoil, 16 + 65_536 + 5); // the second page: a unit that both have
    const fresh = await openDirectoryStore(path);
    assert.deepEqual(await loadCheckpoint(fresh, "latest"), checkpoint);
    await fresh.close();
  }));

for (const [what, spoil] of [
  ["a segment cut short", (file: string) => cut(file, 30)],
  ["a segment with a damaged index", (file: string) => flip(file, readFileSync(file).length - 60)],
  ["a damaged page", (file: string) => flip(file, 70_000)],
] as const) {
  test(`F5: ${what} that was put right is read again by whoever has noted it, when asked to verify`, () =>
    scratch(async (path) => {
      await save(await openDirectoryStore(path), sample("run", 1));
      const segment = only(path, "segments");
      const right = readFileSync(segment);
      spoil(segment);
      const store = await openDirectoryStore(path, waiting);
      const { pages, faults } = await store.verify();
      assert.ok(faults.length > 0);
      await assert.rejects(loadCheckpoint(store, "latest"));
      for (let time = 0; time < 2; time++) assert.ok((await store.verify()).faults.length > 0, "it is still damaged");
      writeFileSync(segment, right);
      const again = await store.verify();
      assert.deepEqual(again.faults, []);
      assert.ok(again.pages >= pages);
      assert.deepEqual(await loadCheckpoint(store, "latest"), sample("run", 1));
      await store.close();
    }));
}

function unitsOf(checkpoint: ReturnType<typeof sample>): { name: string; bytes: Uint8Array }[] {
  const { content } = checkpoint.group.instances[0]!.memories[0]!;
  return [0, 1, 2].map((unit) => {
    const bytes = content.subarray(unit * 65_536, (unit + 1) * 65_536);
    return { name: nodeHash(bytes), bytes };
  });
}

test("what browsers write with deflate is read by Node, and the other way round", () =>
  scratch(async (path) => {
    const web = { ...nodeHost, codecs: { deflate: webDeflate } };
    const browser = await openDirectory(web, path, { codec: "deflate" });
    const node = await openDirectoryStore(path, { codec: "deflate" });
    await save(browser, sample("web", 1));
    await save(node, sample("node", 2));
    assert.deepEqual(await loadCheckpoint(node, "web"), sample("web", 1));
    assert.deepEqual(await loadCheckpoint(browser, "node"), sample("node", 2));
    const zstd = await openDirectoryStore(path, { codec: "zstd" });
    const { image } = await save(zstd, sample("zstd", 3));
    await assert.rejects(loadCheckpoint(browser, image.id), {
      code: "damaged",
      message:
        /^store: page [0-9a-f]{8} in segment [0-9a-f]{8} at byte \d+ is stored with zstd, which this host cannot decode$/,
    });
    await Promise.all([browser.close(), node.close(), zstd.close()]);
  }));
