// Scopes that components measure: name and colour come from the component, times and the row (its thread) from whoever
// records. A component asks only while its profiling word says so (KERNEL_EXPORTS.profiling); the word is shown whenever
// a thread of it is entered, so what a restore has put there does not matter.
//
// A component on another CPU records too: that CPU looks at its clock (cpus/worker-scopes.ts), so that times do not hold the
// way of the requests to the kernel.

import { SCOPE_COLORS } from "../../abi/index.ts";
import { equalBytes } from "../../util/index.ts";
import type { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";

export type ScopeColor = (typeof SCOPE_COLORS)[number];

/** A thread as the recorder names it. */
export interface ScopedThread {
  readonly id: number;
  readonly name: string;
  readonly component: { readonly label: string };
}

/** Who records scopes of components (profile/ has one). */
export interface ScopeSink {
  /** @returns what `end` is given; 0: it is not recorded */
  begin(thread: ScopedThread, name: string, color: ScopeColor): number;
  /**
   * @param scope any number: it comes from a component
   * @param times of what ran on another CPU, on the host's clock (performance.now)
   */
  end(thread: ScopedThread, scope: number, times?: ScopeTimes): void;
}

export interface ScopeTimes {
  readonly beginMs: number;
  readonly endMs: number;
}

const NAME_BYTES = 64;
/** Names of one component that need no decoding the second time. */
const NAMES_REMEMBERED = 1024;
const UNREADABLE = "?";

const decoder = new TextDecoder();

interface Name {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export class GuestScopes {
  readonly #kernel: Kernel;
  readonly #component: Component;
  /** By address: names are constants of the program, mostly. */
  readonly #names = new Map<number, Name>();

  constructor(kernel: Kernel, component: Component) {
    this.#kernel = kernel;
    this.#component = component;
  }

  begin(address: number, sizeBytes: number, color: number): number {
    const { scopes } = this.#kernel;
    if (!scopes) return 0;
    const name = this.#name(address >>> 0, Math.min(sizeBytes >>> 0, NAME_BYTES));
    return scopes.begin(this.#component.running!, name, SCOPE_COLORS[color] ?? "gray");
  }

  end(scope: number): number {
    const thread = this.#component.running!;
    const times = thread.cpu === 0 ? undefined : this.#kernel.cpus?.at(thread.cpu).scopeTimes;
    this.#kernel.scopes?.end(thread, scope, times);
    return 0;
  }

  #name(address: number, sizeBytes: number): string {
    const pieces = this.#component.bytes.pieces(address, sizeBytes, false);
    if ("kind" in pieces) return UNREADABLE;
    const known = this.#names.get(address);
    const [only] = pieces;
    if (known && pieces.length === 1 && equalBytes(known.bytes, only!)) return known.text;
    const bytes = new Uint8Array(sizeBytes);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    const name = { bytes, text: decoder.decode(bytes) };
    if (this.#names.size >= NAMES_REMEMBERED) this.#names.clear();
    this.#names.set(address, name);
    return name.text;
  }
}
