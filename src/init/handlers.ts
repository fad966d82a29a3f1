// The signal handlers of an init, by name. A restored init has the contexts again that it had: they are others' too.
import type { Capability, Env, SignalContext, SignalHandler, SlotReader, SlotWriter } from "../session/index.ts";
import { required } from "../util/index.ts";

export type HandlerName = "work" | "requests" | "sessions" | "resources" | "heartbeat" | "config" | "timer";

/** Contexts by name, as slots. */
export type SavedHandlers = readonly (readonly [name: string, context: number])[];

export class Handlers {
  readonly #env: Env;
  readonly #handlers = new Map<HandlerName, SignalHandler>();
  readonly #again: { readonly saved: SavedHandlers; readonly slots: SlotReader } | undefined;

  /** @param again what `capture` gave */
  constructor(env: Env, again?: { readonly saved: SavedHandlers; readonly slots: SlotReader }) {
    this.#env = env;
    this.#again = again;
  }

  /** @returns the context for it: the saved one if there is one of that name */
  add(name: HandlerName, handle: () => void): Capability<SignalContext> {
    const handler = this.#handlerAgain(name, handle) ?? this.#env.signalHandler(handle);
    this.#handlers.set(name, handler);
    return handler.context;
  }

  #handlerAgain(name: HandlerName, handle: () => void): SignalHandler | undefined {
    const { saved, slots } = this.#again ?? {};
    const [, slot] = saved?.find(([known]) => known === name) ?? [];
    if (slot === undefined) return undefined;
    return this.#env.signalHandlerAgain(slots!.held<SignalContext>(slot, "signal-context"), handle);
  }

  contextOf(name: HandlerName): Capability<SignalContext> {
    return required(this.#handlers.get(name), `the handler "${name}"`).context;
  }

  capture(slots: SlotWriter): SavedHandlers {
    return Array.from(this.#handlers, ([name, { context }]) => [name, slots.held(context)]);
  }

  dispose(): void {
    for (const handler of this.#handlers.values()) handler.dispose();
  }
}
