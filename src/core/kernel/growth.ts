// What a program of a component makes grow, decided for its engine: memories, tables, frames of threads that stand still.
import type { GrowthPolicy, Thread } from "../../engine/index.ts";
import type { Component } from "./component.ts";
import type { GrowthPolicies } from "./engine.ts";
import { frameKey } from "./held-frames.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { requireHostStack } from "./stack-room.ts";
import type { KernelThread } from "./thread.ts";

const WASM_PAGE_BYTES = 65_536;

/** By which growth in the part of a component on a CPU is told from that of others; 0: its own engine. */
export function partNumber(cpu: number): number {
  return cpu + 1;
}

export class Growth {
  readonly #component: Component;
  readonly #lifetimes: () => Lifetimes;
  /** The parent is not to be asked now. */
  #alone = false;

  constructor(component: Component, lifetimes: () => Lifetimes) {
    this.#component = component;
    this.#lifetimes = lifetimes;
  }

  /** @param part of the engine that asks */
  of(part: number): GrowthPolicies {
    return {
      memory: this.memory,
      tables: (held) => this.tables(held, part),
      frames: (thread, bytes) => this.frames(thread, bytes, part),
    };
  }

  readonly memory: GrowthPolicy = (_, memory, delta) => {
    requireHostStack();
    const component = this.#component;
    const { home, holdings } = component;
    const before = component.view.byteLength / WASM_PAGE_BYTES;
    component.memoryChanges();
    if (memory === 0) {
      const decision = home?.grow(delta) ?? "grow";
      return decision === "grown" ? before : decision;
    }
    const lacking = holdings.growMemory(delta);
    if (lacking === undefined) return "grow";
    return home?.request(delta, lacking) ? "park" : "refuse";
  };

  /** A table cannot wait: what the parent gives at once counts. */
  tables(held: number, part = 0): boolean {
    requireHostStack();
    const { holdings } = this.#component;
    const grow = () => holdings.growTables(held, part);
    return grow() || (this.#asked(held - holdings.tablesOf(part)) && grow());
  }

  /**
   * Frames that nobody pays for are gone, and with them what their thread did. A thread that its kernel does not know has been
   * given up while its CPU asked: it costs nothing more.
   */
  frames(id: number, bytes: number, part = 0): boolean {
    const { holdings } = this.#component;
    const hold = () => holdings.frames.hold(frameKey(part, id), bytes);
    if (bytes === 0) return hold();
    const found = this.#standing(id, part);
    if (!found || hold() || (this.#asked(bytes) && hold())) return true;
    const { thread, engine } = found;
    thread.engine.lose(engine);
    this.#lifetimes().loseFrames(thread, engine, `exhausted: its PD cannot pay for frames of ${bytes} bytes`);
    return false;
  }

  #standing(id: number, part: number): { readonly thread: KernelThread; readonly engine: Thread } | undefined {
    for (const thread of this.#component.threads) {
      if (thread.partNumber !== part) continue;
      for (const { engine } of thread.activations) if (engine.id === id) return { thread, engine };
    }
    return undefined;
  }

  /** Decides in `body` without the parent: no code of others runs. */
  alone(body: () => void): void {
    this.#alone = true;
    try {
      body();
    } finally {
      this.#alone = false;
    }
  }

  #asked(bytes: number): boolean {
    if (this.#alone) return false;
    return this.#component.home?.request(Math.ceil(bytes / WASM_PAGE_BYTES), "out-of-ram") ?? false;
  }
}
