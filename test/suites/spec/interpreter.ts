// Runs the commands of one script in one world and says of each whether it did what the script asserts.
//
// A module that rtcr refuses by name (garbage collection) is skipped in every way, and so is every command that needs
// it: the reason is carried along. A module that should have worked and did not fails all that need it.

import { messageOf } from "../../../src/util/index.ts";
import { WasmFault } from "../../../src/wasm/index.ts";
import type { Check, Status } from "../report.ts";
import { type Modules, Refused } from "./modules.ts";
import { type Action, type Command, expectedOf, type Script } from "./script.ts";
import { allowedNow, invalidNow } from "./superseded.ts";
import { type SharedModule, startThread } from "./thread.ts";
import { isCollected, matches, show } from "./values.ts";
import type { Outcome, Prepared, World } from "./world.ts";

/** A command that cannot be run, for a reason that counts as skip. */
class Skipped extends Error {}
/** A command that did not do what it asserts. */
class Failed extends Error {}

/** An instance, or why there is none. */
type Slot<Instance> = { readonly instance: Instance } | { readonly missing: Skipped | Failed };

/** Trap messages of the plain run by command, for comparison. */
export type Messages = Map<Command, string>;

export class Interpreter<Instance> {
  readonly #script: Script;
  readonly #world: World<Instance>;
  readonly #modules: Modules;
  readonly #messages: Messages;
  readonly #named = new Map<string, Slot<Instance>>();
  readonly #registered = new Map<string, Slot<Instance>>();
  readonly #definitions = new Map<string, Command>();
  readonly #threads = new Map<string, Promise<Check[]>>();
  #last: Slot<Instance> = { missing: new Failed("the script has no module yet") };
  #lastDefinition: Command | undefined;

  constructor(script: Script, world: World<Instance>, modules: Modules, messages: Messages) {
    this.#script = script;
    this.#world = world;
    this.#modules = modules;
    this.#messages = messages;
    const spectest = world.add(modules.spectest, new Map());
    if (!("instance" in spectest)) throw new Error("spectest can be instantiated");
    this.#registered.set("spectest", spectest);
  }

  /** A module that another thread shares. */
  adopt({ name, exports }: SharedModule): void {
    this.#named.set(name, { instance: this.#world.adopt(exports) });
  }

  /** All commands in order; those that the way has nothing to say to give no check. */
  async run(): Promise<Check[]> {
    const checks: Check[] = [];
    for (const command of this.#script.commands) {
      if (command.type === "wait") {
        checks.push(...((await this.#threads.get(command.thread!)) ?? []));
        continue;
      }
      const result = this.#check(command);
      if (!result) continue;
      const place = { file: this.#script.file, line: command.line, what: command.type, way: this.#world.way };
      checks.push({ ...place, ...result });
    }
    return checks;
  }

  #check(command: Command): { readonly status: Status; readonly message?: string } | undefined {
    try {
      if (!this.#execute(command)) return undefined;
      const skipped = this.#world.takeSkipped();
      if (skipped === undefined) return { status: "passed" };
      return { status: skipped.includes("object of the host") ? "skipped" : "failed", message: skipped };
    } catch (thrown) {
      const status = thrown instanceof Skipped ? "skipped" : "failed";
      const known = thrown instanceof Skipped || thrown instanceof Failed;
      return { status, message: known ? thrown.message : `unexpected: ${messageOf(thrown)}` };
    }
  }

  /** False if this way does not check the command. */
  #execute(command: Command): boolean {
    switch (command.type) {
      case "module":
        return this.#module(command, command.name);
      case "module_definition":
        this.#lastDefinition = command;
        if (command.name !== undefined) this.#definitions.set(command.name, command);
        this.#prepare(command);
        return true;
      case "module_instance":
        return this.#module(this.#definition(command), command.instance);
      case "register":
        this.#registered.set(command.as!, this.#slot(command.name));
        return true;
      case "thread":
        return this.#thread(command);
      case "assert_malformed":
      case "assert_invalid":
        return this.#refused(command);
      case "assert_unlinkable":
        return this.#ends(command, this.#instantiate(command), ["unlinkable"]);
      case "assert_uninstantiable":
        return this.#ends(command, this.#instantiate(command), ["trapped", "threw"]);
      case "assert_suspension":
        throw new Skipped("stack switching is no part of WebAssembly 3.0");
      default:
        return this.#action(command);
    }
  }

  #action(command: Command): boolean {
    if (!command.action) throw new Failed(`unknown command ${JSON.stringify(command.type)}`);
    const outcome = this.#act(command.action);
    switch (command.type) {
      case "action":
        return this.#ends(command, outcome, ["returned"]);
      case "assert_return":
        return this.#returns(command, outcome);
      case "assert_trap":
        return this.#ends(command, outcome, ["trapped"]);
      case "assert_exhaustion":
        return this.#ends(command, outcome, ["exhausted"]);
      case "assert_exception":
        return this.#ends(command, outcome, ["threw"]);
      default:
        throw new Failed(`unknown command ${JSON.stringify(command.type)}`);
    }
  }

  #act({ type, module, field, args = [] }: Action): Outcome {
    const slot = this.#slot(module);
    if ("missing" in slot) throw slot.missing;
    if (args.some(isCollected)) throw new Skipped(`an argument is a garbage-collected object (${args.map(show)})`);
    return type === "get" ? this.#world.get(slot.instance, field) : this.#world.invoke(slot.instance, field, args);
  }

  #thread({ name, shared_module: shared, commands = [] }: Command): boolean {
    const { file } = this.#script;
    const slot = shared === undefined ? undefined : this.#slot(shared);
    if (slot && "missing" in slot) throw slot.missing;
    const module = slot ? { name: shared!, exports: this.#world.share(slot.instance) } : undefined;
    this.#threads.set(name!, startThread({ file, way: this.#world.way, commands, module }));
    return false;
  }

  #module(command: Command, name: string | undefined): boolean {
    let slot: Slot<Instance>;
    try {
      const added = this.#add(command);
      slot = "instance" in added ? added : { missing: new Failed(describe(added.outcome)) };
    } catch (thrown) {
      slot = { missing: thrown instanceof Skipped ? thrown : new Failed(messageOf(thrown)) };
    }
    this.#last = slot;
    if (name !== undefined) this.#named.set(name, slot);
    if ("missing" in slot) {
      const { missing } = slot;
      const needed = `needs the module of line ${command.line}: ${missing.message}`;
      this.#last = { missing: missing instanceof Skipped ? new Skipped(needed) : new Failed(needed) };
      if (name !== undefined) this.#named.set(name, this.#last);
      throw missing;
    }
    return true;
  }

