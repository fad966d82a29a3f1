// A guest that attacks whatever it can reach, beneath an init and beneath a supervisor: it harms itself only. After each
// attack its neighbour goes on, nothing was thrown, and when both have gone all quota is back (S6, S62).
import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_STATUS, MESSAGE, RPC } from "../../src/abi/index.ts";
import { Init } from "../../src/init/index.ts";
import { Rtcr } from "../../src/rtcr/index.ts";
import type { Env } from "../../src/session/index.ts";
import { type Command, callOf, Drivers, FUNCTION, type Guest, MAILBOX, MAILBOXES, textWords } from "./driver.ts";

const [MAIN, SECOND, EP] = MAILBOXES;
const KEEPERS = { init: (env: Env) => new Init(env), rtcr: (env: Env) => new Rtcr(env) };
/** Bytes of the guests' memory. */
const END = 2 * 0x1_0000;

/** A guest at work. */
class Attacker {
  readonly drivers: Drivers;
  readonly guest: Guest;

  constructor(drivers: Drivers, guest: Guest) {
    this.drivers = drivers;
    this.guest = guest;
  }

  slot(kind: string): number {
    return this.drivers.slotOf(this.guest, kind);
  }

  /** @returns the status, or what else came of the order */
  async order(command: Command, mailbox: number = MAIN): Promise<number> {
    await this.drivers.order(this.guest, mailbox, command);
    return this.drivers.result(this.guest, mailbox).result;
  }

  /** @returns the reply's words; its first is 0, or 1 + the index of an error */
  async call(kind: string, name: string, words: readonly number[] = [], slots: readonly number[] = []) {
    const status = await this.order(callOf(this.slot(kind), kind, name, words, slots));
    assert.equal(status, CALL_STATUS.ok, `${kind}.${name}`);
    return this.drivers.result(this.guest, MAIN).words;
  }

  /** Takes its environment's sessions. */
  async environment(): Promise<void> {
    await this.order({ order: "parent", words: [0, 0, 0] });
    for (const id of [1, 2, 3, 4]) await this.call("parent", "session_cap", [id]);
  }

  /** The same call, so many times. */
  async flood(kind: string, name: string, times: number, words: readonly number[] = [], slots: readonly number[] = []) {
    const { message, words: parts } = callOf(this.slot(kind), kind, name, words, slots);
    return this.order({ order: "flood", words: [parts[0], parts[1], times], message });
  }

  /** @returns 0, or the index of the refusal from 1 on */
  async session(id: number, service: string, args: string | Uint8Array): Promise<number> {
    const words = [id, ...textWords(service), ...textWords(args), 0, 0, 0, 0];
    return (await this.call("parent", "session", words))[0]!;
  }

  /** A thread at a mailbox. */
  async thread(mailbox: number): Promise<number> {
    const made = await this.call("cpu", "create_thread", [1, 0x74, 0, 0, 0, 0, 10, 0], [this.slot("pd")]);
    if (made[0] !== 0) return 0;
    const thread = this.slot("cpu-thread");
    await this.call("cpu-thread", "start", [FUNCTION.drive, mailbox]);
    return thread;
  }

  /** An entrypoint and an object of it. */
  async server(): Promise<number> {
    const thread = await this.thread(EP);
    await this.order({ order: "serve", words: [FUNCTION.dispatch, 0, MAILBOX.message] }, EP);
    await this.order({ order: "return", words: [0, 0, 0] }, EP);
    await this.call("pd", "alloc_rpc_cap", [], [thread]);
    return this.slot("rpc-object");
  }
}

/** Two guests with their environments. */
async function begin(keeper: keyof typeof KEEPERS): Promise<{ drivers: Drivers; a: Attacker; b: Attacker }> {
  const drivers = new Drivers(KEEPERS[keeper]);
  const [a, b] = [new Attacker(drivers, "a"), new Attacker(drivers, "b")];
  for (const guest of [a, b]) await guest.environment();
  return { drivers, a, b };
}

