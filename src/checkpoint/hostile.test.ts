// Threat: a manifest, a document or a page written by somebody else. Every field is spoiled once with its exact message,
// then all of them at random: the outcome is a checkpoint or one CheckpointFault. Limits are in limits.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointFault } from "./faults.ts";
import { ImageReader } from "./image-reader.ts";
import { encodeCheckpoint } from "./image-writer.ts";
import { CONTENT_BYTES, MANIFEST_BYTES } from "./limits.ts";
import { decodeManifest } from "./manifest.ts";
import { reachImage } from "./reach.ts";
import { checkpointOf, randomCheckpoint, randomOf } from "./samples.test.ts";
import { sha256 } from "./sha256.ts";
import type { Checkpoint } from "./types.ts";

function encode(checkpoint: Checkpoint): { manifest: Uint8Array; pages: Map<string, Uint8Array> } {
  const pages = new Map<string, Uint8Array>();
  const steps = encodeCheckpoint(checkpoint, { sha256 });
  for (;;) {
    const step = steps.next();
    if (step.done) return { manifest: step.value.manifest, pages };
    pages.set(step.value.name, step.value.bytes.slice());
  }
}

const base = ((): Checkpoint => {
  const plain = checkpointOf("run", new Uint8Array(70_000).fill(1));
  const [instance] = plain.group.instances;
  const tables = [
    { index: 0, elements: [{ type: "func", instance: 0, index: 7 } as const, { type: "null" } as const] },
  ];
  const frame = { kind: "wasm", instance: 0, function: 4, position: 9, values: [{ type: "i64", value: 5n }] } as const;
  const hostCall = { kind: "host", module: "wasi", name: "sleep", args: [], progress: { left: 5n } } as const;
  const thread = { id: 1, entry: { instance: 0, function: 4, name: "_start" }, frames: [frame], hostCall, args: [] };
  const group = { ...plain.group, instances: [{ ...instance!, tables, droppedData: [2] }], threads: [thread] };
  return { ...plain, group, sessions: { wasi: { clock: 12n, odd: Number.NaN, file: new Uint8Array(9000).fill(5) } } };
})();
const image = encode(base);
const text = new TextDecoder().decode(image.manifest);

const bytesOf = (json: string): Uint8Array => new TextEncoder().encode(json);

function read(manifest: Uint8Array, pages: ReadonlyMap<string, Uint8Array> = image.pages): Promise<Checkpoint> {
  const readPage = async (name: string): Promise<Uint8Array> => pages.get(name) ?? new Uint8Array(1);
  return new ImageReader(decodeManifest(manifest), readPage, { sha256 }).checkpoint();
}

async function refuses(manifest: Uint8Array, code: string, message: RegExp | string): Promise<void> {
  const expected = typeof message === "string" ? message : (found: string) => message.test(found);
  await assert.rejects(
    async () => read(manifest),
    (thrown) => {
      assert.ok(thrown instanceof CheckpointFault, String(thrown));
      if (typeof expected === "string") assert.equal(thrown.message, expected);
      else assert.ok(expected(thrown.message), thrown.message);
      assert.equal(thrown.code, code, thrown.message);
      return true;
    },
  );
}

test("the sample itself is read", async () => {
  assert.deepEqual(await read(image.manifest), base);
});

