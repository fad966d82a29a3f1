// The script rewritten: every module of it is an instance of one group, linked through exports.
//
// Tortured, the thread gives way at every safe point. Each time it is saved, written as JSON, read back and restored
// in place; at some of them the whole group is captured and brought up in a fresh one, instance by instance, rewritten
// in another form.
//
// A stop costs as much as the stack is deep, so that stopping at every call of a deep recursion would take for ever:
// the deeper the stack and the more stops a call has had, the more safe points are passed until the next.

import type { PlainData, SavedGroup, SavedInstance, SavedThread } from "../../../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../../../src/core/program.ts";
import {
  captureGroup,
  type Ending,
  EngineFault,
  Group,
  type Instance,
  restoreGroup,
  type Thread,
} from "../../../src/engine/index.ts";
import { required } from "../../../src/util/index.ts";
import { auditsOf } from "../../support/marks-audit.ts";
import { fromText, toText } from "../plain-text.ts";
import { callerArguments, callerResults, directArguments, directResults, globalValue } from "./call.ts";
import type { Constant } from "./script.ts";
import {
  type Added,
  calleeOf,
  exportIndex,
  type Form,
  MARKED,
  type Outcome,
  outcomeOf,
  type Prepared,
  type Registry,
  type SharedExports,
  sharedExports,
  type World,
} from "./world.ts";

/** An instance by its number: the objects behind it change when the group is restored. */
export interface GroupInstance {
  /** Absent in an adopted one. */
  readonly prepared?: Prepared;
  /** From 0 its number in the group; below 0 it is adopted. */
  readonly number: number;
}

/** How an instance is made again. */
interface Recipe {
  readonly label: string;
  readonly program: (form: Form) => LoadedProgram;
  readonly links: readonly { readonly module: string; readonly name: string; readonly from: number }[];
}

export interface TortureOptions {
  /** Whole captures for one script at most: each instantiates everything again. */
  readonly captures: number;
}

/** Stops of one call at every safe point; then ever rarer. */
const DENSE_STOPS = 400;

const callers = new Map<string, LoadedProgram>();

export class GroupWorld implements World<GroupInstance> {
  readonly way: "rewritten" | "tortured";
  points = 0;
  captures = 0;
  readonly #options: TortureOptions | undefined;
  readonly #recipes: Recipe[] = [];
  readonly #adopted: SharedExports[] = [];
  readonly #callers = new Map<string, number>();
  #group = new Group();
  #form: Form;
  #skipped: string | undefined;
  #stride = 1;
  #passed = 0;
  /** Frames of the thread when it was saved last. */
  #depth = 0;

  /** @param torture absent: no thread ever gives way */
  constructor(torture?: TortureOptions) {
    this.way = torture ? "tortured" : "rewritten";
    this.#form = torture ? "everyTurn" : "standard";
    this.#options = torture;
    this.#prepareGroup(this.#group);
  }

