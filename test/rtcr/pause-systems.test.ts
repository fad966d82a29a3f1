// The pauses of checkpoints of whole systems, as pause.test.ts has them of one component: servers in TypeScript, inits and
// supervisors among the children, WASI programs with open files, sessions that pass through, memory that was detached.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RPC } from "../../src/abi/index.ts";
import type { ChildInfo, SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { createFileSystem, createMemoryInput } from "../../src/core/index.ts";
import { createMemoryVolume } from "../../src/core/memory-file-system.ts";
import { componentWasi } from "../../src/machine/component-wasi.ts";
import { PreallocatedProvider, Rtcr } from "../../src/rtcr/index.ts";
import { lastElement } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { textWords } from "./driver.ts";
import { init, supervisor } from "./nested.ts";
import { measurePauses, type Stage } from "./pause.ts";
import { type ChildSpec, Rig, type RigOptions, undisturbed } from "./rig.ts";

const COUNTS: Readonly<Record<Stage, number>> = { few: 2, many: 40 };
/** A child or a component more adds what its environment is said by, and what its clock's server answers. */
const EACH_BYTES = 512;
const provider = () => new PreallocatedProvider({ arenas: 1, arenaBytes: 64 << 20 });

/** @param countOf what of them a checkpoint has, at least @param eachBytes what each may add to a pause */
async function measureRigs(
  optionsOf: (count: number) => RigOptions,
  countOf: (system: SystemCheckpoint) => number,
  eachBytes = 0,
): Promise<void> {
  await measurePauses(async (stage) => {
    const options = { ...optionsOf(COUNTS[stage]), provider: provider() };
    const { points } = await undisturbed(options);
    const rig = new Rig(options);
    assert.ok(await rig.run(Math.floor(points * 0.9)));
    const { system, lease } = rig.rtcr.checkpoint("content");
    assert.ok(countOf(system) >= COUNTS[stage], `${countOf(system)} of ${COUNTS[stage]}`);
    lease.release();
    return rig;
  }, eachBytes * COUNTS.many);
}

const provides = (...services: string[]) =>
  `<provides>${services.map((name) => `<service name="${name}"/>`).join("")}</provides>`;
const to = (child: string, service: string) => `<service name="${service}"><child name="${child}"/></service>`;
const route = (...entries: string[]) => `<route>${entries.join("")}<any-service><parent/></any-service></route>`;
const ANYWHERE = route();

/** Servers in TypeScript, and clients of all of them. */
const clients = (count: number): readonly ChildSpec[] => [
  { name: "lines", binary: "log_server", inside: `${provides("LOG")}${ANYWHERE}<config forward="yes"/>` },
  {
    name: "reports",
    binary: "report_rom",
    inside: `${provides("Report", "ROM")}${ANYWHERE}<config><policy label_prefix="c" report="none -> state"/></config>`,
  },
  {
    name: "between",
    binary: "interposer",
    inside: `${provides("Timer")}${ANYWHERE}<config><service name="Timer"/></config>`,
  },
  ...Array.from({ length: count }, (_, i) => ({
    name: `c${i}`,
    binary: "sheep_counter_timer",
    inside: `${route(to("lines", "LOG"), to("between", "Timer"))}<config turns="2" sleep_ms="2"/>`,
  })),
];
const CLIENT_QUOTA = 'caps="160" ram="1280K"';
const nodes = (children: readonly ChildSpec[]) =>
  children.map(({ name, binary, inside }) => start(name, `<binary name="${binary}"/>${inside}`, CLIENT_QUOTA)).join("");
const CLIENTS = { programs: ["sheep_counter_timer"], quota: 'caps="9000" ram="80M"' };
const componentsOf = ({ children }: SystemCheckpoint) => children[0]!.components?.length ?? 0;

test("S75, S78: no collection in a pause of servers in TypeScript and their clients beside each other", () =>
  measureRigs(
    (count) => ({ ...CLIENTS, children: clients(count), quota: CLIENT_QUOTA, exits: count }),
    ({ children }) => children.length - 3,
    EACH_BYTES,
  ));

for (const [what, around] of Object.entries({ init, supervisor })) {
  test(`S75, S78: no collection in a pause of servers in TypeScript and their clients in an inner ${what}`, () =>
    measureRigs(
      (count) => ({ ...CLIENTS, children: [around("inner", nodes(clients(count)))], exits: count }),
      (system) => componentsOf(system) - 3,
      EACH_BYTES,
    ));
}

test("S75, S78: what programs in TypeScript of anybody hand out is made behind the pause", () =>
  measureRigs(
    (count) => ({
      children: [{ name: "hoarder" }, { name: "sheep_counter", inside: '<config turns="2" iterations="5"/>' }],
      natives: {
        hoarder: () => ({
          capture: () => Array.from({ length: count * 1000 }, (_, number) => ({ number, text: `${number}` })),
          dispose: () => {},
        }),
      },
      exits: 1,
    }),
    ({ children }) => (stateOf(children[0]!) as readonly unknown[]).length / 1000,
  ));

function stateOf({ pd: { instance } }: ChildInfo): unknown {
  return (instance as { readonly program: unknown }).program;
}

const opcode = (kind: string, name: string) => `(i32.const ${RPC[kind]!.findIndex((fn) => fn.name === name)})`;
const times = (count: number, body: string) => `
  (local.set $i (i32.const 0))
  (loop $next ${body}
    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))`;

/** A message that asks for a TRACE session, whose number comes to `OPEN + 40`. */
const OPEN = 0x9000;
const open = [
  ...[0, 0, ...Array<number>(8).fill(0), 0],
  ...textWords("TRACE"),
  ...textWords("ram_quota=16K, cap_quota=6, arg_buffer_size=4K"),
  ...[0, 0, 0, 0],
];
open[0] = (open.length - 10) * 4;
const openBytes = [...new Uint8Array(new Uint32Array(open).buffer)];

/** A program without a run-time library that does something so many times, and then says a number four times. */
function doing(count: number, body: string): Uint8Array {
  return assemble(`(module ${PRELUDE}
    (data (i32.const ${OPEN}) "${openBytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")
    (global $pd (mut i32) (i32.const 0)) (global $space (mut i32) (i32.const 0)) (global $ds (mut i32) (i32.const 0))
    (global $log_slot (mut i32) (i32.const 0))
    (func $cap (param $slot i32) (param $opcode i32) (param $word i32) (result i32)
      (i32.store (i32.const 0x400) (i32.const 8)) (i32.store (i32.const 0x404) (i32.const 0))
      (i32.store (i32.const 0x428) (local.get $word)) (i32.store (i32.const 0x42c) (i32.const 2))
      (drop (call $call (local.get $slot) (local.get $opcode) (i32.const 0x400)))
      (i32.load (i32.const 0x408)))
    (func $attach (param $address i32)
      (i32.store (i32.const 0x400) (i32.const 24)) (i32.store (i32.const 0x404) (i32.const 1))
      (i32.store (i32.const 0x408) (global.get $ds)) (i32.store (i32.const 0x428) (i32.const 0))
      (i32.store (i32.const 0x42c) (i32.const 0)) (i32.store (i32.const 0x430) (i32.const 1))
      (i32.store (i32.const 0x434) (local.get $address)) (i32.store (i32.const 0x438) (i32.const 0))
      (i32.store (i32.const 0x43c) (i32.const 1))
      (drop (call $call (global.get $space) ${opcode("region-map", "attach")} (i32.const 0x400))))
    (func $say
      (i32.store (i32.const 0x400) (i32.const 8)) (i32.store (i32.const 0x404) (i32.const 0))
      (i32.store (i32.const 0x428) (i32.const 4)) (i32.store (i32.const 0x42c) (i32.const 0x61616161))
      (drop (call $call (global.get $log_slot) (i32.const 0) (i32.const 0x400))))
    (func (export "rtcr_component_start") (local $i i32)
      (global.set $pd (call $cap (call $parent) ${opcode("parent", "session_cap")} (i32.const 1)))
      (global.set $log_slot (call $cap (call $parent) ${opcode("parent", "session_cap")} (i32.const 3)))
      (global.set $space (call $cap (global.get $pd) ${opcode("pd", "address_space")} (i32.const 0)))
      ${times(count, body)}
      ${times(40, "(call $say)")}
      (drop (call $ask (i32.const 0x400) (call $parent) ${opcode("parent", "exit")} (i32.const 0)))))`);
}

const SESSION = `
  (i32.store (i32.const ${OPEN + 40}) (i32.add (i32.const 100) (local.get $i)))
  (i32.store (i32.const ${OPEN + 4}) (i32.const 0)) (i32.store (i32.const ${OPEN}) (i32.const ${open[0]}))
  (drop (call $call (call $parent) ${opcode("parent", "session")} (i32.const ${OPEN})))`;

test("S75, S78: sessions that pass through add nothing to a pause", () =>
  measureRigs(
    (count) => ({
      children: [{ name: "traced" }],
      binaries: { traced: doing(count, SESSION) },
      quota: 'caps="900" ram="24M"',
    }),
    ({ children }) => children[0]!.foreign.length,
  ));

const HEAP = 0x2000_0000;
const AT = `(i32.add (i32.const ${HEAP}) (i32.mul (local.get $i) (i32.const 0x3000)))`;
const DETACHED = `
  (global.set $ds (call $cap (global.get $pd) ${opcode("pd", "alloc")} (i32.const 0x1000)))
  (call $attach ${AT})
  (drop (call $ask (i32.const 0x400) (global.get $space) ${opcode("region-map", "detach")} ${AT}))
  (i32.store ${AT} (local.get $i)) (i32.store (i32.sub ${AT} (i32.const 0x1000)) (i32.const 7))`;

for (const unattached of [false, true]) {
  const written = unattached ? ", and of what was written where nothing ever was" : "";
  test(`S75, S78, S82: no collection in a pause of detached dataspaces and the memory of them${written}`, () =>
    measureRigs(
      (count) => ({
        children: [{ name: "detacher" }],
        binaries: { detacher: doing(count, DETACHED) },
        quota: 'caps="900" ram="24M"',
        keepsUnattached: () => unattached,
      }),
      ({ children }) => {
        const { pd } = children[0]!;
        const { memory } = pd.instance as { readonly memory: readonly { readonly pieces: readonly object[] }[] };
        const pieces = memory.reduce((sum, each) => sum + each.pieces.length, 0) + 1; // the first holds a zero
        return Math.min(pd.dataspaces.filter(({ role }) => role === "detached").length, pieces / (unattached ? 2 : 1));
      },
    ));
}

/** Opens so many files, each a new one, and waits for input. */
const opening = (count: number) =>
  assemble(`(module
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 1024) "aafile")
    (func (export "_start") (local $i i32)
      ${times(
        count,
        `(i32.store8 (i32.const 1024) (i32.add (i32.const 97) (i32.rem_u (local.get $i) (i32.const 26))))
         (i32.store8 (i32.const 1025) (i32.add (i32.const 97) (i32.div_u (local.get $i) (i32.const 26))))
         (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 6) (i32.const 1)
           (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 16)))`,
      )}
      (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 1))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))`);

test("S75, S78: no collection in a pause of a WASI program with open files", () =>
  measurePauses(async (stage) => {
    let rtcr: Rtcr | undefined;
    const tree = startSystem({
      config: config(
        start("rtcr", config(start("prog", "<config/>", 'caps="300" ram="32M"')), 'caps="4000" ram="128M"'),
      ),
      binaries: { prog: opening(COUNTS[stage]) },
      natives: { rtcr: (env) => (rtcr = new Rtcr(env, { provider: provider() })) },
      wasi: componentWasi,
      terminals: (label) => (lastElement(label) === "stdin" ? createMemoryInput({ open: true }) : undefined),
      files: (_, state) => createFileSystem([createMemoryVolume({ guestPaths: ["/data"] })], state),
    });
    for (let turn = 0; turn < 40; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      tree.settle();
    }
    const { system, lease } = rtcr!.checkpoint("content");
    const [{ nodes: opened } = { nodes: [] }] = system.children[0]!.fileSystems ?? [];
    assert.ok(opened.length > COUNTS[stage], `${opened.length} nodes, the directory among them`);
    lease.release();
    return { rtcr: rtcr!, close: () => tree.close() };
  }));
