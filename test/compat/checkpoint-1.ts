// The checkpoint that is kept as format-1.json: something of everything that format 1 can hold. Never changed.
import type { SavedValue } from "../../src/abi/index.ts";
import type { Checkpoint } from "../../src/checkpoint/index.ts";

const content = new Uint8Array(3 * 65_536); // the second unit stays zero
content[17] = 42;
content.fill(7, 2 * 65_536 + 100, 2 * 65_536 + 200);

const file = new Uint8Array(5000).fill(97);
const module = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const moduleHash = "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476";

const values: readonly SavedValue[] = [
  { type: "i32", value: -1 },
  { type: "i64", value: -9_223_372_036_854_775_808n },
  { type: "f32", bits: 0x7fa00001 },
  { type: "f64", bits: 0x7ff4000000000001n },
  { type: "v128", hex: "000102030405060708090a0b0c0d0e0f" },
  { type: "null" },
  { type: "null" },
  { type: "func", instance: 0, index: 3 },
  { type: "exn", instance: 0, tag: 1, payload: [{ type: "i32", value: 7 }] },
];

export const checkpoint1: Checkpoint = {
  created: "2026-11-23T16:00:00.000Z",
  name: "compat",
  parent: "ab".repeat(32),
  program: { args: ["counter", "--to", "9"], env: { LANG: "C", __x: "" }, $dollar: true },
  group: {
    abi: 1,
    instances: [
      {
        module: moduleHash,
        name: "main",
        memories: [{ index: 0, pages: 3, content }],
        globals: values.map((value, index) => ({ index, value })),
        tables: [
          { index: 0, elements: Array.from({ length: 1500 }, (_, i) => ({ type: "func", instance: 0, index: i })) },
        ],
        droppedData: [0, 2],
        droppedElements: [1],
      },
    ],
    threads: [
      {
        id: 0,
        entry: { instance: 0, function: 2, name: "_start" },
        frames: [
          { kind: "wasm", instance: 0, function: 2, position: 12, values },
          { kind: "wasm", instance: 0, function: 5, position: 0, values: [] },
        ],
        hostCall: {
          kind: "host",
          module: "wasi_snapshot_preview1",
          name: "poll_oneoff",
          args: [{ type: "i32", value: 1024 }],
          progress: { leftNs: 12_345_678_901n, ready: [1, -0, Number.NaN], seen: new Uint8Array([1, 2, 3]) },
        },
        args: [],
      },
    ],
  },
  sessions: { clock: { offsetNs: -5n }, files: { "/tmp/a": file, __proto__x: null }, random: {} },
  modules: { [moduleHash]: module },
};
