// Images: what is read is what was written, increments share pages, names are SHA-256.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CheckpointFault } from "./faults.ts";
import { ImageReader } from "./image-reader.ts";
import { type EncodedImage, type EncodeOptions, encodeCheckpoint, unitsKey } from "./image-writer.ts";
import { decodeManifest } from "./manifest.ts";
import { reachImage } from "./reach.ts";
import { checkpointOf, randomBytes, randomCheckpoint, randomOf } from "./samples.test.ts";
import { sha256 } from "./sha256.ts";
import type { Checkpoint } from "./types.ts";

const nodeHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Image extends EncodedImage {
  readonly pages: ReadonlyMap<string, Uint8Array>;
}

function encode(checkpoint: Checkpoint, options: Partial<EncodeOptions> = {}): Image {
  const pages = new Map<string, Uint8Array>();
  const steps = encodeCheckpoint(checkpoint, { sha256: nodeHash, ...options });
  for (;;) {
    const step = steps.next();
    if (step.done) return { ...step.value, pages };
    pages.set(step.value.name, step.value.bytes.slice());
  }
}

function reader(image: Image): ImageReader {
  return new ImageReader(decodeManifest(image.manifest), async (name) => {
    const bytes = image.pages.get(name);
    assert.ok(bytes, `page ${name} exists`);
    return bytes;
  });
}

test("F10: random checkpoints read back bit for bit", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const checkpoint = randomCheckpoint(randomOf(seed));
    const image = encode(checkpoint);
    assert.deepEqual(await reader(image).checkpoint(), checkpoint, `seed ${seed}`);
  }
});

test("F6: the same checkpoint gives the same bytes, with either SHA-256, whatever the order of properties", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const checkpoint = randomCheckpoint(randomOf(seed));
    const first = encode(checkpoint);
    const shuffled = Object.fromEntries(Object.entries(checkpoint).reverse()) as unknown as Checkpoint;
    const second = encode(shuffled, { sha256 });
    assert.deepEqual(second.manifest, first.manifest, `seed ${seed}`);
    assert.deepEqual([...second.pages.keys()].sort(), [...first.pages.keys()].sort());
  }
});

test("F2: names are the SHA-256 of the bytes; F7: zeros are no pages", () => {
  const image = encode(randomCheckpoint(randomOf(3)));
  assert.equal(image.id, nodeHash(image.manifest));
  for (const [name, bytes] of image.pages) {
    assert.equal(name, nodeHash(bytes));
    assert.ok(bytes.some((byte) => byte !== 0));
  }
  assert.equal(encode(checkpointOf("zeros", new Uint8Array(40 * 65_536))).pages.size, 0);
});

test("F8: an increment has the changed unit, the nodes above it and a manifest", () => {
  const bytes = new Uint8Array(300 * 65_536);
  for (let unit = 0; unit < 300; unit++) bytes[unit * 65_536] = 1 + (unit % 250);
  const first = encode(checkpointOf("run", bytes));
  bytes[270 * 65_536 + 77] = 9;
  const second = encode(checkpointOf("run", bytes));
  const fresh = [...second.pages].filter(([name]) => !first.pages.has(name)).map(([, page]) => page.length);
  assert.deepEqual(
    fresh.sort((a, b) => a - b),
    [64, 44 * 32, 65_536],
  ); // root of two nodes, second node, unit
});

test("units that are known not to have changed are not hashed, and give the same image", () => {
  const bytes = randomBytes(randomOf(9), 100 * 65_536);
  const first = encode(checkpointOf("run", bytes));
  bytes[50 * 65_536] = 0xa5;
  let hashed = 0;
  const counting = (page: Uint8Array): string => {
    hashed++;
    return nodeHash(page);
  };
  const names = first.units.get(unitsKey(0, 0))!;
  const second = encode(checkpointOf("run", bytes), {
    sha256: counting,
    knownUnit: (_instance, _memory, unit) => (unit === 50 ? undefined : names[unit]),
  });
  assert.equal(hashed, 3); // unit, node, manifest
  assert.deepEqual(second.manifest, encode(checkpointOf("run", bytes)).manifest);
});

test("what an image reaches is exactly the pages that were written for it", async () => {
  for (let seed = 100; seed < 112; seed++) {
    const image = encode(randomCheckpoint(randomOf(seed)));
    const reached = { pages: new Set<string>(), nodes: new Set<string>() };
    await reachImage(image.manifest, async (name) => image.pages.get(name)!, reached);
    assert.deepEqual([...reached.pages].sort(), [...image.pages.keys()].sort(), `seed ${seed}`);
  }
});

test("a unit with the bytes of a node does not hide the node's subtree", async () => {
  const memory = new Uint8Array(3 * 65_536).fill(7, 65_536);
  const plain = checkpointOf("run", memory);
  const node = [...encode(plain).pages.values()].find((page) => page.length === 96)!;
  const file = new Uint8Array(8192); // longer than what stands in the manifest, ends as the node does
  file.set(node);
  const twice = { ...plain, modules: { [nodeHash(node)]: node }, sessions: { file } };
  const image = encode(twice);
  const reached = { pages: new Set<string>(), nodes: new Set<string>() };
  await reachImage(image.manifest, async (name) => image.pages.get(name)!, reached);
  assert.deepEqual([...reached.pages].sort(), [...image.pages.keys()].sort());
});

