// Checkpoints for tests: random ones from a seed, and small ones. Holds no test of its own; other tests import it.
import type { PlainData, SavedFrame, SavedInstance, SavedThread, SavedValue } from "../abi/index.ts";
import type { Checkpoint } from "./types.ts";

/** A generator of numbers below `bound` (mulberry32): the same seed gives the same numbers. */
export type Random = (bound: number) => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** Bytes of which whole units are zero, constant or random. */
export function randomBytes(random: Random, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let start = 0; start < sizeBytes; start += 65_536) {
    const kind = random(4);
    const end = Math.min(sizeBytes, start + 65_536);
    if (kind === 1) bytes.fill(1 + random(3), start, end);
    else if (kind > 1) for (let i = start; i < end; i += 1 + random(64)) bytes[i] = random(256);
  }
  return bytes;
}

function bits(random: Random, count: 32 | 64): bigint {
  const special = [0n, 1n, 0x7ff8000000000001n, 0xfff0000000000000n, 0x7fa00001n, 0xffffffffffffffffn, 1n << 63n];
  if (random(3) === 0) return BigInt.asUintN(count, special[random(special.length)]!);
  return BigInt.asUintN(count, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32)));
}

export function randomValue(random: Random, instances: number, depth = 0): SavedValue {
  const kind = random(depth > 3 ? 7 : 8);
  if (kind === 0) return { type: "i32", value: Number(BigInt.asIntN(32, bits(random, 32))) };
  if (kind === 1) return { type: "i64", value: BigInt.asIntN(64, bits(random, 64)) };
  if (kind === 2) return { type: "f32", bits: Number(bits(random, 32)) };
  if (kind === 3) return { type: "f64", bits: bits(random, 64) };
  if (kind === 4) return { type: "v128", hex: bits(random, 64).toString(16).padStart(32, "0") };
  if (kind === 5) return { type: "null" };
  const instance = random(instances);
  if (kind === 6) return { type: "func", instance, index: random(2000) };
  return { type: "exn", instance, tag: random(9), payload: randomValues(random, instances, depth + 1) };
}

function randomValues(random: Random, instances: number, depth = 0): SavedValue[] {
  const values: SavedValue[] = [];
  for (let left = random(8); left > 0; left--) {
    const value = randomValue(random, instances, depth);
    for (let copies = random(5) === 0 ? 1 + random(40) : 1; copies > 0; copies--) values.push(value);
  }
  return values;
}

const KEYS = [
  "a",
  "z",
  "10",
  "9",
  "__proto__",
  "constructor",
  "$bigint",
  "$$x",
  "$",
  "ä\u{1f600}",
  "",
  "toString",
  "\ud800",
];

export function randomPlain(random: Random, depth = 0): PlainData {
  const kind = random(depth > 4 ? 9 : 11);
  if (kind === 0) return null;
  if (kind === 1) return random(2) === 0;
  if (kind === 2) return [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, -1e300, 2 ** 53, 5e-324][random(8)]!;
  if (kind === 3) return KEYS[random(KEYS.length)]!;
  if (kind === 4) return -bits(random, 64) * bits(random, 64);
  if (kind === 5) return randomBytes(random, random(40));
  if (kind === 6) return randomBytes(random, [4096, 4097, 65_536, 70_000, 200_000][random(5)]!);
  if (kind < 9) return `text ${random(1000)}`;
  if (kind === 9) return Array.from({ length: random(6) }, () => randomPlain(random, depth + 1));
  const entries: [string, PlainData][] = [];
  for (let left = random(6); left > 0; left--)
    entries.push([KEYS[random(KEYS.length)]!, randomPlain(random, depth + 1)]);
  return Object.fromEntries(entries);
}

function randomInstance(random: Random, instances: number): SavedInstance {
  const pages = random(6);
  const sizes = [pages * 65_536, pages * 65_536, Math.max(0, pages * 65_536 - random(65_536))];
  return {
    module: bits(random, 64).toString(16).padStart(64, "0"),
    name: KEYS[random(KEYS.length)]!,
    memories: Array.from({ length: random(3) }, (_, index) => ({
      index,
      pages,
      content: randomBytes(random, sizes[random(3)]!),
    })),
    globals: Array.from({ length: random(5) }, (_, index) => ({
      index: index * 3,
      value: randomValue(random, instances),
    })),
    tables: Array.from({ length: random(3) }, (_, index) => ({
      index,
      elements: Array.from({ length: random(4) === 0 ? 3000 : 9 }, () => randomValue(random, instances, 4)),
    })),
    droppedData: Array.from({ length: random(4) }, (_, i) => i * 2),
    droppedElements: Array.from({ length: random(2) }, (_, i) => i),
  };
}

function randomThread(random: Random, id: number, instances: number): SavedThread {
  const frame = (): SavedFrame => ({
    kind: "wasm",
    instance: random(instances),
    function: random(100_000),
    position: random(5000),
    values: randomValues(random, instances),
  });
  const progress = random(2) === 0 ? {} : { progress: randomPlain(random) };
  const hostCall = {
    kind: "host",
    module: "wasi_snapshot_preview1",
    name: "poll_oneoff",
    args: randomValues(random, instances),
    ...progress,
  } as const;
  return {
    id,
    entry: { instance: random(instances), function: random(50), name: KEYS[random(KEYS.length)]! },
    frames: Array.from({ length: random(3) === 0 ? 400 : random(6) }, frame),
    ...(random(2) === 0 ? {} : { hostCall }),
    args: randomValues(random, instances),
  };
}

/** A checkpoint with something of everything. */
export function randomCheckpoint(random: Random): Checkpoint {
  const instances = 1 + random(3);
  const sessions = Array.from({ length: random(4) }, () => [KEYS[random(KEYS.length)]!, randomPlain(random)] as const);
  return {
    created: new Date(1_700_000_000_000 + random(2 ** 32)).toISOString(),
    name: `run-${random(10)}`,
    ...(random(2) === 0 ? {} : { parent: bits(random, 64).toString(16).padStart(64, "f") }),
    program: randomPlain(random),
    group: {
      abi: 1,
      instances: Array.from({ length: instances }, () => randomInstance(random, instances)),
      threads: Array.from({ length: random(4) }, (_, id) => randomThread(random, id, instances)),
    },
    sessions: Object.fromEntries(sessions),
    modules: {},
  };
}

/** A small checkpoint whose memory holds the given bytes, padded to whole Wasm pages. */
export function checkpointOf(name: string, bytes: Uint8Array): Checkpoint {
  const pages = Math.max(1, Math.ceil(bytes.length / 65_536));
  const content = new Uint8Array(pages * 65_536);
  content.set(bytes);
  return {
    created: "2026-11-23T12:00:00.000Z",
    name,
    program: { args: [name] },
    group: {
      abi: 1,
      instances: [
        {
          module: "5a".repeat(32),
          name: "main",
          memories: [{ index: 0, pages, content }],
          globals: [{ index: 0, value: { type: "i32", value: 66_560 } }],
          tables: [],
          droppedData: [],
          droppedElements: [],
        },
      ],
      threads: [],
    },
    sessions: {},
    modules: {},
  };
}