/** The neighbour still works, and all quota comes back. */
async function finish(drivers: Drivers, b: Attacker): Promise<void> {
  const lines = drivers.tree.lines.length;
  await b.call("log", "write", textWords("goes on"));
  assert.deepEqual(drivers.tree.lines.slice(lines), [`[init -> rtcr -> ${b.guest}] goes on`]);
  const { core } = drivers.tree;
  const sum = () => [...core.pds].reduce((all, pd) => all + pd.ramQuota() - pd.usedRam(), 0);
  assert.ok(sum() > 0);
  drivers.tree.configure("<config/>");
  await drivers.rest();
  const init = [...core.pds].find(({ label }) => label === "init");
  assert.deepEqual(
    [...core.pds].map(({ label }) => label).filter((label) => label.startsWith("init -> rtcr")),
    [],
  );
  assert.deepEqual([init?.ramQuota(), init?.capQuota()], await whole(), "all quota is back");
  assert.equal(core.kernel.calls.size, 0);
  drivers.close();
}

let plain: Promise<unknown> | undefined;
/** What init has when its children have gone and nothing happened. */
function whole(): Promise<unknown> {
  plain ??= (async () => {
    const { drivers } = await begin("init");
    drivers.tree.configure("<config/>");
    await drivers.rest();
    const init = [...drivers.tree.core.pds].find(({ label }) => label === "init");
    const left = [init?.ramQuota(), init?.capQuota()];
    drivers.close();
    return left;
  })();
  return plain;
}

type Attack = (scene: { readonly drivers: Drivers; readonly a: Attacker; readonly b: Attacker }) => Promise<void>;

