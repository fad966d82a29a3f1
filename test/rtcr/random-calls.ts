// Random calls for the guests of driver.ts: every function of every kind of object that a guest can hold (abi/rpc.ts), with
// arguments that mostly fit, and messages that mostly are well-formed.
import { MESSAGE, RPC, type RpcFunction } from "../../src/abi/index.ts";
import type { Random } from "../random.ts";
import { type Command, FUNCTION, FUTEX_WORD, MAILBOX, MAILBOXES, ORDERS, type Order } from "./driver.ts";

export const SERVICES: Readonly<Record<string, string>> = {
  LOG: 'ram_quota=8K, cap_quota=2, label="more"',
  Timer: 'ram_quota=10K, cap_quota=2, label=""',
  RM: 'ram_quota=64K, cap_quota=6, label=""',
  ROM: 'ram_quota=6K, cap_quota=3, label="config"',
  Report: 'ram_quota=20K, cap_quota=3, label="r", buffer_size=4K',
  TRACE: 'ram_quota=64K, cap_quota=8, label="", arg_buffer_size=4K, parent_levels=2',
  File_system: 'ram_quota=16K, cap_quota=3, label="/"',
  Terminal: 'ram_quota=16K, cap_quota=3, label="t"',
  PD: 'ram_quota=300K, cap_quota=20, label="inner"',
  CPU: 'ram_quota=36K, cap_quota=5, label="inner"',
  Nowhere: 'ram_quota=4K, cap_quota=1, label=""',
};
const ODD_ARGS = [
  "",
  'label="x"',
  'ram_quota=0, cap_quota=0, label="y"',
  'ram_quota=1G, cap_quota=1, label="z"',
  'ram_quota=-1, cap_quota=2, label="n"',
  'ram_quota=99999999999999999999, cap_quota=3, label="o"',
  'ram_quota=8K, cap_quota=2, label="a\\"b"',
  "ram_quota=8K cap_quota",
  `label="${"l".repeat(200)}"`,
];
const TEXTS = ["", "x", "one\ntwo", "Timer", "config", "y".repeat(231), "z".repeat(300), "\u0000\ufffd"];
const WORDS = [
  0, 1, 2, 3, 5, 7, 10, 99, 4096, 8192, 12_288, 40_960, 0x2000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
/** Functions that are not called, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "parent exit": "ends who would have to go on",
  "native-cpu native_cap": "gives the thread behind an interposer, by its definition (S29)",
};
/** What is not called besides, where the guests are restored in between. */
export const LEFT_OUT_OF_RESTORES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(RPC["trace"]!.map(({ name }) => [`trace ${name}`, "the session is opened anew"])),
  "cpu trace_control": "belongs to the session, which is another one",
  "cpu-thread trace_control_index": "the place of a thread that was killed is taken by the next",
  "cpu-thread trace_buffer": "TRACE",
  "cpu-thread trace_policy": "TRACE",
  "dataspace phys_addr": "where it is now",
  "native-pd load": "a refused program leaves a message",
  "native-pd problem": "is not recorded",
  "cpu-thread save_state": "names calls by their numbers, which are others then",
  "cpu-thread set_state": "as save_state",
};

/** Kinds that RTCR does not stand in front of, and that the system of this test has none of. */
export const NOT_HERE: readonly string[] = ["root", "io-mem", "io-port", "irq", "rtcr"];

/** What is known of a guest when a command for it is chosen. */
export interface Known {
  readonly slots: ReadonlyMap<number, string>;
  /** The mailbox whose thread is going to make the call. */
  readonly mailbox: number;
}

const NO_ORDERS: readonly Order[] = ["call", "trap", "return", "flood"];

export class RandomCalls {
  readonly #random: Random;
  readonly #leftOut: Readonly<Record<string, string>>;
  readonly #orders: readonly Order[];
  /** Functions that were called, as `kind function`. */
  readonly called = new Set<string>();

  /** @param restored whether the guests are restored in between */
  constructor(random: Random, restored = false) {
    this.#random = random;
    this.#leftOut = restored ? { ...LEFT_OUT, ...LEFT_OUT_OF_RESTORES } : LEFT_OUT;
    this.#orders = ORDERS.filter((each) => !NO_ORDERS.includes(each));
  }

