// One call of a function of a steerable module: on the plain engine, and rewritten, frozen, serialised, discarded and
// restored at its safe points. Both must end alike and leave the same memory.

import assert from "node:assert/strict";
import type { HostCall, HostImports, HostValue, SavedGroup } from "../../src/abi/index.ts";
import { preview1Kind } from "../../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../../src/core/program.ts";
import { captureGroup, type Ending, Group, restoreGroup, stackExhausted, type Thread } from "../../src/engine/index.ts";
import { messageOf } from "../../src/util/index.ts";
import { encodeModule, type FunctionType, I64, importsOf, isRef, V128 } from "../../src/wasm/index.ts";
import { carried } from "../torture.ts";
import { type Choice, OWN, opened, type Steerable, writeChoice } from "./steerable.ts";

/** Safe points of one call that are taken at most, and behind the one that was wanted; the call then runs on. */
const MOST_POINTS = 400;
const POINTS_BEHIND = 2;
const FUEL = 2_000;
/** As under `rtcr torture`. */
export const DENSE = { mostTurns: 1, pieceBytes: 4096 };

export interface Call {
  readonly function: number;
  readonly args: readonly unknown[];
  readonly choices: ReadonlyMap<number, Choice>;
}

const UNSTEERED: Choice = { skipped: 0, count: 0, first: OWN, other: OWN };

class Exit extends Error {}

/** Runs calls; what was compiled once is used again. */
export class SteeredProgram {
  readonly loaded: LoadedProgram;
  readonly #given: Steerable;
  readonly #plain: WebAssembly.Module;
  readonly #compiled = new Map<Uint8Array, WebAssembly.Module>();

  constructor(given: Steerable, name: string) {
    this.#given = given;
    this.#plain = new WebAssembly.Module(opened(given));
    this.loaded = loadProgram(encodeModule(given.module), name, DENSE);
  }

  /** Types of a function's parameters. */
  params(index: number): FunctionType["params"] {
    const { module, spaces } = this.#given;
    return (module.types[spaces.functions[index]!] as FunctionType).params;
  }