const ATTACKS: Readonly<Record<string, Attack>> = {
  "messages at the ends of the memory, and longer than there is room": async ({ a }) => {
    const good = callOf(a.slot("pd"), "pd", "ram_quota");
    for (const address of [
      END - MESSAGE.sizeBytes + 4,
      END - 4,
      END,
      END + 4,
      0x7fff_fffc,
      -4,
      -MESSAGE.sizeBytes,
      2,
      3,
    ]) {
      const words = [good.words[0], good.words[1], address - MAIN] as const;
      assert.equal(await a.order({ ...good, words }), CALL_STATUS.badMessage, `${address}`);
    }
    for (const [bytes, capabilities] of [
      [1025, 0],
      [0xffff_ffff, 0],
      [0x8000_0000, 8],
      [0, 9],
      [4, 0xffff_ffff],
    ] as const) {
      const message = good.message.slice();
      new DataView(message.buffer).setUint32(MESSAGE.bytes, bytes, true);
      new DataView(message.buffer).setUint32(MESSAGE.capabilities, capabilities, true);
      assert.equal(await a.order({ ...good, message }), CALL_STATUS.badMessage, `${bytes}, ${capabilities}`);
    }
    // Text that says more than the message has.
    for (const length of [5, 1021, 0x7fff_ffff, 0xffff_ffff]) {
      const log = callOf(a.slot("log"), "log", "write", [length, 0x78]);
      assert.equal(await a.order(log), CALL_STATUS.badMessage, `${length}`);
    }
    const last = callOf(a.slot("pd"), "pd", "ram_quota");
    const words = [last.words[0], last.words[1], END - MESSAGE.sizeBytes - MAIN] as const;
    assert.equal(await a.order({ ...last, words }), CALL_STATUS.ok, "the last place where a message fits");
  },

  "opcodes and slots that there are not": async ({ a }) => {
    for (const [slot, kind] of a.drivers.slots("a")) {
      for (const opcode of [RPC[kind]?.length ?? 0, 1000, -1, 0x7fff_ffff]) {
        const order = { order: "call", words: [slot, opcode, MAILBOX.message] } as const;
        const status = await a.order(order);
        assert.ok([CALL_STATUS.invalidOpcode, CALL_STATUS.badMessage].includes(status as never), `${kind} ${opcode}`);
      }
    }
    for (const slot of [0, 500, 1 << 20, -1, 0x7fff_ffff]) {
      assert.equal(await a.order({ ...callOf(slot, "pd", "alloc"), words: [slot, 0, MAILBOX.message] }), 1, `${slot}`);
      for (const order of ["cap_release", "cap_retain", "serve_signals", "ep_wakeup"] as const) {
        assert.equal(await a.order({ order, words: [slot, 0, 0] }), 0);
      }
    }
  },

  "a flood of session requests, refused and granted": async ({ a, drivers }) => {
    const request = (service: string, args: string) => [50, ...textWords(service), ...textWords(args), 0, 0, 0, 0];
    for (const [service, args] of [
      ["LOG", 'ram_quota=8K, cap_quota=2, label="l"'], // the id is in use from the second on
      ["Nowhere", 'ram_quota=8K, cap_quota=2, label="l"'],
      ["LOG", 'ram_quota=1G, cap_quota=2, label="l"'],
      ["LOG", "malformed"],
    ] as const) {
      await a.flood("parent", "session", 3000, request(service, args));
    }
    assert.ok(drivers.tree.lines.length < 60, `${drivers.tree.lines.length} lines of warnings`);
    let granted = 0;
    for (let id = 60; id < 200; id++)
      if ((await a.session(id, "LOG", 'ram_quota=8K, cap_quota=2, label="l"')) === 0) granted++;
    assert.ok(granted > 5 && granted < 130, `${granted}: quota ends it`);
  },

  "a flood of announcements, resource requests and responses of a server": async ({ a, drivers }) => {
    for (let i = 0; i < 50; i++) await a.call("parent", "announce", textWords(`Service${i}`.padEnd(200, "x")));
    await a.flood("parent", "announce", 3000, textWords("Service"));
    await a.flood("parent", "resource_request", 3000, textWords("ram_quota=4K, cap_quota=1"));
    for (const response of [0, 1, 2, 3, 4, 5, 99, 0xffff_ffff]) {
      await a.flood("parent", "session_response", 500, [response, response]);
      await a.flood("parent", "deliver_session_cap", 500, [response], [a.slot("pd")]);
    }
    await a.flood("parent", "heartbeat_response", 3000);
    await a.flood("parent", "yield_response", 3000);
    assert.ok(drivers.tree.lines.length < 400, `${drivers.tree.lines.length} lines`);
  },

  "a flood of signals": async ({ a }) => {
    await a.call("pd", "alloc_signal_source");
    await a.call("pd", "alloc_context", [7], [a.slot("signal-source")]);
    await a.flood("pd", "submit", 20_000, [0xffff_ffff], [a.slot("signal-context")]);
    const [, imprint, count] = [0, ...(await a.call("signal-source", "wait_for_signal")).slice(1)];
    assert.deepEqual([imprint, count], [7, 0xffff_ffff], "counts stay at what a word holds");
  },

  "timers with periods of nothing, of next to nothing and of ages": async ({ a, drivers }) => {
    assert.equal(await a.session(50, "Timer", 'ram_quota=10K, cap_quota=2, label=""'), 0);
    await a.call("pd", "alloc_signal_source");
    await a.call("pd", "alloc_context", [7], [a.slot("signal-source")]);
    await a.call("timer", "sigh", [], [a.slot("signal-context")]);
    for (const [low, high] of [
      [0, 0],
      [1, 0],
      [0xffff_ffff, 0xffff_ffff],
      [0, 0x8000_0000],
      [0xffff_ffff, 0x1f_ffff],
    ] as const) {
      for (const name of ["trigger_once", "trigger_periodic"]) {
        await a.call("timer", name, [low, high]);
        await drivers.pass(1_000_000);
      }
    }
    await a.flood("timer", "trigger_periodic", 5000, [1, 0]);
    await drivers.pass(10_000_000);
    for (const slot of [a.slot("log"), a.slot("pd"), a.slot("timer"), a.slot("cpu"), 0]) {
      await a.call("timer", "sigh", [], [slot]);
      await a.call("timer", "trigger_once", [1, 0]);
      await drivers.pass(1000);
    }
  },

  "handlers that are no signal contexts": async ({ a, drivers }) => {
    assert.equal(await a.session(50, "ROM", 'ram_quota=6K, cap_quota=3, label="config"'), 0);
    assert.equal(await a.session(51, "Report", 'ram_quota=20K, cap_quota=3, label="r", buffer_size=4K'), 0);
    for (const kind of ["log", "pd", "rom", "cpu", "parent"]) {
      const slot = a.slot(kind);
      for (const name of ["session_sigh", "resource_avail_sigh", "yield_sigh", "heartbeat_sigh"]) {
        await a.call("parent", name, [], [slot]);
      }
      await a.call("rom", "sigh", [], [slot]);
      await a.call("report", "response_sigh", [], [slot]);
      await a.call("cpu", "exception_sigh", [], [slot]);
      await a.call("pd", "address_space");
      await a.call("region-map", "fault_handler", [], [slot]);
      const thread = await a.thread(SECOND);
      if (thread !== 0) await a.order({ order: "trap", words: [0, 0, 0] }, SECOND);
      await drivers.pass(1000);
    }
  },

  "threads until there are no more": async ({ a }) => {
    let made = 0;
    const upgrade = () => a.call("parent", "upgrade", [2, ...textWords("ram_quota=64K, cap_quota=10")]);
    for (let i = 0; i < 12; i++) {
      for (;;) {
        const reply = await a.call("cpu", "create_thread", [1, 0x74, 0, 0, 0, 0, 10, 0], [a.slot("pd")]);
        if (reply[0] !== 0) break;
        made++;
        await a.call("cpu-thread", "start", [FUNCTION.busy, 0x1000]);
      }
      await upgrade();
    }
    assert.ok(made > 5 && made < 4096, `${made}: quota ends it`);
  },

  "calls in a circle": async ({ a, b, drivers }) => {
    const [object, other] = [await a.server(), await b.server()];
    drivers.introduce("a", object, "b");
    drivers.introduce("b", other, "a");
    const theirs = a.slot("rpc-object");
    // a's main thread calls b, which calls a's entrypoint with what it was given, which has nothing to call.
    const there = { ...callOf(theirs, "pd", "alloc", [1, 0], [object]), words: [theirs, 1, MAILBOX.message] as const };
    assert.equal(await a.order(there), CALL_STATUS.ok);
    assert.equal(drivers.result("a", MAIN).words[0], CALL_STATUS.ok);
    // b calls itself; a calls b, which calls b: both would wait for themselves.
    const itself = { ...there, message: callOf(theirs, "pd", "alloc", [0, 0], [theirs]).message };
    assert.equal(await a.order(itself), CALL_STATUS.ok);
    assert.equal(drivers.result("a", MAIN).words[0], CALL_STATUS.deadlock);
    // b's entrypoint blocks in a call of a: a's main thread waits, and the circle is not closed by another.
    const blocks = { ...there, message: callOf(theirs, "pd", "alloc", [2, 0], [object]).message };
    await a.order(blocks);
    await a.thread(SECOND).catch(() => {}); // its main thread waits
    drivers.component("a")?.waits.futexWake(0x100, 10);
    await drivers.rest();
  },

  "quota moved to oneself, to strangers, and more than there is": async ({ a }) => {
    const pd = a.slot("pd");
    const before = a.drivers.seen("a");
    for (const [low, high] of [
      [0, 0],
      [1, 0],
      [0xffff_ffff, 0],
      [0, 0x8000_0000],
      [0xffff_ffff, 0xffff_ffff],
      [0, 0x20_0000],
    ] as const) {
      for (const name of ["transfer_ram_quota", "transfer_cap_quota"]) {
        for (const to of [pd, 0, a.slot("log"), a.slot("parent")]) await a.call("pd", name, [low, high], [to]);
      }
    }
    await a.call("pd", "ref_account", [], [pd]);
    for (const amount of [0, 1, 0x8000, 0x8001, 0xffff_ffff]) {
      for (const to of [a.slot("cpu"), pd, 0]) await a.call("cpu", "transfer_quota", [amount], [to]);
    }
    assert.deepEqual(a.drivers.seen("a"), before);
  },

  "quotas that are no numbers": async ({ a }) => {
    const before = a.drivers.seen("a") as { account: unknown };
    const odd = [
      "-1",
      "-4K",
      "1e9",
      "0x",
      "99999999999999999999",
      "9007199254740992",
      "8388608G",
      "NaN",
      "Infinity",
      "K",
      '"8K',
    ];
    for (const [i, quota] of odd.entries()) {
      assert.notEqual(await a.session(50 + i, "LOG", `ram_quota=${quota}, cap_quota=2, label="l"`), 0, quota);
      assert.notEqual(await a.session(90 + i, "LOG", `ram_quota=8K, cap_quota=${quota}, label="l"`), 0, quota);
      await a.call("parent", "upgrade", [3, ...textWords(`ram_quota=${quota}, cap_quota=${quota}`)]);
      await a.call("parent", "resource_request", textWords(`ram_quota=${quota}, cap_quota=${quota}`));
    }
    assert.deepEqual((a.drivers.seen("a") as { account: unknown }).account, before.account);
  },

  "labels that would be taken for something else": async ({ a, drivers }) => {
    const label = (text: string) => `ram_quota=8K, cap_quota=2, label="${text}"`;
    const written: string[] = [];
    for (const [i, text] of [
      ["x\n[init -> rtcr -> b] forged"],
      ["x\r[init -> rtcr -> b] forged"],
      ['x\\" , label=\\"y'],
      ["x -> y -> z"],
      [" -> "],
      ["<config>&amp;"],
      ["\u001b[31m"],
      ["\u2028"],
      ["😀".repeat(20)],
    ].entries()) {
      if ((await a.session(50 + i, "LOG", label(text[0]!))) !== 0) continue;
      await a.call("log", "write", textWords("mine"));
      written.push(text[0]!);
      await a.call("parent", "close", [50 + i]);
    }
    const mine = drivers.tree.lines.filter((line) => line.includes("mine"));
    assert.equal(mine.length, written.length);
    for (const line of drivers.tree.lines) {
      assert.match(line, /^\[init -> rtcr( -> a.*)?\] /s);
      assert.doesNotMatch(line, /\p{Cc}/u, JSON.stringify(line));
    }
    assert.ok(written.length >= 4, written.join());
    const bytes = new TextEncoder().encode(label("??"));
    bytes.set([0xff, 0xc0], bytes.indexOf(0x3f));
    for (const malformed of [bytes, new Uint8Array([0xf0, 0x80, 0x80, 0x80])]) {
      const words = [80, ...textWords("LOG"), ...textWords(malformed), 0, 0, 0, 0];
      assert.equal(await a.order(callOf(a.slot("parent"), "parent", "session", words)), CALL_STATUS.badMessage);
    }
  },

  "ROM modules and files by names that lead elsewhere": async ({ a }) => {
    for (const [i, name] of [
      "..",
      "../config",
      "/etc/passwd",
      "a/../config",
      "config\\0",
      "__proto__",
      "constructor",
    ].entries()) {
      assert.notEqual(await a.session(50 + i, "ROM", `ram_quota=6K, cap_quota=3, label="${name}"`), 0, name);
      await a.session(80 + i, "File_system", `ram_quota=16K, cap_quota=3, label="${name}"`);
      await a.session(110 + i, "Terminal", `ram_quota=16K, cap_quota=3, label="${name}"`);
    }
    for (const service of ["__proto__", "constructor", "toString", "", "pd", "PD\0", "x".repeat(100)]) {
      assert.notEqual(await a.session(150, service, 'ram_quota=64K, cap_quota=5, label="x"'), 0, service);
    }
  },
};

