// A guest that makes whatever calls it is told to, in as many threads as it is told to start, and notes all that comes to
// it. It runs as two children, "a" and "b", of an init or of a supervisor, so that both can be told the same.
import assert from "node:assert/strict";
import { KERNEL_IMPORTS, KERNEL_MODULE, MESSAGE, RPC } from "../../src/abi/index.ts";
import { createFileSystem } from "../../src/core/files/index.ts";
import type { NativeProgram } from "../../src/core/index.ts";
import { createMemoryOutput } from "../../src/core/index.ts";
import type { Component } from "../../src/core/kernel/index.ts";
import { type Capability, ENV_SESSION } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { assemble } from "../assemble.ts";
import { type CoreSystem, config, start, startSystem } from "../support/core-system.ts";

/**
 * A thread's mailbox, at its stack pointer's start:
 *
 *   0   u32      number of the last order          4   u32      number of the last order that was carried out
 *   8   u32[4]   what to do, and with what         24  i32      result
 *   64  u8[1064] message buffer
 */
export const MAILBOX = { order: 0, done: 4, words: 8, result: 24, message: 64 } as const;
/** Where mailboxes are; the first is the initial thread's. */
export const MAILBOXES = [0x4000, 0x5000, 0x6000, 0x7000] as const;
/** Functions in the guest's table. */
export const FUNCTION = { drive: 1, dispatch: 2, returns: 3, traps: 4, busy: 5, waits: 6, wide: 7 } as const;
/** What a mailbox can order. */
export const ORDERS = [
  ...(["call", "cap_release", "cap_retain", "cap_badge", "parent", "self", "yield", "serve", "serve_signals"] as const),
  ...(["ep_wakeup", "futex_wake", "futex_wait", "trap", "return", "flood"] as const),
] as const;
export type Order = (typeof ORDERS)[number];
const BOOTSTRAP_MESSAGE = 0xf000;
/** Memory that is compared. */
const MEMORY_BYTES = 0x10000;
/** A word that nobody writes but who is told to. */
export const FUTEX_WORD = 0x100;

const $ = (n: number) => `(i32.load offset=${MAILBOX.words + n * 4} (local.get $m))`;
/** In the order of ORDERS. */
const BODIES = [
  `(call $call ${$(1)} ${$(2)} (i32.add (local.get $m) ${$(3)}))`,
  `(call $cap_release ${$(1)}) (i32.const 0)`,
  `(call $cap_retain ${$(1)}) (i32.const 0)`,
  `(call $cap_badge ${$(1)})`,
  "(call $parent)",
  "(call $self)",
  "(call $yield) (i32.const 0)",
  `(call $serve ${$(1)} (local.get $m) (i32.add (local.get $m) ${$(3)})) (i32.const 0)`,
  `(call $serve_signals ${$(1)}) (i32.const 0)`,
  `(call $ep_wakeup ${$(1)}) (i32.const 0)`,
  `(call $futex_wake ${$(1)} ${$(2)})`,
  `(call $futex_wait ${$(1)} ${$(2)} (i64.extend_i32_s ${$(3)}))`,
  "unreachable",
  "(return)",
  // The same call again and again; the last status.
  `(loop $again
    (memory.copy (i32.add (local.get $m) (i32.const 0x800)) (i32.add (local.get $m) (i32.const ${MAILBOX.message})) (i32.const ${MESSAGE.sizeBytes}))
    (local.set $result (call $call ${$(1)} ${$(2)} (i32.add (local.get $m) (i32.const 0x800))))
    (i32.store offset=${MAILBOX.words + 12} (local.get $m) (i32.sub ${$(3)} (i32.const 1)))
    (br_if $again ${$(3)})) (local.get $result)`,
];

/** Text as words of a message. */
export function textWords(value: string | Uint8Array): number[] {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return [bytes.length, ...new Uint32Array(padded.buffer)];
}