  /**
   * Makes a call in both ways. The frozen one is captured, serialised and restored where a frame stands at a place that
   * is `wanted`, and goes on in place at other safe points.
   *
   * @param target the place that the choices lead to: the call runs on soon behind it
   * @returns where frames stood when it was restored; places are `function position` in the steerable module
   * @throws AssertionError where the two differ
   */
  call(call: Call, target: string, wanted: (place: string) => boolean): Set<string> {
    const plain = this.#callPlain(call);
    const restored = new Set<string>();
    const frozen = this.#callFrozen(call, target, (places) => {
      if (!places.some((place) => wanted(place) && !restored.has(place))) return false;
      for (const place of places) restored.add(place);
      return true;
    });
    if (plain.ending === "exhausted" || frozen.ending === "exhausted") return restored;
    assert.deepEqual(frozen.ending, plain.ending);
    plain.memories.forEach((bytes, index) => {
      assert.ok(Buffer.compare(bytes, frozen.memories[index]!) === 0, `memory ${index} differs`);
    });
    return restored;
  }

  #callPlain(call: Call) {
    const imports: Record<string, WebAssembly.ModuleImports> = {};
    for (const { module, name } of importsOf(this.#given.module, "func")) {
      const { call: run } = this.#hostFunction(module, name);
      const host = {
        exit: () => {
          throw new Exit();
        },
      } as unknown as HostCall;
      (imports[module] ??= {})[name] = (...args: HostValue[]) => run(host, ...args);
    }
    const { exports } = new WebAssembly.Instance(this.#plain, imports);
    const memories = () =>
      Array.from({ length: this.#given.memory + 1 }, (_, index) => bytesOf(exports[`m${index}`] as WebAssembly.Memory));
    this.#choose(memories()[this.#given.memory]!, call);
    const ending = plainEnding(() => (exports[`f${call.function}`] as (...args: unknown[]) => unknown)(...call.args));
    return { ending, memories: memories() };
  }

  #callFrozen(call: Call, target: string, restores: (places: readonly string[]) => boolean) {
    let group = this.#group();
    this.#choose(bytesOf(group.instances[0]!.memories[this.#given.memory]!), call);
    let thread = group.spawn({ instance: 0, function: call.function, name: "f" }, call.args);
    for (let left = MOST_POINTS; ; left--) {
      if (left > 0) group.request();
      group.run(thread);
      if (thread.ending) break;
      const places = group.stacks.frames(thread).map((frame) => `${frame.function} ${frame.position}`);
      if (places.includes(target)) left = Math.min(left, POINTS_BEHIND);
      if (!restores(places)) continue;
      const saved = carried(captureGroup(group));
      group = this.#group(saved);
      restoreGroup(group, saved);
      thread = group.threads[0] as Thread;
    }
    return { ending: endingOf(thread.ending), memories: group.instances[0]!.memories.map(bytesOf) };
  }

  #group(saved?: SavedGroup): Group {
    const group = new Group({ compile: (bytes) => this.#compile(bytes) });
    const imports: Record<string, Record<string, HostImports[string][string]>> = {};
    for (const { module, name } of importsOf(this.#given.module, "func"))
      (imports[module] ??= {})[name] = this.#hostFunction(module, name);
    group.add("f", this.loaded, imports, {}, { saved: saved?.instances[0] });
    return group;
  }

  /** Succeeds at once, whatever it is asked for. */
  #hostFunction(module: string, name: string): HostImports[string][string] {
    const { types, imports } = this.#given.module;
    const found = imports.find((entry) => entry.module === module && entry.name === name);
    const { results } = types[found?.kind === "func" ? found.type : -1] as FunctionType;
    const result = results[0] === undefined ? undefined : results[0] === I64 ? 0n : 0;
    return {
      freeze: preview1Kind(name) === "restartable" ? "restartable" : "instant",
      call: (host) => (name === "proc_exit" ? host.exit(0) : result),
    };
  }

  #choose(memory: Uint8Array, { choices }: Call): void {
    const words = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    for (let choice = 1; choice < this.#given.choiceCount; choice++) {
      writeChoice(words, choice, choices.get(choice) ?? UNSTEERED);
    }
    words.setUint32(0, FUEL, true);
  }

  #compile(bytes: Uint8Array): WebAssembly.Module {
    let module = this.#compiled.get(bytes);
    if (!module) this.#compiled.set(bytes, (module = new WebAssembly.Module(bytes as BufferSource)));
    return module;
  }
}

/** Whether a host can call a function: it takes no vectors and no references that may not be null. */
export function callable(params: FunctionType["params"]): boolean {
  return params.every((type) => type !== V128 && !isRef(type));
}

function bytesOf({ buffer }: WebAssembly.Memory): Uint8Array {
  return new Uint8Array(buffer);
}

type Observed = "exhausted" | { readonly kind: string; readonly what: unknown };

function plainEnding(run: () => unknown): Observed {
  try {
    const value = run();
    return { kind: "returned", what: value === undefined ? [] : [value].flat() };
  } catch (thrown) {
    if (thrown instanceof Exit) return { kind: "exited", what: 0 };
    return thrownEnding(thrown);
  }
}

function thrownEnding(thrown: unknown): Observed {
  if (stackExhausted(thrown)) return "exhausted";
  if (thrown instanceof WebAssembly.Exception) return { kind: "threw", what: "exception" };
  return { kind: thrown instanceof WebAssembly.RuntimeError ? "trapped" : "threw", what: messageOf(thrown) };
}

function endingOf(ending: Ending): Observed {
  if (ending.kind === "returned") return { kind: "returned", what: [...ending.results] };
  if (ending.kind === "exited") return { kind: "exited", what: ending.code };
  return thrownEnding(ending.error);
}