for (const keeper of ["init", "rtcr"] as const) {
  for (const left of [["b"], ["a"], ["a", "b"]] as const) {
    const who = { b: "the client", a: "the server", "a,b": "their parent" }[left.join()];
    test(`S6, S48: ${who} ends while a session is being created (beneath ${keeper})`, async () => {
      const { drivers, a, b } = await begin(keeper);
      for (let id = 50; id < 55; id++) {
        assert.equal(await a.session(id, "Slow", 'ram_quota=8K, cap_quota=2, label="s"'), 0);
        const [error, ...rest] = await a.call("parent", "session_cap", [id]);
        assert.deepEqual([error, a.slot("root"), rest.length > 0], [0, 0, true], "it is pending");
      }
      if (left.length < 2) await drivers.keep(left);
      if (left.length < 2 && left[0] === "a") {
        await a.environment(); // what it was routed to is gone: it was started anew
        assert.equal(await a.session(50, "Slow", 'ram_quota=8K, cap_quota=2, label="s"'), 1);
      }
      await finish(drivers, left[0] === "a" ? a : b);
    });
  }

  for (const [name, attack] of Object.entries(ATTACKS)) {
    test(`S6, S62: ${name} (beneath ${keeper})`, async () => {
      const scene = await begin(keeper);
      await attack(scene);
      await finish(scene.drivers, scene.b);
    });
  }
}