/** One line each: text of the manifest, what it is replaced by, and the message. */
const FIELDS: readonly [from: string | RegExp, to: string, message: string | RegExp, code?: string][] = [
  ['"format": 1', '"format": 2', "image: format 2, this build reads 1 to 1; restore it with a newer build", "newer"],
  [
    '"format": 1',
    '"format": 0',
    "image: format 0, this build reads 1 to 1; restore it with the build that wrote it",
    "older",
  ],
  ['"format": 1', '"format": "1"', /^image: manifest\.format is "1", expected an integer from 0 to /],
  ['"abi": 1', '"abi": 4', "image: abi 4, this build reads 1 to 1; restore it with a newer build", "newer"],
  ['"abi": 1', '"abi": 0', /^image: abi 0, this build reads 1 to 1/, "older"],
  ['"abi": 1', '"abi": 1.5', /^image: manifest\.abi is 1\.5, expected an integer/],
  [
    '"abi": 1',
    '"abi": 1,\n "added": {}',
    "image: manifest.added is an object (Object), expected no such field in this version",
  ],
  ['"abi": 1', '"abi": 1,\n "__proto__": 5', "image: manifest.__proto__ is 5, expected no such field in this version"],
  ['"checkpoint"', '"root"', /^image: no rtcr manifest/, "foreign"],
  [/"created": "[^"]*"/, '"created": "2026-02-31T00:00:00.000Z"', /^image: manifest\.created is "2026-02-31T/],
  ['"name": "run"', '"name": "../../etc/passwd"', 'image: manifest.name is "../../etc/passwd", expected a run name'],
  [
    '"name": "run"',
    '"name": "run",\n "parent": "xyz"',
    'image: manifest.parent is "xyz", expected 64 hexadecimal digits',
  ],
  [
    /"module": "5a/,
    '"module": "5A',
    /^image: manifest\.instances\[0\]\.module is "5A5a.*, expected 64 hexadecimal digits$/,
  ],
  ['"name": "main"', '"name": 5', "image: manifest.instances[0].name is 5, expected a string"],
  [
    '"pages": 2',
    '"pages": 1',
    "image: manifest.instances[0].memories[0].content.sizeBytes is 131072, expected at most 1 pages of 64 KiB",
  ],
  ['"pages": 2', '"pages": -1', /memories\[0\]\.pages is -1, expected an integer from 0 to 137438953472$/],
  ['"pages": 2', '"pages": 1e99', /memories\[0\]\.pages is 1e\+99, expected an integer/],
  [
    '"sizeBytes": 131072',
    `"sizeBytes": ${CONTENT_BYTES + 1}`,
    /content\.sizeBytes is 17179869185, expected an integer from 0 to 17179869184$/,
  ],
  [
    '"sizeBytes": 131072',
    '"sizeBytes": 65536',
    'image: instances[0].memories[0].content is "unit 0 of 64 bytes", expected 65536 bytes',
  ],
  [
    '"sizeBytes": 131072',
    '"sizeBytes": 131071',
    'image: instances[0].memories[0].content is "unit 1 of 65536 bytes", expected 65535 bytes',
  ],
  ['"sizeBytes": 131072', '"sizeBytes": 0', /content\.root is "[0-9a-f]{44}\.\.\., expected null$/],
  [/"root": "[0-9a-f]{64}"/, '"root": 5', /content\.root is 5, expected null or 64 hexadecimal digits$/],
  [
    /"root": "[0-9a-f]{64}"/,
    '"root": null, "x": 1',
    /is an object \(Object\), expected a content: sizeBytes and root$/,
  ],
  [
    '"i32 66560"',
    '"i32 4294967296"',
    /^image: instances\[0\]\.globals\[0\]\.value is "i32 4294967296", expected a value such as/,
  ],
  ['"i32 66560"', '"i32 1e3"', /globals\[0\]\.value is "i32 1e3", expected a value/],
  ['"i32 66560"', '"f64 0x10000000000000000"', /globals\[0\]\.value is "f64 0x1/],
  ['"i32 66560"', '"func 1/0"', 'image: instances[0].globals[0].value is "instance 1", expected an instance below 1'],
  ['"i32 66560"', '"null * 3"', /globals\[0\]\.value is "null \* 3", expected a value/],
  ['"i32 66560"', '{ "exn": [0, -1], "payload": [] }', /globals\[0\]\.value is an object \(Object\), expected a value/],
  [
    '"func 0/7"',
    '"null * 10000001"',
    /^image: instances\[0\]\.tables\[0\]\.elements is "10000001 values", expected at most 10000000$/,
  ],
  ['"func 0/7"', '"null * 0"', /elements\[0\] is "null \* 0", expected a value/],
  ['"func 0/7"', '"func 0/99999999999"', /elements\[0\] is "func 0\/99999999999", expected a value/],
  [
    '"droppedData": [\n    2\n   ]',
    '"droppedData": {}',
    "image: manifest.instances[0].droppedData is an object (Object), expected a list",
  ],
  [
    '"i64 5"',
    '"i64 18446744073709551616"',
    /^image: threads\[0\]\.frames\[0\]\.values\[0\] is "i64 18446744073709551616"/,
  ],
  ['"i64 5"', `"i64 ${"9".repeat(30)}"`, /frames\[0\]\.values\[0\] is "i64 9{30}", expected a value/],
  [
    '"position": 9',
    '"position": "9"',
    'image: threads[0].frames[0].position is "9", expected an integer from 0 to 4294967295',
  ],
  [
    '"position": 9',
    '"position": 9, "extra": null',
    "image: threads[0].frames[0].extra is null, expected no such field in this version",
  ],
  ['"name": "_start"', '"name": null', "image: threads[0].entry.name is null, expected a string"],
  [
    /"\$bigint": "5"/,
    '"$bigint": "5x"',
    /^image: threads\[0\]\.hostCall\.progress\.left is "\$bigint \\"5x\\"", expected plain data, or one of the tags/,
  ],
  [
    /"\$bigint": "12"/,
    '"$bigint": "12", "b": 1',
    /^image: sessions\.wasi\.clock is .*, expected plain data, or one of the tags/,
  ],
  ['"$number": "NaN"', '"$number": "5"', /^image: sessions\.wasi\.odd is .*, expected plain data, or one of the tags/],
  ['"$number"', '"$function"', /^image: sessions\.wasi\.odd is .*, expected plain data, or one of the tags/],
  [
    '"sizeBytes": 9000',
    '"sizeBytes": 9001',
    'image: sessions.wasi.file is "unit 0 of 9000 bytes", expected 9001 bytes',
  ],
  [/"sessions": \{/, '"sessions": [],\n "x": {', "image: manifest.sessions is a list of 0, expected an object"],
  [
    /"threads": \[/,
    '"threads": {}, "x": [',
    "image: manifest.x is a list of 1, expected no such field in this version",
  ],
  [
    /"modules": \{\}/,
    '"modules": {"q": null}',
    "image: manifest.modules.q is null, expected a module under its SHA-256, 64 hexadecimal digits",
  ],
];

for (const [from, to, message, code] of FIELDS) {
  test(`F9: ${String(from)} as ${to.slice(0, 60)}`, async () => {
    const spoiled = text.replace(from, () => to);
    assert.notEqual(spoiled, text, "the field is there");
    await refuses(bytesOf(spoiled), code ?? "damaged", message);
  });
}

test("foreign, truncated and damaged bytes", async () => {
  const foreign = 'image: no rtcr manifest, expected it to begin with {"$rtcr": "checkpoint"';
  await refuses(bytesOf("#!/bin/sh\n"), "foreign", foreign);
  await refuses(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]), "foreign", foreign);
  await refuses(new Uint8Array(0), "truncated", "image: manifest ends early, after 0 bytes; fetch the image again");
  for (let length = 1; length < image.manifest.length - 1; length += 7) {
    await refuses(
      image.manifest.subarray(0, length),
      "truncated",
      `image: manifest ends early, after ${length} bytes; fetch the image again`,
    );
  }
  await refuses(
    bytesOf(text.replace(",\n", "\n")),
    "damaged",
    /^image: manifest is not JSON \(.*\), expected it as it was written$/s,
  );
});

test("the size of a manifest is limited, just below is read", async () => {
  const fill = (size: number): Uint8Array => bytesOf(text.replace("\n}\n", `${" ".repeat(size - text.length)}\n}\n`));
  assert.ok(decodeManifest(fill(MANIFEST_BYTES)));
  await refuses(
    fill(MANIFEST_BYTES + 1),
    "limit",
    `image: a manifest of ${MANIFEST_BYTES + 1} bytes, expected at most ${MANIFEST_BYTES}`,
  );
});

test("nesting is limited: 500 is read, 501 and a million are refused", async () => {
  const nested = (depth: number): Uint8Array =>
    bytesOf(text.replace(/"program": \{[^}]*\}/, () => `"program": ${"[".repeat(depth)}${"]".repeat(depth)}`));
  assert.ok(await read(nested(500)));
  await refuses(nested(502), "damaged", /expected nesting of at most 500$/);
  await refuses(nested(1_000_000), "damaged", /expected nesting of at most 500$/);
  await assert.rejects(
    reachImage(nested(1_000_000), async () => new Uint8Array(1), { pages: new Set(), nodes: new Set() }),
    CheckpointFault,
  );
});