  #add(command: Command) {
    const prepared = this.#prepare(command);
    const registry = new Map<string, Instance>();
    for (const { module } of prepared.module.imports) {
      const slot = this.#registered.get(module);
      if (slot && "missing" in slot) throw slot.missing;
      if (slot) registry.set(module, slot.instance);
    }
    return this.#world.add(prepared, registry);
  }

  #instantiate(command: Command): Outcome {
    const added = this.#add(command);
    return "outcome" in added ? added.outcome : { kind: "returned", values: [] };
  }

  #prepare(command: Command): Prepared {
    const prepared = this.#modules.prepare(command);
    if (!(prepared instanceof Refused)) return prepared;
    if (prepared.text) throw new Skipped("a module in the text format: rtcr reads the binary format only");
    const { fault } = prepared;
    if (fault instanceof WasmFault && fault.code === "unsupported") throw new Skipped(fault.message);
    throw new Failed(messageOf(fault));
  }

  #refused(command: Command): boolean {
    if (this.#world.way === "tortured") return false;
    const { type } = command;
    const bytes = this.#modules.bytes(command);
    if (!bytes) throw new Skipped("a module in the text format: rtcr reads the binary format only");
    const allowed = WebAssembly.validate(bytes);
    if (this.#world.way === "plain") {
      if (allowed) throw notRefused("the engine", command);
      return true;
    }
    const prepared = this.#modules.prepare(command);
    const named = prepared instanceof Refused && prepared.fault instanceof WasmFault;
    if (prepared instanceof Refused && (named || type === "assert_invalid" || invalidNow(command.text))) return true;
    throw allowed
      ? notRefused("rtcr", command)
      : new Failed(`rtcr accepts it, expected ${JSON.stringify(command.text)}`);
  }

  #returns(command: Command, outcome: Outcome): boolean {
    this.#ends(command, outcome, ["returned"]);
    const expected = expectedOf(command);
    if (expected.some(isCollected)) throw new Skipped("the expected result is a garbage-collected object");
    const values = outcome.kind === "returned" ? outcome.values : [];
    const good = values.length === expected.length && values.every((value, index) => matches(expected[index]!, value));
    if (good) return true;
    throw new Failed(
      `expected ${expected.map(show).join(", ") || "nothing"}, found ${values.map(show).join(", ") || "nothing"}`,
    );
  }

  #ends(command: Command, outcome: Outcome, wanted: readonly Outcome["kind"][]): boolean {
    if (!wanted.includes(outcome.kind)) throw new Failed(`expected ${wanted.join(" or ")}, found ${describe(outcome)}`);
    // Instantiation says which segment was out of bounds; rtcr writes some of them by instructions, which do not.
    if (outcome.kind !== "trapped" || command.type === "assert_uninstantiable") return true;
    if (this.#world.way === "plain") this.#messages.set(command, outcome.message);
    const plain = this.#messages.get(command);
    if (plain === undefined || plain === outcome.message) return true;
    throw new Failed(`traps with ${JSON.stringify(outcome.message)}, the plain engine with ${JSON.stringify(plain)}`);
  }

  #definition(command: Command): Command {
    const found = command.module === undefined ? this.#lastDefinition : this.#definitions.get(command.module);
    if (!found) throw new Failed(`no module definition ${command.module ?? "before this line"}`);
    return found;
  }

  #slot(name: string | undefined): Slot<Instance> {
    if (name === undefined) return this.#last;
    const slot = this.#named.get(name) ?? this.#registered.get(name);
    return slot ?? { missing: new Failed(`the script has no module ${name}`) };
  }
}

/** Something that the plain engine accepts was to be refused. */
function notRefused(who: string, { text }: Command): Skipped | Failed {
  const allowed = allowedNow(text);
  if (allowed !== undefined) return new Skipped(`an older suite expects ${JSON.stringify(text)}: ${allowed}`);
  return new Failed(`${who} accepts it, expected ${JSON.stringify(text)}`);
}

function describe(outcome: Outcome): string {
  return outcome.kind === "returned" ? "a return" : `${outcome.kind}: ${outcome.message}`;
}