test("carried modules are read and their hash is checked", async () => {
  const module = randomBytes(randomOf(4), 100_000);
  const image = encode({ ...checkpointOf("run", new Uint8Array(0)), modules: { [nodeHash(module)]: module } });
  assert.deepEqual(await reader(image).module(nodeHash(module)), module);
  const wrong = encode({ ...checkpointOf("run", new Uint8Array(0)), modules: { ["0".repeat(64)]: module } });
  await assert.rejects(reader(wrong).module("0".repeat(64)), {
    code: "damaged",
    message: /^image: modules\["0{44}\.\.\.\] is "a module of SHA-256 /,
  });
});

test("memories are read into the bytes that the caller gives", async () => {
  const image = encode(checkpointOf("run", new Uint8Array(70_000).fill(3)));
  const arena = new Uint8Array(new SharedArrayBuffer(1 << 20));
  const given = new ImageReader(decodeManifest(image.manifest), async (name) => image.pages.get(name)!, {
    allocate: (sizeBytes, instance, memory) => arena.subarray(instance + memory, sizeBytes),
  });
  const group = await given.group();
  assert.equal(group.instances[0]!.memories[0]!.content.buffer, arena.buffer);
  assert.equal(arena[69_999], 3);
});

test("contents of sessions are read into the bytes that the caller gives, documents are not", async () => {
  const content = new Uint8Array(300_000).fill(3);
  const sessions = { wasi: { content, long: "x".repeat(100_000) } };
  const image = encode({ ...checkpointOf("run", new Uint8Array(0)), sessions });
  const given: Uint8Array[] = [];
  const allocateContent = (sizeBytes: number) => {
    given.push(new Uint8Array(new SharedArrayBuffer(sizeBytes)));
    return given.at(-1)!;
  };
  const readPage = async (name: string) => image.pages.get(name)!;
  const session = await new ImageReader(decodeManifest(image.manifest), readPage, { allocateContent }).session("wasi");
  assert.equal(given.length, 1);
  assert.deepEqual(session, { ...sessions.wasi, content: given[0]! });
  assert.ok(given[0]!.every((byte) => byte === 3));
});

test("the manifest is text to be read", () => {
  const text = new TextDecoder().decode(encode(checkpointOf("counter", new Uint8Array(5).fill(1))).manifest);
  assert.match(
    text,
    /^\{\n "\$rtcr": "checkpoint",\n "abi": 1,\n "created": "2026-11-23T12:00:00.000Z",\n "format": 1,\n/,
  );
  assert.match(text, /"value": "i32 66560"/);
  assert.ok(text.endsWith("\n}\n"));
});

test("what cannot be saved is refused by its path", () => {
  const base = checkpointOf("run", new Uint8Array(1));
  const refuses = (change: object, message: RegExp): void => {
    assert.throws(
      () => encode({ ...base, ...change }),
      (thrown) => {
        assert.ok(thrown instanceof CheckpointFault);
        assert.equal(thrown.code, "unsavable");
        assert.match(thrown.message, message);
        return true;
      },
    );
  };
  refuses({ program: { f: () => 1 } }, /^image: program\.f is a function, expected plain data$/);
  refuses({ program: [1, new Map()] }, /^image: program\[1\] is an object \(Map\), expected plain data$/);
  refuses(
    { sessions: { wasi: { when: new Date(0) } } },
    /^image: sessions\.wasi\.when is an object \(Date\), expected/,
  );
  refuses({ name: "../x" }, /^image: manifest\.name is "\.\.\/x", expected a run name$/);
  refuses({ created: "yesterday" }, /^image: manifest\.created is "yesterday", expected a time such as/);
  const thread = {
    id: 0,
    entry: { instance: 0, function: 0, name: "f" },
    frames: [],
    args: [{ type: "f32", bits: -1 }],
  };
  refuses(
    { group: { ...base.group, threads: [thread] } },
    /^image: threads\[0\]\.args\[0\] is "f32" -1, expected a saved value/,
  );
  const odd = { ...thread, args: [], id: Number.NaN };
  refuses({ group: { ...base.group, threads: [odd] } }, /^image: threads\[0\]\.id is NaN, expected an integer/);
  let deep: unknown = 1;
  for (let i = 0; i < 600; i++) deep = [deep];
  refuses({ program: deep }, /expected nesting of at most 500$/);
});

test("large stacks and tables move out of the manifest and share pages", () => {
  const base = checkpointOf("run", new Uint8Array(1));
  const frame = (i: number) =>
    ({ kind: "wasm", instance: 0, function: i % 700, position: i, values: [{ type: "i32", value: i }] }) as const;
  const withFrames = (count: number): Checkpoint => {
    const frames = Array.from({ length: count }, (_, i) => frame(i));
    const thread = { id: 0, entry: { instance: 0, function: 0, name: "f" }, frames, args: [] };
    return { ...base, group: { ...base.group, threads: [thread] } };
  };
  const first = encode(withFrames(20_000));
  const second = encode(withFrames(20_001));
  assert.ok(first.manifest.length < 2000);
  const fresh = [...second.pages.keys()].filter((name) => !first.pages.has(name));
  assert.ok(fresh.length <= 3, `${fresh.length} new pages for one frame more`);
});
