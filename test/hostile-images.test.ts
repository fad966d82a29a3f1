// Images from strangers: a program's manifest with any one value forged is refused with one fault, or what it describes
// is restored and runs on, frozen at every safe point for a while; nothing else is thrown, and nothing hangs.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  canonicalJson,
  decodeManifest,
  encodeCheckpoint,
  ImageReader,
  type Manifest,
} from "../src/checkpoint/index.ts";
import { createFileSystem } from "../src/core/files/index.ts";
import { createCountingClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../src/core/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { WasiProgram } from "../src/machine/index-node.ts";
import type { ProgramSessions } from "../src/session/index.ts";
import { nodeSha256 } from "../src/store/index-node.ts";
import { Fault } from "../src/util/index.ts";
import { type SessionStates, sessionStates } from "../src/wasi/index.ts";
import { assemble } from "./assemble.ts";
import { forgedJson } from "./support/forge.ts";

const MODULE = assemble(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 3 funcref)
  (elem $e func $work $sleep)
  (data $d "abc")
  (global $turns (mut i32) (i32.const 0))
  (global $sum (mut f64) (f64.const 1.5))
  (global $f (mut funcref) (ref.null func))
  (type $unary (func (param i32) (result i32)))
  (func $sleep (type $unary)
    (i64.store (i32.const 128) (i64.const 7))
    (i64.store (i32.const 152) (i64.const 1000))
    (i32.store (i32.const 144) (i32.const 1))
    (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 300)))
  (func $work (type $unary) (local $v v128) (local $r funcref)
    (local.set $r (ref.func $sleep))
    (loop $next
      (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
      (global.set $sum (f64.add (global.get $sum) (f64.const 0.5)))
      (if (i32.eqz (i32.rem_u (global.get $turns) (i32.const 3)))
        (then (drop (i32.add (i32.const 5) (call_indirect (type $unary) (local.get 0) (i32.const 1))))))
      (table.set $t (i32.const 2) (local.get $r))
      (br_if $next (i32.lt_u (global.get $turns) (i32.const 40))))
    (i32x4.extract_lane 0 (local.get $v)))
  (func (export "_start")
    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
    (elem.drop $e)
    (memory.init $d (i32.const 8) (i32.const 0) (i32.const 3))
    (data.drop $d)
    (global.set $f (ref.func $work))
    (drop (i32.add (i32.const 9) (call_indirect (type $unary) (i32.const 1) (i32.const 0))))))`);

const program = loadProgram(MODULE, nodeSha256(MODULE), { mostTurns: 1 });

function sessions(states: SessionStates = {}): ProgramSessions {
  const output = createMemoryOutput(() => {});
  return {
    program: { args: ["program"], environment: [] },
    clock: createCountingClock(states.clock),
    random: createSeededRandom(1n, states.random),
    files: createFileSystem([], states.files),
    stdin: createMemoryInput({ ...(states.stdin === undefined ? {} : { state: states.stdin }) }),
    stdout: output,
    stderr: output,
  };
}

/** Safe points that a restored program is let through. */
const POINTS = 60;

/** Runs a program, frozen at every point; whether it ended. */
function step(run: WasiProgram, points: number): boolean {
  for (let point = 0; point < points; point++) {
    run.group.request();
    if (run.run()) return true;
    run.group.release();
  }
  return false;
}

interface Image {
  readonly manifest: string;
  readonly pages: ReadonlyMap<string, Uint8Array>;
}

/** The image of the program at one of its points. */
function imageAt(point: number): Image {
  const run = WasiProgram.begin(program, sessions());
  assert.equal(step(run, point), false);
  const { group, wasi } = run.capture();
  const pages = new Map<string, Uint8Array>();
  const modules = { [nodeSha256(MODULE)]: MODULE };
  const created = "2026-01-01T00:00:00.000Z";
  const checkpoint = { created, name: "run", program: { kind: "test" }, group, sessions: { wasi }, modules };
  const steps = encodeCheckpoint(checkpoint, { sha256: nodeSha256 });
  for (;;) {
    const next = steps.next();
    if (next.done) return { manifest: new TextDecoder().decode(next.value.manifest), pages };
    pages.set(next.value.name, next.value.bytes.slice());
  }
}

/** Restores as the command line does: memories are filled when everything else is known to be sound. */
async function restored(manifest: Manifest, pages: Image["pages"]): Promise<WasiProgram> {
  const readPage = async (name: string) => pages.get(name) ?? new Uint8Array(1);
  const reader = new ImageReader(manifest, readPage, { sha256: nodeSha256 });
  for (const hash of Object.keys(manifest.modules)) await reader.module(hash);
  const [outline, wasi] = [await reader.outline(), await reader.session("wasi")];
  const run = WasiProgram.restoreUnfilled(program, outline);
  for (const { instance, index, memory } of run.memories()) {
    await reader.memory(instance, index, new Uint8Array(memory.buffer));
  }
  run.open(sessions(sessionStates(wasi)), wasi);
  return run;
}

function bytesOf(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

/** As the writer would have written it. */
function manifestOf(json: string): Uint8Array {
  return bytesOf(`${canonicalJson(JSON.parse(json), 1)}\n`);
}

for (const [name, point] of [
  ["in a loop", 8],
  ["in a host call", 11],
] as const) {
  test(`F9: a program that stands ${name}, every value forged`, async () => {
    const { manifest, pages } = imageAt(point);
    let [refused, taken] = [0, 0];
    step(await restored(decodeManifest(bytesOf(manifest)), pages), POINTS);
    for (const { change, text } of forgedJson(JSON.parse(manifest))) {
      try {
        const run = await restored(decodeManifest(manifestOf(text)), pages);
        step(run, POINTS);
        run.capture();
        taken++;
      } catch (thrown) {
        assert.ok(thrown instanceof Fault, `${change}: ${(thrown as Error).stack}`);
        assert.match(thrown.message, /^[^\n]{10,6000}$/, change);
        refused++;
      }
    }
    assert.ok(refused > 1_500 && taken > 150, `${refused} refused, ${taken} taken up`);
  });
}

/** A few bytes that ask for much: what must come of it, undefined: it is restored. */
const HUGE: readonly (readonly [what: string, from: RegExp, to: string, refused?: RegExp])[] = [
  ["a memory of 4 GiB without its content", /"pages": 1/, '"pages": 65536', /expected 4294967296 bytes$/],
  [
    "a memory of 4 GiB of zeros",
    /"root": "[0-9a-f]*",\s*"sizeBytes": 65536(\s*\},\s*"index": 0,\s*"pages": )1/,
    '"root": null, "sizeBytes": 4294967296}, "index": 0, "pages": 65536',
  ],
  ["a table of 10,000,000 elements", /"func 0\/2 \* 2"/, '"func 0/2", "null * 9999998"'],
  [
    "one element more",
    /"func 0\/2 \* 2"/,
    '"func 0/2", "null * 9999999"',
    /"10000001 values", expected at most 10000000$/,
  ],
  [
    "150,000 frames",
    /"frames": \[/,
    `"frames": [${'{"function": 4, "instance": 0, "position": 37, "values": []},'.repeat(150_000)}`,
  ],
];

for (const [what, from, to, refused] of HUGE) {
  test(`F9: ${what}`, async () => {
    const { manifest, pages } = imageAt(8);
    const forged = manifest.replace(from, () => to);
    assert.notEqual(forged, manifest);
    const restoring = restored(decodeManifest(bytesOf(forged)), pages);
    if (refused) await assert.rejects(restoring, { name: /Fault$/, message: refused });
    else step(await restoring, 3);
  });
}
