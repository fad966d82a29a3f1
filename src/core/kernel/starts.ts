// How threads begin in a component's program: with a function of its table or the program's entry, by `thread-spawn` in an
// instance of their own, and as entrypoints, which are called by a function of its table again and again.
import type { Entry } from "../../engine/index.ts";
import type { Component } from "./component.ts";
import type { ComponentEngine } from "./engine.ts";
import { dispatches } from "./functions.ts";
import { fitsMessage } from "./message-copy.ts";
import { entryOf, exportOf, loadRefusal, SPAWN, START } from "./program.ts";
import type { KernelThread } from "./thread.ts";
import { ROLE } from "./thread-parts.ts";

export class Starts {
  /** Whether the module's start function has been given to a thread: it runs once in a program's life. */
  startGiven = false;
  readonly #component: Component;

  constructor(component: Component) {
    this.#component = component;
  }

  /**
   * Gives a thread its first activation.
   *
   * @param ip index in table 0 of a function without parameters or with one, which gets `sp`; 0: the program's entry
   * @returns what is wrong; undefined if nothing is
   */
  begin(thread: KernelThread, ip: number, sp: number): string | undefined {
    const { native, loaded } = this.#component;
    if (native) {
      native.start();
      return undefined;
    }
    if (!loaded) return "started before a program was loaded";
    const { engine, program } = this.#component;
    if (engine.lost !== undefined) return engine.lost;
    const entry = ip === 0 ? this.#entry() : engine.tableFunction(ip, 0);
    if (!entry) return `expected a function at index ${ip} of the table`;
    const { params } = program.signature(entry.function);
    if (params.length > 1 || params.some((type) => type !== "i32")) return `${entry.name}: expected at most one i32`;
    const role = ip === 0 && entry.name === START ? ROLE.command : ROLE.main;
    thread.globals = engine.freshGlobals(sp);
    thread.activations = [{ engine: engine.spawn(entry, params.length === 1 ? [sp | 0] : []), role }];
    if (!this.startGiven) this.#giveStart(thread, engine, 0);
    this.startGiven = true;
    return undefined;
  }

  /** The module's start function, if it has one, is what the thread does first. */
  #giveStart(thread: KernelThread, engine: ComponentEngine, instance: number): void {
    const { start } = this.#component.program.info;
    if (start === undefined) return;
    const begin = engine.spawn({ instance, function: start, name: "(start)" }, []);
    thread.activations.push({ engine: begin, role: ROLE.start });
  }

  #entry(): Entry | undefined {
    const found = entryOf(this.#component.program.info);
    return found && { instance: 0, function: found.index, name: found.name };
  }

  /**
   * Begins a thread of `thread-spawn` in an instance of its own, with globals of its own, over the same memory.
   *
   * @returns false if the program has no function for such threads, or no memory that they can share, or no room is left
   */
  beginSpawned(thread: KernelThread, argument: number): boolean {
    const { program, parts } = this.#component;
    const found = exportOf(program.info, SPAWN.start);
    if (!found || program.signature(found.index).params.join() !== "i32,i32") return false;
    const instance = program.info.memories[0]?.defined ? undefined : this.#takeInstance();
    if (instance === undefined) return false;
    thread.instance = instance;
    parts.begin(thread);
    const { engine } = thread;
    const main = engine.spawn({ instance, function: found.index, name: found.name }, [thread.id, argument]);
    thread.activations.push({ engine: main, role: ROLE.main });
    this.#giveStart(thread, engine, instance); // each instance runs it: that of LLVM's linker sees that memory is there already
    return true;
  }

  #takeInstance(): number | undefined {
    const { engine, entered, holdings, threads } = this.#component;
    const before = engine.instances;
    let charged = false;
    try {
      // Threads that have ended are in theirs until they have left.
      const free = engine.freeInstance(new Set([...threads, ...entered].map((other) => other.instance)));
      if (free !== undefined) return free;
      charged = holdings.addInstance();
      if (!charged) return undefined;
      engine.ensureInstances(before + 1);
      return before;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      return undefined;
    } finally {
      if (charged && engine.instances === before) holdings.withoutInstance();
    }
  }

  /** The thread becomes an entrypoint; refused without effect if the dispatch function or the buffer is none. */
  serve(thread: KernelThread, dispatch: number, argument: number, message: number): boolean {
    const entry = thread.engine.tableFunction(dispatch, thread.instance);
    if (!entry || !this.dispatches(entry) || !fitsMessage(this.#component, message)) return false;
    thread.ep.serving = { call: thread.engine.directCall(entry), argument, message: message >>> 0 };
    return true;
  }

  /** Whether a function can be an entrypoint's dispatch function. */
  dispatches({ instance, function: index }: Entry): boolean {
    const { loaded } = this.#component;
    if (!loaded || this.#component.engine.memories(instance) === undefined) return false;
    return dispatches(this.#component.program, index);
  }
}