  add(prepared: Prepared, registry: Registry<GroupInstance>): Added<GroupInstance> {
    const links: Recipe["links"][number][] = [];
    for (const { module, name } of prepared.module.imports) {
      const from = registry.get(module)?.number;
      if (from === undefined || !this.#hasExport(from, name)) {
        return { outcome: { kind: "unlinkable", message: `unknown import ${module}.${name}` } };
      }
      links.push({ module, name, from });
    }
    try {
      const number = this.#add({ label: prepared.label, program: prepared.program, links });
      const { start } = prepared.program(this.#form).info;
      if (start !== undefined) {
        const outcome = this.#run(number, start, "start", []);
        if (outcome.kind !== "returned") return { outcome: outcomeOfEnding(outcome) };
      }
      return { instance: { prepared, number } };
    } catch (thrown) {
      if (thrown instanceof EngineFault && thrown.code === "link")
        return { outcome: { kind: "unlinkable", message: thrown.message } };
      return { outcome: outcomeOf(thrown) };
    }
  }

  invoke({ prepared, number }: GroupInstance, field: string, args: readonly Constant[]): Outcome {
    const { caller, index, type } = calleeOf(required(prepared, "the module of what is called"), field);
    if (!caller) {
      const ending = this.#run(number, index, field, directArguments(args));
      if (ending.kind !== "returned") return outcomeOfEnding(ending);
      return { kind: "returned", values: directResults(type, ending.results) };
    }
    const calling = this.#caller(caller.key, caller.bytes);
    const memory = () => this.#group.instances[calling]!.memories[0]!;
    const { exports } = this.#group.instances[calling]!;
    (exports["function"] as WebAssembly.Table).set(0, this.#group.instances[number]!.function(index));
    const ending = this.#run(calling, 0, "call", callerArguments(memory(), args));
    if (ending.kind !== "returned") return outcomeOfEnding(ending);
    return { kind: "returned", values: callerResults(memory(), type, ending.results) };
  }

  get({ prepared: known, number }: GroupInstance, field: string): Outcome {
    const prepared = required(known, "the module of what is read");
    const index = exportIndex(prepared, field, "global");
    const global = this.#group.instances[number]!.exports[field] as WebAssembly.Global;
    return { kind: "returned", values: [globalValue(prepared.module, index, global)] };
  }

  share({ number }: GroupInstance): SharedExports {
    return number < 0 ? this.#adopted[-1 - number]! : sharedExports(this.#group.instances[number]!.exports);
  }

  adopt(exports: SharedExports): GroupInstance {
    return { number: -this.#adopted.push(exports) };
  }

  takeSkipped(): string | undefined {
    const skipped = this.#skipped;
    this.#skipped = undefined;
    return skipped;
  }

  #caller(key: string, bytes: Uint8Array<ArrayBuffer>): number {
    let program = callers.get(key);
    if (!program) callers.set(key, (program = loadProgram(bytes, "", { shareMemories: false })));
    let number = this.#callers.get(key);
    if (number === undefined)
      this.#callers.set(key, (number = this.#add({ label: "caller", program: () => program, links: [] })));
    return number;
  }

  #add(recipe: Recipe): number {
    const { instances } = this.#group;
    const number = instances.length;
    try {
      return this.#addTo(this.#group, recipe, this.#form).number;
    } finally {
      // One that failed stays in the group if it has left functions in tables of others.
      if (instances.length > number) this.#recipes.push(recipe);
    }
  }

  #run(instance: number, index: number, name: string, args: readonly unknown[]): Ending {
    this.#backToEveryTurn();
    let thread = this.#group.spawn({ instance, function: index, name }, args);
    let audits = MARKED ? auditsOf(this.#group.instances) : [];
    this.#stride = 1;
    this.#passed = 0;
    if (this.#options) this.#group.request();
    for (let stops = 0; ; stops++) {
      this.#group.run(thread);
      for (const audit of audits) audit.look(name);
      if (thread.ending) break;
      this.points++;
      const before = this.#group;
      thread = this.#stop(thread);
      if (MARKED && before !== this.#group) audits = auditsOf(this.#group.instances);
      this.#stride = Math.max(1, this.#depth >> 3, Math.floor((stops * stops) / (DENSE_STOPS * DENSE_STOPS)));
    }
    this.#group.release();
    return thread.ending!;
  }

  /** Saves and restores a frozen thread; at some points the whole group. */
  #stop(thread: Thread): Thread {
    try {
      if (this.captures < this.#options!.captures && isSample(this.points)) {
        this.captures++;
        this.#replaceGroup(this.#form === "everyTurn" ? "secondTurn" : "everyTurn");
        this.#group.request();
        this.#depth = this.#group.stacks.frames(this.#group.threads[0]!).length;
        return this.#group.threads[0]!;
      }
      const saved = fromText(toText(this.#group.save(thread) as unknown as PlainData)) as unknown as SavedThread;
      const restored = this.#group.restore(saved);
      this.#depth = saved.frames.length;
      this.#group.threads.splice(this.#group.threads.indexOf(thread), 1);
      return restored;
    } catch (thrown) {
      if (!(thrown instanceof EngineFault) || thrown.code !== "unsaveable") throw thrown;
      this.#skipped = thrown.message;
      return thread;
    }
  }

  /** Captures the group and goes on in a fresh one of another form. */
  #replaceGroup(form: Form): void {
    const text = toText(captureGroup(this.#group) as unknown as PlainData);
    const fresh = new Group();
    const saved = fromText(text) as unknown as SavedGroup;
    this.#recipes.forEach((recipe, number) => {
      this.#addTo(fresh, recipe, form, saved.instances[number]);
    });
    restoreGroup(fresh, saved);
    this.#prepareGroup(fresh);
    this.#form = form;
    this.#group = fresh;
  }

  /** A call begins in the form that polls most, unless something in the group cannot be captured. */
  #backToEveryTurn(): void {
    if (!this.#options || this.#form === "everyTurn") return;
    try {
      this.#replaceGroup("everyTurn");
    } catch (thrown) {
      if (!(thrown instanceof EngineFault) || thrown.code !== "unsaveable") throw thrown;
    }
  }

  #addTo(group: Group, { label, program, links }: Recipe, form: Form, saved?: SavedInstance): Instance {
    const values: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module, name, from } of links) {
      const exports = from < 0 ? this.#adopted[-1 - from]! : group.instances[from]!.exports;
      (values[module] ??= {})[name] = exports[name] as WebAssembly.ImportValue;
    }
    return group.add(label, program(form), {}, values, { saved });
  }

  #hasExport(from: number, name: string): boolean {
    if (from < 0) return name in this.#adopted[-1 - from]!;
    return this.#recipes[from]!.program(this.#form).info.exports.some((entry) => entry.name === name);
  }

  #prepareGroup(group: Group): void {
    group.policy = () => {
      this.#passed++;
      if (this.#passed < this.#stride) return false;
      this.#passed = 0;
      return true;
    };
  }
}

/** Whether the whole group is captured at the n-th point of a script: every second at first, then ever fewer. */
function isSample(point: number): boolean {
  return (point <= 16 && point % 2 === 0) || (point & (point - 1)) === 0 || point % 97 === 0;
}

function outcomeOfEnding(ending: Exclude<Ending, { readonly kind: "returned" }>): Outcome {
  if (ending.kind === "exited") throw new Error(`a program without WASI exits with ${ending.code}`);
  if (ending.kind === "threw") return outcomeOf(ending.error);
  return { kind: ending.kind, message: ending.error.message };
}
