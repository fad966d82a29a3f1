// The script on the engine itself: what rtcr is compared with.

import { required } from "../../../src/util/index.ts";
import { isRef } from "../../../src/wasm/index.ts";
import { callerArguments, callerResults, directArguments, directResults, globalValue } from "./call.ts";
import { isExceptionReference } from "./caller.ts";
import type { Constant } from "./script.ts";
import {
  type Added,
  type Callee,
  calleeOf,
  exportIndex,
  type Outcome,
  outcomeOf,
  type Prepared,
  type Registry,
  type SharedExports,
  sharedExports,
  type World,
} from "./world.ts";

export interface PlainInstance {
  /** Absent in an adopted one. */
  readonly prepared?: Prepared;
  readonly exports: WebAssembly.Exports;
}

export class PlainWorld implements World<PlainInstance> {
  readonly way = "plain";
  readonly points = 0;
  readonly #callers = new Map<string, WebAssembly.Exports>();

  add(prepared: Prepared, registry: Registry<PlainInstance>): Added<PlainInstance> {
    const imports: Record<string, WebAssembly.ModuleImports> = {};
    for (const { module, name } of prepared.module.imports) {
      const value = registry.get(module)?.exports[name];
      if (value === undefined) return { outcome: { kind: "unlinkable", message: `unknown import ${module}.${name}` } };
      (imports[module] ??= {})[name] = value;
    }
    try {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared.bytes), imports);
      return { instance: { prepared, exports } };
    } catch (thrown) {
      return { outcome: outcomeOf(thrown) };
    }
  }

  invoke({ prepared, exports }: PlainInstance, field: string, args: readonly Constant[]): Outcome {
    const callee = calleeOf(required(prepared, "the module of what is called"), field);
    const call = exports[field] as (...args: unknown[]) => unknown;
    try {
      if (callee.caller) return { kind: "returned", values: this.#throughCaller(callee, call, args) };
      const values = resultsOf(call(...directArguments(args)), callee.type.results.length);
      return { kind: "returned", values: directResults(callee.type, values) };
    } catch (thrown) {
      return outcomeOf(thrown);
    }
  }

  get(instance: PlainInstance, field: string): Outcome {
    const prepared = required(instance.prepared, "the module of what is read");
    const global = instance.exports[field] as WebAssembly.Global;
    return { kind: "returned", values: [globalValue(prepared.module, exportIndex(prepared, field, "global"), global)] };
  }

  share({ exports }: PlainInstance): SharedExports {
    return sharedExports(exports);
  }

  adopt(exports: SharedExports): PlainInstance {
    return { exports };
  }

  takeSkipped(): undefined {}

  #throughCaller({ caller, type }: Callee, call: unknown, args: readonly Constant[]) {
    const { key, bytes } = caller!;
    const exports = this.#callers.get(key) ?? new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    this.#callers.set(key, exports);
    const memory = exports["values"] as WebAssembly.Memory;
    (exports["function"] as WebAssembly.Table).set(0, call);
    const references = callerArguments(memory, args);
    const returned = (exports["call"] as (...args: unknown[]) => unknown)(...references);
    const count = type.results.filter((result) => isRef(result) && !isExceptionReference(result)).length;
    return callerResults(memory, type, resultsOf(returned, count));
  }
}

function resultsOf(value: unknown, count: number): readonly unknown[] {
  return count > 1 ? (value as unknown[]) : [value];
}
