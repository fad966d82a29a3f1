// Scopes: how long named pieces of work take (thesis 5.2.3). Off by default; while it measures it writes numbers into
// arrays that exist, and prints nothing.
//
//   const scope = beginScope("Memcpy", "blue");   -1 when nobody records: one comparison
//   ...
//   endScope(scope);
//
// One recorder a JavaScript thread; records of several threads are merged when they are written out.

/** Colours of the thesis's graphs: checkpoint, restore, plain allocation, pause and resume. */
export type ScopeColor = "red" | "blue" | "violet" | "green" | "gray";

/** One measurement. Times in nanoseconds of one clock. */
export interface Scope {
  readonly name: string;
  readonly color: string;
  readonly startNs: number;
  readonly stopNs: number;
  /** The JavaScript thread that it was measured in. */
  readonly thread: string;
}

/** Milliseconds on a clock of at least microsecond resolution. */
export type ProfileClock = () => number;

const NOT_RECORDED = -1;
let active: Recorder | undefined;

/** Starts to record in this JavaScript thread; ends what was recorded before. */
export function startProfile(recorder: Recorder): void {
  active = recorder;
}

/** Stops; what was recorded stays in its recorder. */
export function stopProfile(): void {
  active = undefined;
}

/** Whether scopes are recorded now: for names that are costly to make. */
export function profiling(): boolean {
  return active !== undefined;
}

/** @returns what `endScope` is given */
export function beginScope(name: string, color: ScopeColor): number {
  return active === undefined ? NOT_RECORDED : active.begin(name, color);
}

export function endScope(scope: number): void {
  if (scope !== NOT_RECORDED) active?.end(scope);
}

/** Measures a function. */
export function inScope<T>(name: string, color: ScopeColor, body: () => T): T {
  const scope = beginScope(name, color);
  try {
    return body();
  } finally {
    endScope(scope);
  }
}

/** A fixed number of scopes; beyond it they are counted and dropped. */
export class Recorder {
  readonly #thread: string;
  readonly #now: ProfileClock;
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #kinds: Uint32Array;
  readonly #times: Float64Array;
  #count = 0;
  #dropped = 0;

  constructor(thread: string, options: { readonly capacity?: number; readonly now?: ProfileClock } = {}) {
    const { capacity = 65_536, now = () => performance.now() } = options;
    this.#thread = thread;
    this.#now = now;
    this.#kinds = new Uint32Array(capacity).fill(0);
    this.#times = new Float64Array(capacity * 2).fill(0);
  }

  /** Scopes that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  begin(name: string, color: ScopeColor): number {
    if (this.#count === this.#kinds.length) {
      this.#dropped++;
      return NOT_RECORDED;
    }
    const scope = this.#count++;
    this.#kinds[scope] = this.#number(`${color} ${name}`);
    this.#times[scope * 2 + 1] = Number.NaN;
    this.#times[scope * 2] = this.#now();
    return scope;
  }

  /** Whether a scope was begun and has not ended. */
  open(scope: number): boolean {
    return scope >= 0 && scope < this.#count && Number.isNaN(this.#times[scope * 2 + 1]);
  }

  end(scope: number): void {
    this.#times[scope * 2 + 1] = this.#now();
  }

  /** Ends a scope that was measured elsewhere. */
  set(scope: number, beginMs: number, endMs: number): void {
    this.#times[scope * 2] = beginMs;
    this.#times[scope * 2 + 1] = endMs;
  }

  /** What was recorded and has ended, by the time of its beginning. */
  scopes(): Scope[] {
    const scopes: Scope[] = [];
    for (let i = 0; i < this.#count; i++) {
      const stop = this.#times[i * 2 + 1]!;
      if (Number.isNaN(stop)) continue;
      const kind = this.#names[this.#kinds[i]!]!;
      const space = kind.indexOf(" ");
      const startNs = Math.round(this.#times[i * 2]! * 1e6);
      const place = { name: kind.slice(space + 1), color: kind.slice(0, space), thread: this.#thread };
      scopes.push({ ...place, startNs, stopNs: Math.round(stop * 1e6) });
    }
    return scopes;
  }

  #number(kind: string): number {
    let number = this.#numbers.get(kind);
    if (number === undefined) {
      number = this.#names.push(kind) - 1;
      this.#numbers.set(kind, number);
    }
    return number;
  }
}