/** What is opened in a bootstrap, and upgraded. */
export const BOOTSTRAP_SESSION = 150;
const TIMER_ARGS = 'ram_quota=10K, cap_quota=2, label=""';
const BOOTSTRAP_TIMER = [BOOTSTRAP_SESSION, ...textWords("Timer"), ...textWords(TIMER_ARGS), 0, 0, 0, 0];

/** A call; what comes back in the first slot is `$got`. */
function bootstrapCall(target: string, kind: string, name: string, words: readonly number[], slot = ""): string {
  const at = (offset: number) => `(i32.const ${BOOTSTRAP_MESSAGE + offset})`;
  return `(i32.store ${at(MESSAGE.bytes)} (i32.const ${words.length * 4}))
    ${words.map((word, i) => `(i32.store ${at(MESSAGE.data + i * 4)} (i32.const ${word}))`).join("\n")}
    (i32.store ${at(MESSAGE.capabilities)} (i32.const ${slot === "" ? 0 : 1}))
    ${slot === "" ? "" : `(i32.store ${at(MESSAGE.slots)} ${slot})`}
    (drop (call $call ${target} (i32.const ${opcodeOf(kind, name)}) (i32.const ${BOOTSTRAP_MESSAGE})))
    (local.set $got (i32.load ${at(MESSAGE.slots)}))`;
}

/** The last call of every bootstrap: for strategy A it has had none, if it gives no handler. */
const WITHOUT_HEARTBEAT = bootstrapCall("(call $parent)", "parent", "heartbeat_sigh", [], "(i32.const 0)");
const WITH_HEARTBEAT = [
  bootstrapCall("(call $parent)", "parent", "session", BOOTSTRAP_TIMER),
  bootstrapCall("(call $parent)", "parent", "upgrade", [BOOTSTRAP_SESSION, ...textWords("ram_quota=4K, cap_quota=1")]),
  bootstrapCall("(call $parent)", "parent", "session_cap", [ENV_SESSION.pd]),
  "(local.set $pd (local.get $got))",
  bootstrapCall("(local.get $pd)", "pd", "alloc_signal_source", []),
  bootstrapCall("(local.get $pd)", "pd", "alloc_context", [1], "(local.get $got)"),
  bootstrapCall("(call $parent)", "parent", "heartbeat_sigh", [], "(local.get $got)"),
].join("\n");

/**
 * What is dispatched is noted from 0x2000 on. An RPC's opcode says what its server does: 0 adds one to the first word and
 * gives the capabilities back, 1 calls the first capability with the opcode in the first word, 2 blocks, 3 traps, others fail.
 */
