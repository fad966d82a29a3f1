// An instance of a guest module as its embedder sees it.

import { EXPORT, type HostValue, type Signature, type ValueTypeName } from "../abi/index.ts";
import type { Instance } from "../engine/index.ts";
import { MachineFault } from "./faults.ts";
import { type GuestThread, toResult } from "./guest-thread.ts";

/** Exports listed in a message. */
const NAMES_SHOWN = 20;

/** Begins a thread in an export of an instance. */
export type StartThread = (instance: GuestInstance, name: string, args: readonly HostValue[]) => GuestThread;

/** Made by Machine.load and Machine.restore. */
export class GuestInstance {
  readonly name: string;
  /** SHA-256 of the module's bytes, hexadecimal. */
  readonly module: string;
  /**
   * What the module exports. Functions in it run at once and in one go: within a host function they are callbacks,
   * elsewhere short calls. No freeze is honoured before they return; what takes its time is for `start` and `call`.
   */
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
  /** The thread of the start function; undefined if the module has none. */
  readonly starting: GuestThread | undefined;
  readonly #engine: Instance;
  readonly #start: StartThread;

  /** @param starting gives the thread of the start function once the instance exists */
  constructor(engine: Instance, start: StartThread, starting: (instance: GuestInstance) => GuestThread | undefined) {
    this.name = engine.name;
    this.module = engine.program.info.module;
    this.#engine = engine;
    this.#start = start;
    const entries = Object.entries(engine.exports).filter(([name]) => !name.startsWith(EXPORT.prefix));
    this.exports = Object.freeze(Object.fromEntries(entries));
    this.starting = starting(this);
  }

  /**
   * Begins a thread that calls an exported function.
   *
   * @throws MachineFault "no-export", "arguments", "closed"
   */
  start(name: string, ...args: HostValue[]): GuestThread {
    return this.#start(this, name, args);
  }

  /**
   * Calls an exported function in a thread of its own and waits until it has ended, across freezes.
   *
   * @returns nothing, the result, or a list of several results
   * @throws MachineFault as `start`, and the kind of the thread's outcome when it did not return
   */
  async call(name: string, ...args: HostValue[]): Promise<HostValue | readonly HostValue[]> {
    const thread = this.start(name, ...args);
    return toResult(thread, await thread.done);
  }

  /** Index of an exported function in the module. */
  functionIndex(name: string): number {
    const { exports } = this.#engine.program.info;
    const found = exports.find((entry) => entry.kind === "func" && entry.name === name);
    if (found) return found.index;
    const names = exports.filter(({ kind }) => kind === "func").map((entry) => entry.name);
    const list = names.slice(0, NAMES_SHOWN).join(", ") || "none";
    throw new MachineFault("no-export", `${this.name}: expected an exported function called ${name}, found ${list}`);
  }
}

/** @throws MachineFault "arguments" unless a function of the type can be called with the values from JavaScript */
export function requireArguments(what: string, type: Signature, args: readonly HostValue[]): void {
  const { params, results } = type;
  const beyond = [...params, ...results].find((name) => name === "v128" || name === "exnref");
  if (beyond) {
    throw new MachineFault(
      "arguments",
      `${what}: a value of type ${beyond} cannot pass between JavaScript and a guest`,
    );
  }
  if (params.length !== args.length) {
    throw new MachineFault("arguments", `${what}: expected ${params.length} arguments, found ${args.length}`);
  }
  params.forEach((name, i) => {
    if (suits(args[i], name)) return;
    throw new MachineFault("arguments", `${what}: argument ${i}: expected ${expected(name)}, found ${typeof args[i]}`);
  });
}

function suits(value: HostValue, type: ValueTypeName): boolean {
  if (type === "i64") return typeof value === "bigint";
  if (type === "funcref") return value === null || typeof value === "function";
  return type === "externref" || typeof value === "number";
}

function expected(type: ValueTypeName): string {
  if (type === "i64") return "a bigint (i64)";
  return type === "funcref" ? "an exported function or null (funcref)" : `a number (${type})`;
}