  next(known: Known): Command {
    const { below, pick } = this.#random;
    if (below(8) > 0) return this.#call(known);
    const slot = this.#slot(known);
    const order = pick(this.#orders);
    switch (order) {
      case "serve":
        // The initial thread goes on taking orders.
        if (known.mailbox === MAILBOXES[0]) return { order: "yield", words: [0, 0, 0] };
        return { order, words: [pick([FUNCTION.dispatch, FUNCTION.wide, 0, 99]), 0, MAILBOX.message] };
      case "futex_wake":
        return { order, words: [pick([FUTEX_WORD, 2, 0xffff_fffc]), below(4), 0] };
      case "futex_wait":
        return { order, words: [pick([FUTEX_WORD, 3, 0xffff_fffc]), 1, -1] };
      default:
        return { order, words: [slot, 0, 0] };
    }
  }

  /** A slot; mostly of a kind. */
  #slot({ slots }: Known, kind?: string): number {
    const { below, pick } = this.#random;
    if (below(12) === 0) return pick([0, 1000, -1, 0x7fff_ffff]);
    const all = [...slots.keys()];
    const fit = kind === undefined ? all : all.filter((slot) => slots.get(slot) === kind);
    return below(6) > 0 && fit.length > 0 ? pick(fit) : pick(all);
  }

  #call(known: Known): Command {
    const { below, pick } = this.#random;
    const kinds = [...new Set(known.slots.values())].filter((kind) => RPC[kind] || kind === "rpc-object");
    const kind = pick(kinds);
    const slot = this.#slot(known, kind);
    const functions = RPC[kind] ?? [];
    const opcode = below(15) === 0 || functions.length === 0 ? below(5) : below(functions.length);
    const found = RPC[known.slots.get(slot) ?? ""]?.[opcode];
    const name = `${known.slots.get(slot)} ${found?.name}`;
    if (name in this.#leftOut) return { order: "yield", words: [0, 0, 0] };
    if (found) this.called.add(name);
    const message = this.#message(known, found);
    return {
      order: "call",
      words: [slot, opcode, pick([...Array(20).fill(MAILBOX.message), 0x7fff_0000, 66])],
      message,
    };
  }

  #message(known: Known, { in: args, name }: RpcFunction = { name: "", in: [["word", "u32"]], out: [], errors: [] }) {
    const { below } = this.#random;
    const message = new Uint8Array(MESSAGE.sizeBytes);
    const view = new DataView(message.buffer);
    const slots: number[] = [];
    let at = 0;
    const word = (value: number) => {
      view.setUint32(MESSAGE.data + at, value >>> 0, true);
      at += 4;
    };
    for (const [label, type] of args) {
      if (type === "cap") slots.push(this.#slot(known, CAPABILITY_OF[label]));
      else if (type === "text" || type === "bytes") {
        const bytes = new TextEncoder().encode(this.#text(name, label));
        word(bytes.length);
        message.set(bytes, MESSAGE.data + at);
        at += Math.ceil(bytes.length / 4) * 4;
      } else if (type === "location") for (let i = 0; i < 4; i++) word(below(3));
      else {
        word(this.#number(label));
        if (type === "u64") word(below(10) === 0 ? this.#number(label) : 0);
      }
    }
    while (args.length === 1 && slots.length < below(3)) slots.push(this.#slot(known)); // more than it expects
    const lie = below(30) === 0;
    view.setUint32(MESSAGE.bytes, lie ? this.#number("") : at, true);
    view.setUint32(MESSAGE.capabilities, lie && below(2) === 0 ? 9 : slots.length, true);
    for (const [i, slot] of slots.entries()) view.setUint32(MESSAGE.slots + i * 4, slot >>> 0, true);
    return message;
  }

  #text(name: string, label: string): string {
    const { below, pick } = this.#random;
    if (label === "service") return pick([...Object.keys(SERVICES), ""]);
    if (label !== "args") return pick(TEXTS);
    if (name === "upgrade") return pick(["ram_quota=4K, cap_quota=1", "ram_quota=64K", "cap_quota=2", ""]);
    return below(6) === 0 ? pick(ODD_ARGS) : pick(Object.values(SERVICES));
  }

  #number(label: string): number {
    const { below, pick } = this.#random;
    if (label === "ip") return pick([...Object.values(FUNCTION), 0, 99]);
    if (label === "sp") return pick([...MAILBOXES.slice(1), 0x1000, 0]);
    if (label === "id") return pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    return below(3) === 0 ? below(0x1_0000) : pick(WORDS);
  }
}

/** What kind of object an argument is meant to be. */
const CAPABILITY_OF: Readonly<Record<string, string>> = {
  ...{ context: "signal-context", source: "signal-source", entrypoint: "cpu-thread", object: "rpc-object" },
  ...{ pd: "pd", to: "pd", dataspace: "dataspace", into: "dataspace", thread: "cpu-thread", cpu: "cpu" },
  ...{ map: "region-map", parent: "parent", session: "rpc-object", binary: "dataspace" },
};