function program(bootstraps: boolean): Uint8Array {
  const types = { call: "i32 i32 i32", serve: "i32 i32 i32", futex_wait: "i32 i32 i64", futex_wake: "i32 i32" };
  const results = ["call", "futex_wait", "futex_wake", "cap_badge", "parent", "self"];
  const none = ["parent", "self", "yield"];
  const F = KERNEL_IMPORTS;
  const imports = [
    ...[F.call, F.serve, F.serveSignals, F.epWakeup, F.futexWait, F.futexWake],
    ...[F.capBadge, F.capRetain, F.capRelease, F.parent, F.self, F.yield],
  ].map((name) => {
    const params = none.includes(name) ? "" : `(param ${(types as Record<string, string>)[name] ?? "i32"})`;
    return `(import "${KERNEL_MODULE}" "${name}" (func $${name} ${params} ${results.includes(name) ? "(result i32)" : ""}))`;
  });
  const orders = BODIES.map(
    (body, i) => `(if (i32.eq ${$(0)} (i32.const ${i})) (then (local.set $result (block (result i32) ${body}))))`,
  );
  return assemble(`(module ${imports.join("\n")}
    (memory (export "memory") 2)
    (global $__stack_pointer (mut i32) (i32.const 0x1f000))
    (table 9 funcref) (elem (i32.const 1) $drive $dispatch $returns $traps $busy $waits $wide)
    (func $drive (param $m i32) (local $seen i32) (local $result i32)
      (loop $next
        (drop (call $futex_wait (local.get $m) (local.get $seen) (i64.const -1)))
        (br_if $next (i32.eq (i32.load (local.get $m)) (local.get $seen)))
        (local.set $seen (i32.load (local.get $m)))
        ${orders.join("\n")}
        (i32.store offset=${MAILBOX.result} (local.get $m) (local.get $result))
        (i32.store offset=${MAILBOX.done} (local.get $m) (local.get $seen))
        (br $next)))
    (func $note (param i32 i32 i32) (local $at i32)
      (local.set $at (i32.add (i32.const 0x2010) (i32.mul (i32.rem_u (i32.load (i32.const 0x2000)) (i32.const 256)) (i32.const 12))))
      (i32.store (i32.const 0x2000) (i32.add (i32.load (i32.const 0x2000)) (i32.const 1)))
      (i32.store (local.get $at) (local.get 0))
      (i32.store offset=4 (local.get $at) (local.get 1))
      (i32.store offset=8 (local.get $at) (local.get 2)))
    (func $dispatch (param $m i32) (param $kind i32) (param $object i32) (param $value i32) (result i32) (local $b i32)
      (call $note (local.get $kind) (local.get $object) (local.get $value))
      (if (local.get $kind) (then (return (i32.const 0))))
      (local.set $b (i32.add (local.get $m) (i32.const ${MAILBOX.message})))
      (if (i32.eqz (local.get $value)) (then
        (i32.store offset=${MESSAGE.data} (local.get $b) (i32.add (i32.load offset=${MESSAGE.data} (local.get $b)) (i32.const 1)))
        (return (i32.const 0))))
      (if (i32.eq (local.get $value) (i32.const 1)) (then
        (i32.store (i32.add (local.get $m) (i32.const 0x800)) (i32.const 0))
        (i32.store (i32.add (local.get $m) (i32.const 0x804)) (i32.const 0))
        (i32.store offset=${MESSAGE.data} (local.get $b) (call $call (i32.load offset=${MESSAGE.slots} (local.get $b))
          (i32.load offset=${MESSAGE.data} (local.get $b)) (i32.add (local.get $m) (i32.const 0x800))))
        (return (i32.const 0))))
      (if (i32.eq (local.get $value) (i32.const 2)) (then
        (drop (call $futex_wait (i32.const ${FUTEX_WORD}) (i32.const 0) (i64.const -1))) (return (i32.const 0))))
      (if (i32.eq (local.get $value) (i32.const 3)) (then unreachable))
      (i32.const 7))
    (func $returns (call $note (i32.const 10) (i32.const 0) (i32.const 0)))
    (func $traps unreachable)
    (func $busy (param $i i32)
      (loop $l (i32.store (i32.const 0x200) (i32.add (i32.load (i32.const 0x200)) (i32.const 1)))
        (br_if $l (i32.rem_u (i32.load (i32.const 0x200)) (i32.const 50))))
      (call $note (i32.const 11) (local.get $i) (i32.const 0)))
    (func $waits (param $i i32)
      (call $note (i32.const 12) (local.get $i)
        (call $futex_wait (i32.const ${FUTEX_WORD}) (i32.const 0) (i64.const -1))))
    (func $wide (param i64))
    (func (export "rtcr_component_start")
      (local $got i32) (local $pd i32)
      ${bootstraps ? WITH_HEARTBEAT : WITHOUT_HEARTBEAT}
      (call $drive (i32.const ${MAILBOXES[0]}))))`);
}

let assembled: readonly [plain: Uint8Array, bootstrapping: Uint8Array] | undefined;

export const GUESTS = ["a", "b"] as const;
export type Guest = (typeof GUESTS)[number];