test("memories that together ask for more than an image may hold are refused before they are allocated", async () => {
  const memory = (index: number): string =>
    `{"content": {"root": null, "sizeBytes": ${CONTENT_BYTES}}, "index": ${index}, "pages": 262144}`;
  const five = Array.from({ length: 5 }, (_, i) => memory(i)).join();
  const spoiled = text.replace(/"memories": \[[^\]]*\]/, () => `"memories": [${five}]`);
  const reader = new ImageReader(decodeManifest(bytesOf(spoiled)), async () => new Uint8Array(1), {
    allocate: () => new Uint8Array(0),
  });
  await assert.rejects(reader.group(), {
    code: "limit",
    message: "image: instances[0].memories[4].content has 17179869184 bytes, expected at most 0",
  });
});

test("the same index twice is refused", async () => {
  const memory = '{"content": {"root": null, "sizeBytes": 0}, "index": 3, "pages": 0}';
  const spoiled = text.replace(/"memories": \[[^\]]*\]/, () => `"memories": [${memory}, ${memory}]`);
  await refuses(
    bytesOf(spoiled),
    "damaged",
    "image: manifest.instances[0].memories[1].index is 3, expected each index once",
  );
});

test("pages of the wrong length, and nodes that are none, are refused", async () => {
  const wide = encode(checkpointOf("run", new Uint8Array(5 * 65_536).fill(3)));
  for (const [name, page] of wide.pages) {
    const spoiled = new Map(wide.pages).set(name, page.subarray(1));
    await assert.rejects(read(wide.manifest, spoiled), {
      code: "damaged",
      message: /(unit \d of 65535|a node of 159) bytes/,
    });
  }
});

