// Rewritten programs by what they were made of: one for all components with the same module. Those that no component
// runs any more are kept for the next one, as many as IDLE says, those that were loaded last.
import type { LoadedProgram } from "../program.ts";

const IDLE = { programs: 16, bytes: 64 << 20 } as const;

export class Programs {
  /** Loaded last comes last. */
  readonly #kept = new Map<string, LoadedProgram>();

  /** How many are kept, those included that run. */
  get count(): number {
    return this.#kept.size;
  }

  /** The program of a key, which is made if it is not kept. */
  take(key: string, make: () => LoadedProgram): LoadedProgram {
    const program = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, program);
    return program;
  }

  /** Lets go of those that are too many. @param running those that components have */
  trim(running: ReadonlySet<LoadedProgram>): void {
    let programs = 0;
    let bytes = 0;
    for (const [key, program] of [...this.#kept].reverse()) {
      if (running.has(program)) continue;
      programs++;
      bytes += program.bytes.length;
      if (programs > IDLE.programs || bytes > IDLE.bytes) this.#kept.delete(key);
    }
  }
}