/** A call with words as its data, and slots. */
export function callOf(
  slot: number,
  kind: string,
  name: string,
  words: readonly number[] = [],
  slots: readonly number[] = [],
): Command & { readonly message: Uint8Array } {
  const message = new Uint8Array(MESSAGE.sizeBytes);
  const view = new DataView(message.buffer);
  view.setUint32(MESSAGE.bytes, words.length * 4, true);
  view.setUint32(MESSAGE.capabilities, slots.length, true);
  for (const [i, value] of words.entries()) view.setUint32(MESSAGE.data + i * 4, value, true);
  for (const [i, value] of slots.entries()) view.setUint32(MESSAGE.slots + i * 4, value, true);
  return { order: "call", words: [slot, opcodeOf(kind, name), MAILBOX.message], message };
}

function opcodeOf(kind: string, name: string): number {
  return required(RPC[kind], kind).findIndex((fn) => fn.name === name);
}

export interface Command {
  readonly order: Order;
  readonly words: readonly [number, number, number];
  /** What the message buffer begins with; absent: it is as it was. */
  readonly message?: Uint8Array | undefined;
}

export interface DriverOptions {
  /** What the guests provide, and take all the time for. Default: `Slow` of b. */
  readonly services?: Services;
  /** Whether strategy A restores them after a bootstrap. Default: it does so directly. */
  readonly bootstraps?: boolean;
  /** What keeps "rtcr". Default: init. */
  readonly root?: NativeProgram;
}

const CORES: ReadonlySet<string> = new Set(["PD", "CPU", "RM"]);
type Services = Readonly<Partial<Record<Guest, string>>>;

const QUOTA = 'caps="140" ram="1500K"';

/** Both guests under a program that is called "rtcr", whatever it is. */
export class Drivers {
  readonly tree: CoreSystem;
  readonly #services: Services;

  constructor(keeper: NativeProgram, { services = { b: "Slow" }, bootstraps = false, root }: DriverOptions = {}) {
    assembled ??= [program(false), program(true)];
    this.#services = services;
    this.tree = startSystem({
      config: this.#config(GUESTS),
      binaries: { driver: assembled[bootstraps ? 1 : 0] },
      natives: { rtcr: keeper, ...(root ? { init: root } : {}) },
      files: () => createFileSystem([]),
      terminals: () => createMemoryOutput(() => {}),
    });
  }

