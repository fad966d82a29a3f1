// The ways to run a script: a world holds the instances of one script and calls their functions. The interpreter
// (interpreter.ts) knows only this interface.

import type { LoadedProgram } from "../../../src/core/program.ts";
import { type FunctionType, functionType, functionTypeIndex, type Module } from "../../../src/wasm/index.ts";
import { callerModule, passable } from "./caller.ts";
import type { Constant } from "./script.ts";
import type { Actual } from "./values.ts";

/** A module ready to be instantiated either way. */
export interface Prepared {
  readonly label: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly module: Module;
  /** Rewritten in one of the forms; made when it is first asked for. */
  program(form: Form): LoadedProgram;
}

/**
 * How a module is rewritten: as always, with a poll at every turn of every loop, or at every second turn. States that
 * were saved in one form are continued in others.
 */
export const FORMS = { standard: {}, everyTurn: { mostTurns: 1 }, secondTurn: { mostTurns: 2 } } as const;
/** RTCR_MARKS=1: all forms have marks, and after every call nothing may have changed unmarked. */
export const MARKED = process.env["RTCR_MARKS"] === "1";
export type Form = keyof typeof FORMS;

/** How a call, a look at a global or an instantiation ended. */
export type Outcome =
  | { readonly kind: "returned"; readonly values: readonly Actual[] }
  | { readonly kind: "trapped" | "exhausted" | "threw" | "unlinkable"; readonly message: string };

export type Added<Instance> = { readonly instance: Instance } | { readonly outcome: Outcome };

/** Instances by the name that imports use. */
export type Registry<Instance> = ReadonlyMap<string, Instance>;

export interface World<Instance> {
  readonly way: Way;
  /** Instantiates a module, its start function included. */
  add(prepared: Prepared, registry: Registry<Instance>): Added<Instance>;
  invoke(instance: Instance, field: string, args: readonly Constant[]): Outcome;
  get(instance: Instance, field: string): Outcome;
  /** What of an instance other threads may use: its shared memories. */
  share(instance: Instance): SharedExports;
  /** An instance of another thread, as far as it is shared; nothing in it can be called. */
  adopt(exports: SharedExports): Instance;
  /** Why parts of the last call could not be done this way, though it ended; forgotten when asked. */
  takeSkipped(): string | undefined;
  /** Freezes so far. */
  readonly points: number;
}

/** Shared memories by export name. */
export type SharedExports = Readonly<Record<string, WebAssembly.Memory>>;

/** The shared memories among an instance's exports. */
export function sharedExports(exports: Readonly<Record<string, unknown>>): SharedExports {
  const shared = Object.entries(exports).filter(
    (entry): entry is [string, WebAssembly.Memory] =>
      entry[1] instanceof WebAssembly.Memory && !(entry[1].buffer instanceof ArrayBuffer),
  );
  return Object.fromEntries(shared);
}

export const WAYS = ["plain", "rewritten", "tortured"] as const;
export type Way = (typeof WAYS)[number];

/** An exported function: its type, and the module of its caller if JavaScript cannot call it exactly. */
export interface Callee {
  readonly index: number;
  readonly type: FunctionType;
  /** Bytes and a name that equals for equal bytes. */
  readonly caller: { readonly key: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
}

const callees = new WeakMap<Prepared, Map<string, Callee>>();

/** @throws Error if there is no such function */
export function calleeOf(prepared: Prepared, field: string): Callee {
  let known = callees.get(prepared);
  if (!known) callees.set(prepared, (known = new Map()));
  let callee = known.get(field);
  if (!callee) known.set(field, (callee = makeCallee(prepared, field)));
  return callee;
}

function makeCallee(prepared: Prepared, field: string): Callee {
  const index = exportIndex(prepared, field, "func");
  const type = functionType(prepared.module, index);
  if (passable(type)) return { index, type, caller: undefined };
  const typeIndex = functionTypeIndex(prepared.module, index);
  const bytes = callerModule(prepared.module, typeIndex);
  return { index, type, caller: { key: Buffer.from(bytes).toString("latin1"), bytes } };
}

/** The index of an export in its index space. */
export function exportIndex({ label, module }: Prepared, field: string, kind: "func" | "global"): number {
  const found = module.exports.find((entry) => entry.name === field);
  if (found?.kind === kind) return found.index;
  throw new Error(
    `${label} exports no ${kind} ${JSON.stringify(field)}, it exports ${found?.kind ?? "nothing"} of that name`,
  );
}

/** What a thrown value says about a plain call. */
export function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof WebAssembly.RuntimeError) return { kind: "trapped", message: thrown.message };
  if (thrown instanceof RangeError) return { kind: "exhausted", message: thrown.message };
  if (thrown instanceof WebAssembly.Exception) return { kind: "threw", message: "an exception" };
  if (thrown instanceof WebAssembly.LinkError) return { kind: "unlinkable", message: thrown.message };
  throw thrown;
}