test("a property called __proto__ is data and touches no prototype", async () => {
  const data = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 2}}');
  const { manifest, pages } = encode({ ...base, program: data, sessions: JSON.parse('{"__proto__": {"x": 1}}') });
  const back = await read(manifest, pages);
  assert.deepEqual(back.program, data);
  assert.deepEqual(Object.keys(back.sessions), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(back.sessions), Object.prototype);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("random damage gives a checkpoint or one CheckpointFault (2,000 seeds)", async () => {
  let refused = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const random = randomOf(seed);
    const source = seed % 40 === 0 ? encode(small(randomCheckpoint(random))) : image;
    const bytes = source.manifest.slice();
    for (let edits = 1 + random(3); edits > 0; edits--) spoil(bytes, random);
    const pages = new Map(source.pages);
    if (random(2) === 0) for (const [name, page] of pages) if (random(3) === 0) pages.set(name, damaged(page, random));
    try {
      await read(bytes, pages);
      await reachImage(bytes, async (name) => pages.get(name) ?? new Uint8Array(1), {
        pages: new Set(),
        nodes: new Set(),
      });
    } catch (thrown) {
      assert.ok(thrown instanceof CheckpointFault, `seed ${seed}: ${(thrown as Error).stack}`);
      refused++;
    }
  }
  assert.ok(refused > 500 && refused < 2000, `${refused} refused`);
});

/** Without large memories: two thousand rounds must stay cheap. */
function small(checkpoint: Checkpoint): Checkpoint {
  const instances = checkpoint.group.instances.map((instance) => ({ ...instance, memories: [] }));
  return { ...checkpoint, group: { ...checkpoint.group, instances } };
}

const TOKENS = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "-",
  "9",
  "e",
  "null",
  '"$content"',
  '"$document"',
  '"__proto__"',
  "1e9",
];

function spoil(bytes: Uint8Array, random: (bound: number) => number): void {
  const at = random(bytes.length - 40);
  const kind = random(3);
  if (kind === 0) bytes[at] = random(256);
  else if (kind === 1) bytes.set(bytesOf(TOKENS[random(TOKENS.length)]!), at);
  else bytes.copyWithin(at, random(bytes.length - 40), random(bytes.length));
}

function damaged(page: Uint8Array, random: (bound: number) => number): Uint8Array {
  const copy = page.slice(0, random(2) === 0 ? page.length : random(page.length));
  if (copy.length > 0) copy[random(copy.length)] = random(256);
  return copy;
}
