// Scopes of core itself: slices of threads on each CPU, programs that are loaded, sessions that are opened, dataspaces that
// are allocated and attached. Whoever records those of components (kernel/scopes.ts) gets these as well, in a row for each
// CPU. With nobody recording each is one comparison.
import type { ScopeColor, ScopedThread, ScopeSink } from "./kernel/scopes.ts";

/** What `begin` gives when nobody records. */
const NOT_RECORDED = 0;

export class CoreScopes {
  /** Who records; undefined: nobody. */
  sink: ScopeSink | undefined;
  readonly #rows: ScopedThread[] = [];

  /** @returns what `end` is given, with the same CPU */
  begin(name: string, color: ScopeColor, cpu = 0): number {
    return this.sink === undefined ? NOT_RECORDED : this.sink.begin(this.#row(cpu), name, color);
  }

  /** A slice of a thread. */
  beginSlice(thread: ScopedThread, cpu = 0): number {
    if (this.sink === undefined) return NOT_RECORDED;
    return this.begin(`Slice: ${thread.component.label}: ${thread.name}`, "gray", cpu);
  }

  end(scope: number, cpu = 0): void {
    if (scope !== NOT_RECORDED) this.sink?.end(this.#row(cpu), scope);
  }

  /** Numbers of threads begin with 1. */
  #row(cpu: number): ScopedThread {
    this.#rows[cpu] ??= { id: -cpu, name: `CPU ${cpu}`, component: { label: "core" } };
    return this.#rows[cpu];
  }
}
