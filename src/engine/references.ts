// References as saved state: functions by instance and index, exceptions by tag and payload. Objects of the host have
// no such form and are refused by name.

import type { SavedValue, ValueTypeName } from "../abi/index.ts";
import type { Plain, PlainWriter } from "../util/index.ts";
import { EngineFault } from "./faults.ts";
import type { Instance } from "./instance.ts";
import { makeException, payloadOf } from "./payloads.ts";
import { fits } from "./values.ts";

export class References {
  readonly #instances: readonly Instance[];
  #functions: Map<unknown, { instance: number; index: number }> | undefined;
  #known = 0;

  constructor(instances: readonly Instance[]) {
    this.#instances = instances;
  }

  /** Writes what `save` gives. @throws as `save` */
  write(value: unknown, type: ValueTypeName, to: PlainWriter): void {
    if (value === null || (value === undefined && type !== "externref")) return to.none();
    const found = typeof value === "function" ? this.#index().get(value) : undefined;
    if (found) to.func(found.instance, found.index);
    else to.plain(this.save(value, type) as unknown as Plain);
  }

  /** @throws EngineFault "unsaveable" for what has no saved form */
  save(value: unknown, type: ValueTypeName): SavedValue {
    if (value === null || (value === undefined && type !== "externref")) return { type: "null" };
    if (type === "exnref") return this.#saveException(value);
    const found = typeof value === "function" ? this.#index().get(value) : undefined;
    if (found) return { type: "func", ...found };
    const what = typeof value === "function" ? "a function of the host" : `an object of the host (${describe(value)})`;
    throw new EngineFault("unsaveable", `${what} is held as ${type}; only functions of the program can be saved`, {
      type,
    });
  }

  /** Why a saved value cannot be loaded into this group; undefined if it can. */
  problem(value: SavedValue): string | undefined {
    if (value.type === "func") {
      const functions = this.#instances[value.instance]?.program.info.functions ?? 0;
      const known = Number.isInteger(value.index) && value.index >= 0 && value.index < functions;
      return known ? undefined : `function ${value.index} of instance ${value.instance} does not exist`;
    }
    if (value.type !== "exn") return undefined;
    const types = this.#instances[value.instance]?.program.info.tags[value.tag];
    if (!types) return `tag ${value.tag} of instance ${value.instance} does not exist`;
    const good = value.payload.length === types.length && types.every((type, i) => fits(value.payload[i]!, type));
    if (!good) return `the payload does not have the types of tag ${value.tag} of instance ${value.instance}`;
    return value.payload.map((item) => this.problem(item)).find((problem) => problem !== undefined);
  }

  load(value: SavedValue): unknown {
    if (value.type === "null") return null;
    if (value.type === "exn") {
      return makeException(this.#owner(value.instance, value.tag), value.tag, value.payload, this);
    }
    if (value.type !== "func") throw new EngineFault("mismatch", `expected a reference, found a saved ${value.type}`);
    const instance = this.#instances[value.instance];
    if (!instance || value.index >= instance.program.info.functions) {
      throw new EngineFault(
        "mismatch",
        `saved state names function ${value.index} of instance ${value.instance}, which does not exist`,
      );
    }
    return instance.function(value.index);
  }

  #saveException(value: unknown): SavedValue {
    if (!(value instanceof WebAssembly.Exception)) {
      throw new EngineFault("unsaveable", `an exception reference holds what the host threw (${describe(value)})`);
    }
    for (const instance of this.#instances) {
      for (const tag of instance.program.info.tags.keys()) {
        if (!value.is(instance.tag(tag))) continue;
        return { type: "exn", instance: instance.number, tag, payload: payloadOf(instance, tag, value, this) };
      }
    }
    throw new EngineFault("unsaveable", "an exception reference has a tag that no instance of the program knows");
  }

  /** The instance that a saved exception's tag is one of. */
  #owner(number: number, index: number): Instance {
    const instance = this.#instances[number];
    if (!instance || index >= instance.program.info.tags.length) {
      throw new EngineFault("mismatch", `saved state names tag ${index} of instance ${number}, which does not exist`);
    }
    return instance;
  }

  /** Functions by identity; made when the first is looked up, because it touches every function once. */
  #index(): Map<unknown, { instance: number; index: number }> {
    if (!this.#functions || this.#known !== this.#instances.length) {
      this.#functions = new Map();
      this.#known = this.#instances.length;
      for (const instance of this.#instances) {
        for (let index = instance.program.info.functions - 1; index >= 0; index--) {
          const fn = instance.function(index);
          if (!this.#functions.has(fn)) this.#functions.set(fn, { instance: instance.number, index });
        }
      }
    }
    return this.#functions;
  }
}

function describe(value: unknown): string {
  return typeof value === "object" ? (Object.getPrototypeOf(value)?.constructor?.name ?? "object") : typeof value;
}