  #config(guests: readonly Guest[]): string {
    const child = (name: Guest) => {
      const service = this.#services[name];
      const provides = service === undefined ? "" : `<provides><service name="${service}"/></provides>`;
      return start(name, `<binary name="driver"/>${provides}${this.#route(name)}<config turns="1"/>`, QUOTA);
    };
    return config(start("rtcr", config(guests.map(child).join("")), 'caps="2000" ram="32M"'));
  }

  /** Services that core has, too, are another guest's for sessions labelled "x". */
  #route(client: Guest): string {
    const entries = GUESTS.filter((server) => server !== client && CORES.has(this.#services[server] ?? "")).map(
      (server) => `<service name="${this.#services[server]}" label="x"><child name="${server}"/></service>`,
    );
    if (entries.length === 0) return "";
    return `<route>${entries.join("")}<any-service><parent/><any-child/></any-service></route>`;
  }

  /** Ends all guests but these. */
  async keep(guests: readonly Guest[]): Promise<void> {
    this.tree.configure(this.#config(guests));
    await this.rest();
  }

  component(guest: Guest): Component | undefined {
    return this.tree.core.kernel.components.find(({ label }) => label === `init -> rtcr -> ${guest}`);
  }

  /** Kinds of what the guest's slots hold; "dead" where the object has ended. */
  slots(guest: Guest): ReadonlyMap<number, string> {
    const slots = new Map<number, string>();
    this.component(guest)?.table.eachSlot((slot, capability) => slots.set(slot, capability.object?.kind ?? "dead"));
    return slots;
  }

  /** Gives a guest a capability that is another's. */
  introduce(from: Guest, slot: number, to: Guest): void {
    const capability: Capability | undefined = this.component(from)?.table.lookup(slot);
    if (capability?.valid) this.component(to)?.table.insert(capability);
  }

  /** Mailboxes whose threads wait for an order. */
  idle(guest: Guest): readonly number[] {
    const component = this.component(guest);
    const waits = new Set(
      component?.threads.flatMap(({ waiting, paused, exception }) =>
        waiting?.kind === "futex" && !paused && !exception ? [waiting.address] : [],
      ),
    );
    return MAILBOXES.filter((mailbox) => waits.has(mailbox));
  }

  /** Orders something, and lets everybody run until nobody can. */
  async order(guest: Guest, mailbox: number, { order, words, message }: Command): Promise<void> {
    const component = this.component(guest);
    assert.ok(component, `${guest} lives`);
    const { view } = component;
    if (message) new Uint8Array(view.buffer, view.byteOffset).set(message, mailbox + MAILBOX.message);
    const all = [ORDERS.indexOf(order), ...words];
    for (const [i, word] of all.entries()) view.setUint32(mailbox + MAILBOX.words + i * 4, word >>> 0, true);
    view.setUint32(mailbox, view.getUint32(mailbox, true) + 1, true);
    component.waits.futexWake(mailbox, 1);
    await this.rest();
  }

  async rest(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.tree.settle();
    }
  }

  /** Threads that wait for ever, or stand, go on. */
  async letGo(guest: Guest): Promise<void> {
    const component = this.component(guest);
    for (const thread of [...(component?.threads ?? [])]) {
      if (this.idle(guest).some((mailbox) => (thread.waiting as { address?: number })?.address === mailbox)) continue;
      const { object } = thread.shown; // as the guest itself would
      object?.singleStep(false);
      object?.cancelBlocking();
      object?.resume();
    }
    await this.rest();
  }

  async pass(us: number): Promise<void> {
    this.tree.advance(us);
    await this.rest();
  }

  /** The slot of the newest object of a kind that a guest has; 0: none. */
  slotOf(guest: Guest, kind: string): number {
    return [...this.slots(guest)].findLast(([, each]) => each === kind)?.[0] ?? 0;
  }

  /** What came of the last order: its result, and the first words of the reply. */
  result(guest: Guest, mailbox: number): { readonly result: number; readonly words: readonly number[] } {
    const { view } = required(this.component(guest), guest);
    const at = mailbox + MAILBOX.message + MESSAGE.data;
    const words = Array.from({ length: 6 }, (_, i) => view.getUint32(at + i * 4, true));
    return { result: view.getInt32(mailbox + MAILBOX.result, true), words };
  }

  memory(guest: Guest): Uint8Array {
    const view = this.component(guest)?.view;
    return view ? new Uint8Array(view.buffer, view.byteOffset, MEMORY_BYTES).slice() : new Uint8Array();
  }

  /** All that a guest and people can see of it, but its memory. */
  seen(guest: Guest): unknown {
    const component = this.component(guest);
    const pd = [...this.tree.core.pds].find(({ label }) => label === `init -> rtcr -> ${guest}`);
    return {
      slots: [...this.slots(guest)],
      account: pd && [pd.ramQuota(), pd.usedRam(), pd.capQuota(), pd.usedCaps()],
      threads: component?.threads.map((thread) => [thread.name, thread.nativeState(), thread.location]),
      regions:
        pd &&
        [pd.addressSpaceMap, pd.stackAreaMap].map((map) =>
          Array.from(map.regions.overlapping(0, 2 ** 32), ({ start, end }) => [start, end]),
        ),
      lines: this.tree.lines.length,
      last: this.tree.lines.at(-1),
    };
  }

  close(): void {
    this.tree.close();
  }
}
