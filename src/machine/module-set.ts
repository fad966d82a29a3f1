// The original modules of a machine, by hash.

import { type Sha256, short } from "../checkpoint/index.ts";
import { MachineFault } from "./faults.ts";

export class ModuleSet {
  readonly #sha256: Sha256;
  readonly #modules = new Map<string, Uint8Array>();

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** Adds a module; returns its hash. */
  add(bytes: Uint8Array): string {
    const hash = this.#sha256(bytes);
    this.#modules.set(hash, bytes);
    return hash;
  }

  /** @throws MachineFault "wrong-module" if it is not there */
  get(hash: string, instance: string): Uint8Array {
    const found = this.#modules.get(hash);
    if (found) return found;
    const hashes = [...this.#modules.keys()];
    const message = `${instance}: expected module ${short(hash)}, found ${hashes.map(short).join(", ") || "none"}`;
    throw new MachineFault("wrong-module", message, { instance, expected: hash, found: hashes });
  }

  all(): Readonly<Record<string, Uint8Array>> {
    return Object.fromEntries(this.#modules);
  }
}
